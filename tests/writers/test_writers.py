import errno
import os
import shutil

import numpy as np
import pytest

from delineate.core.errors import FileError, UnknownNameError
from delineate.writers import WRITERS, format_of, write_prediction

OBJECTS_ONLY = {"csv", "parquet"}
OF_SCANS = {"dicom-seg", "dicom-seg-labelmap", "dicom-seg-fractional", "rtstruct", "sr"}
"""Those that refer to a DICOM series; test_dicom_source tries them on a full disk."""
OF_ALL = [name for name in WRITERS if name not in OF_SCANS]


@pytest.fixture
def predict_for(predict, predict_objects):
    """Make a prediction that the format takes: of regions, or of objects."""

    def make(name):
        if name in OBJECTS_ONLY:
            return predict_objects()
        return predict(np.ones((5, 6), np.uint8))

    return make


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.nii.gz", "nifti"),
        ("a.NII", "nifti"),
        ("a.seg.nrrd", "nrrd"),
        ("a.nrrd", "nrrd"),
        ("a.png", "png"),
        ("a.overlay.png", "overlay"),
        ("a.tiff", "tiff"),
        ("a.rle.csv", "rle"),
    ],
)
def test_the_longest_ending_chooses_the_format(name, expected):
    assert format_of(name) == expected


def test_an_unknown_ending_is_answered_with_the_known_ones(tmp_path, predict):
    with pytest.raises(FileError, match=r"nifti \(\.nii\.gz\), nrrd"):
        write_prediction(predict(), tmp_path / "a.docx")


def test_an_unknown_format_is_answered_with_the_nearest(tmp_path, predict):
    with pytest.raises(UnknownNameError, match="'nifti'"):
        write_prediction(predict(), tmp_path / "a.nii.gz", format="nifty")


def test_a_format_with_anothers_ending_is_refused(tmp_path, predict):
    with pytest.raises(FileError, match=r"must end in \.nii\.gz or \.nii"):
        write_prediction(predict(), tmp_path / "a.png", format="nifti")


@pytest.mark.parametrize("name", OF_ALL)
def test_a_full_disk_leaves_what_was_there(tmp_path, predict_for, monkeypatch, name):
    def refuse(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    prediction = predict_for(name)
    path = tmp_path / f"ü{WRITERS[name].suffix}"
    path.write_text("what was there")
    monkeypatch.setattr("os.fsync", refuse)

    with pytest.raises(FileError, match="No space left on device"):
        write_prediction(prediction, path)

    assert path.read_text() == "what was there"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="There is no /dev/full here.")
@pytest.mark.parametrize("name", OF_ALL)
def test_a_disk_that_refuses_the_bytes_is_named(tmp_path, predict_for, monkeypatch, name):
    from contextlib import contextmanager

    @contextmanager
    def full(path):
        """Hand out a path whose every write fails as on a full disk."""
        try:
            yield tmp_path / f"full{WRITERS[name].suffix}"
        except OSError as error:
            raise FileError(f"{path}: {error.strerror}") from error

    (tmp_path / f"full{WRITERS[name].suffix}").symlink_to("/dev/full")
    monkeypatch.setattr(f"{type(WRITERS[name]).__module__}.whole", full, raising=False)
    monkeypatch.setattr("delineate.core.files.whole", full)

    with pytest.raises(FileError, match="No space left on device"):
        write_prediction(predict_for(name), tmp_path / f"a{WRITERS[name].suffix}")


@pytest.mark.parametrize("name", OF_ALL)
def test_a_folder_is_made_where_there_is_none(tmp_path, predict_for, name):
    path = tmp_path / "größe" / "deep" / f"a b{WRITERS[name].suffix}"

    write_prediction(predict_for(name), path, format=name)

    assert path.stat().st_size > 0
    shutil.rmtree(path.parent)


@pytest.mark.parametrize("name", OF_ALL)
def test_a_place_that_cannot_be_written_is_named(tmp_path, predict_for, name):
    (tmp_path / "file").write_text("no folder")
    path = tmp_path / "file" / f"a{WRITERS[name].suffix}"

    with pytest.raises(FileError, match="could not be written"):
        write_prediction(predict_for(name), path)


def test_an_empty_label_table_is_written(tmp_path, predict):
    from delineate.core.labels import LabelTable

    empty = predict(np.zeros((5, 6), np.uint8), labels=LabelTable(labels=()))

    regions = [writer for name, writer in WRITERS.items() if name not in OBJECTS_ONLY | OF_SCANS]
    for writer in regions:
        write_prediction(empty, tmp_path / f"a{writer.suffix}")

    assert len(list(tmp_path.iterdir())) == len(regions)
