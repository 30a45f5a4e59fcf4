import errno
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from delineate.core.errors import FileError
from delineate.core.files import sweep, whole, whole_folder, write_text


def write_half(target, error):
    with whole(target) as draft:
        draft.write_text("ne")
        raise error


def test_a_file_is_written_and_its_folder_made(tmp_path):
    target = tmp_path / "new" / "plan.yaml"

    write_text(target, "ä: 1\n")

    assert target.read_text(encoding="utf-8") == "ä: 1\n"
    assert list(target.parent.iterdir()) == [target]


def test_the_draft_keeps_the_ending_that_writers_choose_formats_by(tmp_path):
    with whole(tmp_path / "seg.nii.gz") as draft:
        draft.write_bytes(b"x")

        name = draft.name

    assert name.endswith(".nii.gz")
    assert draft.parent == tmp_path


def test_a_failure_leaves_the_old_file_and_no_draft(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    with pytest.raises(ValueError, match="half way"):
        write_half(target, ValueError("half way"))

    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_said_with_the_mend_and_leaves_the_old_file(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    with pytest.raises(FileError, match=r"No space left.*Free some space"):
        write_half(target, OSError(errno.ENOSPC, "No space left on device"))

    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_is_a_file_is_said(tmp_path):
    (tmp_path / "run").write_text("I am a file")

    with pytest.raises(FileError, match="could not be written"):
        write_text(tmp_path / "run" / "plan.yaml", "x")


def test_files_may_be_read_as_widely_as_the_user_lets_them(tmp_path):
    before = os.umask(0o022)
    try:
        with whole(tmp_path / "a.txt") as draft:
            draft.touch(mode=0o600)
    finally:
        os.umask(before)

    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644


def make_folder(target, *, error=None, meanwhile=None):
    with whole_folder(target) as draft:
        (draft / "a.txt").write_text("new")
        if meanwhile:
            meanwhile.mkdir()
        if error:
            raise error


def test_a_folder_appears_with_all_that_is_in_it(tmp_path):
    make_folder(tmp_path / "project")

    assert [path.name for path in tmp_path.iterdir()] == ["project"]
    assert (tmp_path / "project" / "a.txt").read_text() == "new"


@pytest.mark.parametrize("error", [ValueError("half way"), KeyboardInterrupt()])
def test_a_folder_that_could_not_be_finished_leaves_nothing(tmp_path, error):
    with pytest.raises(type(error)):
        make_folder(tmp_path / "project", error=error)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_appeared_meanwhile_is_left_alone(tmp_path):
    with pytest.raises(FileError, match="exists already"):
        make_folder(tmp_path / "project", meanwhile=tmp_path / "project")

    assert [path.name for path in tmp_path.iterdir()] == ["project"]
    assert not list((tmp_path / "project").iterdir())


def test_a_full_disk_is_said_of_a_folder_too(tmp_path):
    with pytest.raises(FileError, match=r"No space left.*nothing was left"):
        make_folder(tmp_path / "p", error=OSError(errno.ENOSPC, "No space left on device"))

    assert list(tmp_path.iterdir()) == []


WRITER = """
import sys, time
from delineate.core.files import whole, whole_folder
with whole(sys.argv[1] + "/seg.nii.gz") as draft, whole_folder(sys.argv[1] + "/bundle") as folder:
    draft.write_bytes(b"half of it")
    (folder / "weights").write_bytes(b"half of them")
    print("at work", flush=True)
    time.sleep(60)
"""


@contextmanager
def writing(folder):
    """A process of its own that is in the midst of writing a file and a folder."""
    command = [sys.executable, "-c", WRITER, str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    try:
        assert process.stdout.readline() == b"at work\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_drafts_of_a_killed_process_are_removed_and_nothing_else(tmp_path):
    (tmp_path / "kept.nii.gz").write_text("whole")
    (tmp_path / ".partial.of.others").write_text("theirs")
    with writing(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(list(tmp_path.glob(".*.partial.*"))) == 2

    removed = sweep(tmp_path)

    assert removed == 2
    assert {path.name for path in tmp_path.iterdir()} == {"kept.nii.gz", ".partial.of.others"}


def test_drafts_of_a_living_process_stay(tmp_path):
    with writing(tmp_path):
        removed = sweep(tmp_path)

        left = list(tmp_path.glob(".*.partial.*"))

    assert removed == 0
    assert len(left) == 2


def test_drafts_of_this_very_process_stay(tmp_path):
    with whole(tmp_path / "a.txt") as draft:
        draft.write_text("new")

        assert sweep(tmp_path) == 0

    assert (tmp_path / "a.txt").read_text() == "new"


def test_drafts_of_another_machine_go_after_a_day(tmp_path):
    young, old = (tmp_path / f".0123{place}2345678.partial.a.txt" for place in (1, 2))
    for path in (young, old):
        path.write_text("half")
    yesterday = time.time() - 90_000
    os.utime(old, (yesterday, yesterday))

    assert sweep(tmp_path) == 1
    assert list(tmp_path.iterdir()) == [young]


def test_a_folder_that_is_not_there_has_no_drafts(tmp_path):
    assert sweep(tmp_path / "absent") == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="The superuser may list every folder.")
def test_a_folder_that_may_not_be_listed_can_still_be_written_to(tmp_path):
    folder = tmp_path / "box"
    folder.mkdir()
    folder.chmod(0o300)
    try:
        write_text(folder / "a.txt", "x")
    finally:
        folder.chmod(0o700)

    assert (folder / "a.txt").read_text() == "x"
