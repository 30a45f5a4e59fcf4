import errno
import os

import pytest

from delineate.core.errors import FileError
from delineate.core.files import whole, whole_folder, write_text


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
