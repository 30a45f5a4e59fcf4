"""Predictions in any kind of file, with the truth's grid and numbers."""

import numpy as np
import pytest

from delineate.core.errors import LabelError
from delineate.core.geometry import Geometry
from delineate.core.image import Mask
from delineate.core.labels import Label, LabelTable
from delineate.said import match_labels, read_said
from delineate.writers import write_prediction
from scans import make_scan

TRUTH = LabelTable.of_names({"liver": 1, "kidney_left": 2, "small_bowel": 3})


def rows(*names):
    return [Label(id=place + 5, name=name) for place, name in enumerate(names)]


def names_of(found):
    return {id: label.name for id, label in found.items()}


def test_names_match_whatever_their_case_and_punctuation():
    said = rows("Small-Bowel", "LIVER", "Kidney (left)", "spleen")

    found = match_labels(said, TRUTH, "a.dcm")

    assert names_of(found) == {5: "small_bowel", 6: "liver", 7: "kidney_left"}


def test_the_very_name_comes_before_one_that_is_alike():
    found = match_labels(rows("LIVER", "liver"), TRUTH, "a.dcm")

    assert names_of(found) == {6: "liver"}


def test_two_that_are_alike_are_no_match():
    found = match_labels(rows("Liver", "LIVER", "small_bowel"), TRUTH, "a.dcm")

    assert names_of(found) == {7: "small_bowel"}


def test_names_that_share_nothing_are_refused_in_one_sentence():
    with pytest.raises(LabelError, match=r"a.dcm names 'Leber', and the truth 'liver', .* same"):
        match_labels(rows("Leber"), TRUTH, "a.dcm")


def test_an_overlap_with_what_does_not_count_leaves_ids(tmp_path):
    scan = make_scan(tmp_path / "ct", shape=(4, 16, 18))
    layers = np.zeros((2, 4, 16, 18), bool)
    layers[0], layers[1, 1:3, 4:9, 5:9] = True, True
    labels = LabelTable(labels=(Label(id=1, name="body"), Label(id=2, name="liver")),
                        overlapping=True)  # fmt: skip
    prediction = scan.prediction.__class__(
        case_id="a", mask=Mask.of(layers, scan.series.regular, is_stack=True), labels=labels,
        provenance=scan.prediction.provenance,
    )  # fmt: skip
    write_prediction(prediction, tmp_path / "a.rtstruct.dcm", image=scan.image, format="rtstruct")

    said = read_said(tmp_path / "a.rtstruct.dcm", scan.series.regular, TRUTH, series=scan.series)

    assert said.mask.num_layers is None
    assert np.array_equal(said.mask.array, layers[1] * 1)
    assert said.named == {"liver"}
    assert "'body'" in said.remarks[0]


def test_a_mask_on_another_grid_is_resampled_only_when_asked(tmp_path):
    scan = make_scan(tmp_path / "ct", shape=(4, 16, 18))
    path = tmp_path / "a.nii.gz"
    write_prediction(scan.prediction, path, format="nifti")
    grid = scan.series.regular.resampled((4, 32, 36))

    kept, brought = (read_said(path, grid, TRUTH, resample=asked) for asked in (False, True))

    assert kept.mask.geometry.shape == (4, 16, 18)
    assert not kept.is_resampled
    assert brought.is_resampled
    assert np.array_equal(brought.mask.array[:, ::2, ::2], kept.mask.array)


def test_a_picture_cannot_hold_what_lies_in_a_patient(tmp_path):
    scan = make_scan(tmp_path / "ct", shape=(4, 16, 18))
    path = tmp_path / "a.seg.dcm"
    write_prediction(scan.prediction, path, image=scan.image, format="dicom-seg")

    with pytest.raises(Exception, match="is a picture or knows no millimetres"):
        read_said(path, Geometry.of_spacing((16, 18)), TRUTH)
