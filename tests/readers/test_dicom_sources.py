"""Where files hide: everything is found, nothing outside is touched."""

import os
import zipfile

import pytest
from tests.readers.dicom_cases import even, write_stack

from delineate.core.errors import FileError
from delineate.readers.dicom_sources import SourceFile, find_sources


def test_folders_are_walked_in_order_and_pipes_are_left_alone(tmp_path):
    for name in ("b/2", "a/1", "a/.hidden", "DICOMDIR"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()

    found = find_sources(tmp_path)

    assert [file.name for file in found.files] == ["1", "2"]
    assert found.skipped == {"hidden": 1, "index": 1, "no regular file": 1, "no DICOM": 1}


def test_links_to_folders_are_not_followed_in_circles(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1").write_bytes(b"x")
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)

    assert [file.name for file in find_sources(tmp_path).files] == ["1"]


def test_members_of_a_zip_are_named_and_bombs_left_out(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in/1.dcm", b"x")
        archive.writestr("__MACOSX/1.dcm", b"x")
        archive.writestr("bomb", bytes(2**27))

    found = find_sources(tmp_path / "a.zip")

    assert found.files == (SourceFile(path=str(tmp_path / "a.zip"), member="in/1.dcm"),)
    assert found.files[0].name == "a.zip/in/1.dcm"
    assert found.skipped == {"hidden": 1, "too large when unpacked": 1}


def test_a_zip_that_is_none_is_named(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"no zip at all")

    with pytest.raises(FileError, match=r"a\.zip is damaged"):
        find_sources(tmp_path / "a.zip")


def test_an_index_that_is_none_is_named(tmp_path):
    write_stack(tmp_path, even(1), name="{}")
    (tmp_path / "0.dcm").rename(tmp_path / "DICOMDIR")

    with pytest.raises(FileError, match="no index that can be read"):
        find_sources(tmp_path / "DICOMDIR")


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileError, match="absent cannot be opened"):
        find_sources(tmp_path / "absent")
