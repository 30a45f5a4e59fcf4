"""SEG and RTSTRUCT alike: what they were drawn on, and their labels on any grid of its planes."""

from dataclasses import replace

import numpy as np
import pytest
from pydicom import dcmread

from delineate.core.errors import FileError
from delineate.core.geometry import Geometry
from delineate.core.regrid import regrid_labels
from delineate.readers.dicom_drawn import look_at, put_back, series_of_grid
from delineate.writers import WRITERS, write_prediction
from scans import make_scan

FORMATS = ("dicom-seg", "dicom-seg-labelmap", "rtstruct")


def write(folder, name, kind="plain", **options):
    scan = make_scan(folder / "ct", kind, shape=(6, 20, 24), **options)
    path = folder / f"a{WRITERS[name].suffix}"
    write_prediction(scan.prediction, path, image=scan.image, format=name)
    return scan, path


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_says_what_it_was_drawn_on(tmp_path, name):
    scan, path = write(tmp_path, name)

    drawn = look_at(path)

    assert (drawn.study_uid, drawn.series_uid, drawn.reference_uid) == (
        "1.2.3.1", "1.2.3.2", "1.2.3.3",
    )  # fmt: skip
    assert drawn.is_contours == (name == "rtstruct")
    assert drawn.is_own
    assert drawn.instances <= {entry.sop_uid for entry in scan.series.slices}
    assert drawn.instances
    assert "P1" not in drawn.patient


def test_slices_and_other_files_are_no_drawings(tmp_path):
    scan, path = write(tmp_path, "dicom-seg")
    (tmp_path / "short.dcm").write_bytes(path.read_bytes()[:140])
    (tmp_path / "text.dcm").write_text("no", encoding="utf-8")

    places = [scan.folder / "000.dcm", *(tmp_path / name for name in ("short.dcm", "text.dcm"))]
    found = [look_at(place) for place in (*places, tmp_path, tmp_path / "none")]

    assert found == [None] * 5


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", ["plain", "flipped", "coronal", "oblique"])
def test_labels_come_onto_a_grid_turned_in_any_way(tmp_path, kind, name):
    scan, path = write(tmp_path, name, kind)
    grid = scan.series.regular.rearranged((2, 0, 1), (0, 2))
    expected = regrid_labels(scan.prediction.mask, grid)

    mask, labels = look_at(path).on_grid(grid)

    assert labels.names == ("liver", "kidney_left", "small_bowel")
    assert np.array_equal(mask.array, expected.array)


def test_a_grid_of_other_planes_is_refused(tmp_path):
    scan, path = write(tmp_path, "dicom-seg")
    affine = scan.series.regular.affine.copy()
    affine[2, 3] += 1

    with pytest.raises(FileError, match="are not among the planes given"):
        look_at(path).on_grid(replace(scan.series.regular, affine=affine))


def test_another_study_is_refused_unless_it_shares_the_frame_of_reference(tmp_path):
    _, path = write(tmp_path, "rtstruct")
    other = make_scan(tmp_path / "other", shape=(6, 20, 24), root="1.2.9")
    same = replace(other.series, frame_of_reference_uid="1.2.3.3")

    drawn = look_at(path)

    drawn.check_source(same)
    with pytest.raises(FileError, match=r"series 1.2.3.2 of another study, not on series 1.2.9.2"):
        drawn.check_source(other.series)


def test_a_file_that_names_no_source_is_taken_by_its_place(tmp_path):
    _, path = write(tmp_path, "rtstruct")
    dataset = dcmread(path)
    del dataset.ReferencedFrameOfReferenceSequence
    dataset.pop("FrameOfReferenceUID", None)
    dataset.save_as(path)
    other = make_scan(tmp_path / "other", shape=(6, 20, 24), root="1.2.9")

    drawn = look_at(path)

    drawn.check_source(other.series)
    assert drawn.series_uid == drawn.reference_uid == ""


def test_damaged_pixels_are_named(tmp_path):
    scan, path = write(tmp_path, "dicom-seg")
    path.write_bytes(path.read_bytes()[:-200])

    with pytest.raises(FileError, match=r"a.seg.dcm is damaged"):
        look_at(path).on_grid(scan.series.regular)


def test_planes_of_a_grid_are_slices_where_they_lie():
    grid = Geometry.of_spacing((3, 4, 5), (2.5, 1.0, 0.5))

    series = series_of_grid(grid)

    assert series.is_plain
    assert [entry.position_mm[2] for entry in series.slices] == [0, 2.5, 5]
    assert series.slices[0].spacing_mm == (1.0, 0.5)
    with pytest.raises(FileError, match="no DICOM file"):
        series.header(series.slices[0])


def test_what_was_rearranged_is_put_back():
    array = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    turned = np.flip(array.transpose(0, 3, 1, 2), (2, 3))

    back = put_back(turned, (2, 0, 1), (1, 2))

    assert np.array_equal(back, array)
