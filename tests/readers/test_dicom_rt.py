"""RTSTRUCT read back: ours exactly, those of others by the stated rule for holes."""

import numpy as np
import pytest
from pydicom import dcmread

from delineate.core.errors import FileError
from delineate.readers.dicom import read_studies
from delineate.readers.dicom_rt import fill, open_structures, read_structures
from delineate.writers.dicom_rt import RtStructWriter
from delineate.writers.dicom_seg import DicomSegWriter
from scans import KINDS, make_scan


def square(low, high):
    return np.array([(low, low), (high, low), (high, high), (low, high)], float) - 0.5


def write(folder, kind="plain", **options):
    scan = make_scan(folder / "in", kind, **options)
    path = folder / "a.rtstruct.dcm"
    RtStructWriter().write(scan.prediction, path, image=scan.image)
    return scan, path


@pytest.mark.parametrize("kind", KINDS)
def test_every_voxel_comes_back_with_its_holes(tmp_path, kind):
    scan, path = write(tmp_path, kind)

    planes, _ = read_structures(path, scan.series).on_slices(scan.series)

    assert np.array_equal(planes, scan.series.to_planes(scan.prediction.mask.array))


def test_speckles_come_back(tmp_path):
    ids = np.random.default_rng(0).integers(0, 5, (3, 20, 24)).astype(np.uint8)
    scan, path = write(tmp_path, shape=(3, 20, 24), ids=ids)

    mask, labels = read_structures(path, scan.series).mask(scan.series)

    assert np.array_equal(mask.array, ids)
    assert labels.by_name("kidney_left").concept.value == "64033007"


@pytest.mark.parametrize(
    ("outlines", "area"),
    [
        ([(False, square(1, 9))], 64),
        ([(False, square(1, 9)), (False, square(3, 6))], 64 - 9),
        ([(False, square(3, 6)), (False, square(1, 9))], 64 - 9),
        ([(False, square(1, 9)), (False, square(3, 8)), (False, square(4, 6))], 64 - 25 + 4),
        ([(False, square(1, 5)), (False, square(4, 8))], 16 + 16 - 1),
        ([(False, square(1, 5)), (False, square(6, 8))], 16 + 4),
        ([(False, square(1, 9)), (False, square(1, 9))], 64),
        ([(True, square(1, 5)), (True, square(4, 8))], 16 + 16 - 2),
        ([(False, square(-5, 3))], 9),
        ([(False, square(20, 30))], 0),
    ],
)
def test_contours_of_a_slice_are_filled_by_the_rule(outlines, area):
    _, inside = fill(outlines, (10, 10))

    assert inside.sum() == area


def test_a_structure_set_of_rt_utils_is_read_where_it_was_drawn(shared_data):
    folder = shared_data / "radiology" / "dicom_rtstruct" / "rt_utils" / "mock_data"
    series = read_studies(folder).only().series

    planes, _ = read_structures(folder / "rt.dcm", series).on_slices(series)

    drawn = {float(entry.position_mm[2]) for entry, plane in zip(series.slices, planes, strict=True)
             if plane.any()}  # fmt: skip
    assert drawn == {60.0}


def test_contours_where_no_image_lies_are_told(shared_data):
    folder = shared_data / "radiology" / "dicom_rtstruct" / "rt_utils" / "mock_data"
    series = read_studies(folder).only().series

    try:
        notes = read_structures(folder / "non_existent_reference_rt.dcm", series).notes
    except FileError as error:
        notes = (str(error),)

    assert any("lie on no slice" in note for note in notes)


def test_a_structure_set_of_other_images_is_refused_by_one_sentence(tmp_path):
    _, path = write(tmp_path, shape=(5, 10, 12))
    other = make_scan(tmp_path / "other", "coronal", shape=(5, 10, 12))

    with pytest.raises(FileError, match="Give the images that it was drawn on"):
        read_structures(path, other.series)


def test_what_is_no_structure_set_is_refused(tmp_path):
    scan = make_scan(tmp_path / "in", shape=(3, 10, 12))
    DicomSegWriter().write(scan.prediction, tmp_path / "a.dcm", image=scan.image)

    with pytest.raises(FileError, match="is no RTSTRUCT"):
        open_structures(tmp_path / "a.dcm")


def test_points_and_stubs_are_counted(tmp_path):
    scan, path = write(tmp_path, shape=(5, 10, 12))
    structures = dcmread(path)
    contours = structures.ROIContourSequence[0].ContourSequence
    contours[0].ContourGeometricType = "POINT"
    contours[1].ContourData = list(contours[1].ContourData)[:6]
    structures.save_as(path)

    parts = read_structures(path, scan.series)

    assert any("POINT" in note for note in parts.notes)
    assert any("fewer than three corners" in note for note in parts.notes)
