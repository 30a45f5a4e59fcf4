"""Reading back: a right file passes, and one that is off by anything is removed."""

from dataclasses import replace

import numpy as np
import pytest
from pydicom import dcmread

from delineate.core.case import Case
from delineate.core.errors import DelineateError, FileError
from delineate.core.image import Mask
from delineate.infer.proof import (
    FRACTIONAL,
    PROVEN,
    SEG_FORMATS,
    at_slices,
    check_objects,
    check_source,
    order_formats,
    prove,
)
from delineate.writers import WRITERS, write_prediction
from scans import KINDS, make_scan


def with_chances(prediction):
    ids = prediction.mask.array
    chance = np.random.default_rng(0).random(ids.shape)
    layers = np.stack([np.where(ids == place, chance, 0.0) for place in range(5)])
    return replace(prediction, probabilities=layers.astype(np.float16))


def write(folder, name, kind="plain", **options):
    scan = make_scan(folder / "in", kind, **options)
    prediction = with_chances(scan.prediction) if name == FRACTIONAL else scan.prediction
    path = folder / f"a{WRITERS[name].suffix}"
    write_prediction(prediction, path, image=scan.image, format=name)
    return scan, prediction, path


@pytest.mark.parametrize("name", PROVEN)
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_written_is_what_is_read(tmp_path, kind, name):
    scan, prediction, path = write(tmp_path, name, kind)

    proof = prove(path, name, prediction, scan.series)

    assert proof.different == 0
    assert proof.voxels > 0
    assert path.exists()


@pytest.mark.parametrize("name", PROVEN)
def test_another_prediction_is_found_out_and_the_file_removed(tmp_path, name):
    scan, prediction, path = write(tmp_path, name)
    ids = prediction.mask.array.copy()
    ids[5, 20, 24] = 2
    changed = replace(prediction, mask=Mask.of(ids, prediction.mask.geometry))
    if name == FRACTIONAL:
        changed = replace(changed, probabilities=1 - prediction.probabilities)

    with pytest.raises(FileError, match="differ from the prediction"):
        prove(path, name, changed, scan.series)

    assert not path.exists()


@pytest.mark.parametrize("name", SEG_FORMATS)
def test_frames_that_lie_elsewhere_are_found_out(tmp_path, name):
    scan, prediction, path = write(tmp_path, name)
    dataset = dcmread(path)
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        frame.PlanePositionSequence[0].ImagePositionPatient[0] += 1.5
    dataset.save_as(path)

    with pytest.raises(FileError, match="differ from the prediction"):
        prove(path, name, prediction, scan.series)


def test_a_contour_that_is_gone_is_found_out(tmp_path):
    scan, prediction, path = write(tmp_path, "rtstruct")
    dataset = dcmread(path)
    del dataset.ROIContourSequence[0].ContourSequence[3]
    dataset.save_as(path)

    with pytest.raises(FileError, match="differ from the prediction"):
        prove(path, "rtstruct", prediction, scan.series)


@pytest.mark.parametrize("name", ["dicom-seg", "rtstruct"])
def test_layers_that_overlap_pass(tmp_path, name):
    scan = make_scan(tmp_path / "in")
    layers = np.zeros((4, *scan.series.regular.shape), bool)
    layers[0, 2:6, 5:20, 6:30], layers[1, 4:8, 10:25, 6:30] = True, True
    labels = replace(scan.prediction.labels, overlapping=True)
    mask = Mask.of(layers, scan.series.regular, is_stack=True)
    stacked = replace(scan.prediction, mask=mask, labels=labels)
    path = tmp_path / f"a{WRITERS[name].suffix}"
    write_prediction(stacked, path, image=scan.image, format=name)

    proof = prove(path, name, stacked, scan.series)

    assert proof.voxels == layers.sum()


@pytest.mark.parametrize("kind", KINDS)
def test_the_way_through_the_patient_agrees_with_the_way_of_the_series(tmp_path, kind):
    scan = make_scan(tmp_path, kind)

    found = at_slices(scan.prediction.mask.array, scan.series.regular, scan.series)

    assert np.array_equal(found, scan.series.to_planes(scan.prediction.mask.array))


def test_a_report_comes_after_its_segments():
    assert order_formats(("sr", "rtstruct", "dicom-seg")) == ("rtstruct", "dicom-seg", "sr")
    with pytest.raises(FileError, match="dicom-seg,sr"):
        order_formats(("sr", "nifti"))


def test_a_case_without_a_series_is_refused_before_anything_is_computed(abdomen, tmp_path):
    scan = make_scan(tmp_path)

    check_source(abdomen, ("nifti",))
    check_source(Case(id="a", patient="a", image=scan.image), ("dicom-seg",))

    with pytest.raises(DelineateError, match="comes from no DICOM series"):
        check_source(abdomen, ("nifti", "rtstruct"))


def test_formats_that_need_a_series_are_refused_for_nuclei_before_anything_is_computed():
    check_objects(("geojson", "csv"), "nuclei")

    with pytest.raises(FileError, match=r"nuclei counts nuclei, and dicom-seg and sr must refer"):
        check_objects(("geojson", "dicom-seg", "sr"), "nuclei")
