import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image as Picture

from delineate.core.errors import FileError
from delineate.readers import find_files, read_image, strip_suffix


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(np.zeros((2, 2), np.uint8)).save(path)
    return path


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.nii.gz", "a"),
        ("x/y/brain.v2.NII.GZ", "brain.v2"),
        ("a.seg.nrrd", "a"),
        ("a.tiff", "a"),
        ("1.2.840.113", "1.2.840.113"),
        (".png", ".png"),
    ],
)
def test_the_stem_is_the_name_without_a_known_ending(name, stem):
    assert strip_suffix(name) == stem


def test_files_come_in_natural_order_without_hidden_and_foreign_ones(tmp_path):
    for name in ("case10.png", "case2.png", "Case1.png", ".hidden.png"):
        picture(tmp_path / name)
    (tmp_path / "notes.txt").write_text("x")
    picture(tmp_path / "deeper" / "case3.png")

    found = find_files(tmp_path)

    assert [path.name for path in found] == ["Case1.png", "case2.png", "case10.png"]


def test_sub_folders_are_searched_only_on_request(tmp_path):
    picture(tmp_path / "b" / "case3.png")
    picture(tmp_path / "a.png")

    found = find_files(tmp_path, recursive=True)

    assert [path.name for path in found] == ["a.png", "case3.png"]


def test_a_folder_of_dicom_slices_counts_as_one(tmp_path, write_series):
    write_series(tmp_path / "patient" / "series 1")
    write_series(tmp_path / "patient" / "series 2")

    assert [path.name for path in find_files(tmp_path / "patient")] == ["series 1", "series 2"]
    assert find_files(tmp_path / "patient" / "series 1") == [tmp_path / "patient" / "series 1"]
    assert len(find_files(tmp_path, recursive=True)) == 2


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(FileError, match="gone cannot be listed"):
        find_files(tmp_path / "gone")


@pytest.mark.skipif(os.geteuid() == 0, reason="Permissions do not bind the administrator.")
def test_a_folder_that_may_not_be_read_is_named(tmp_path):
    tmp_path.chmod(0)
    try:
        with pytest.raises(FileError, match="cannot be listed"):
            find_files(tmp_path)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("reading", [find_files, read_image])
def test_a_folder_that_the_system_refuses_is_named(tmp_path, monkeypatch, reading):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "locked").mkdir()
    monkeypatch.setattr("pathlib.Path.iterdir", refuse)

    with pytest.raises(FileError, match=r"locked .*Permission denied"):
        reading(tmp_path / "locked")


def test_an_unknown_ending_is_answered_with_the_known_ones(tmp_path):
    (tmp_path / "a.docx").write_text("x")

    with pytest.raises(FileError, match=r"no reader knows\. Give one of: \.nii\.gz"):
        read_image(tmp_path / "a.docx")


def test_a_path_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        read_image(tmp_path / "a.nii.gz")


def test_a_folder_without_slices_is_refused(tmp_path):
    with pytest.raises(FileError, match="holds no DICOM images"):
        read_image(tmp_path)


def test_the_tables_of_formats_import_nothing_heavy():
    code = (
        "import sys, delineate.readers, delineate.writers;"
        "heavy = {'torch', 'nibabel', 'nrrd', 'pydicom', 'tifffile', 'PIL', 'scipy', 'matplotlib'};"
        "sys.exit(', '.join(heavy & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr.strip() == ""
