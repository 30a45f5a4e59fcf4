"""Evaluate SEG and RTSTRUCT: as predictions and as truth, our own and those of others."""

from dataclasses import replace

import nibabel
import numpy as np
import pytest

from delineate.core.errors import DatasetError
from delineate.core.image import Mask
from delineate.core.labels import LabelTable
from delineate.steps.evaluate import EvaluateSettings, evaluate
from delineate.writers import WRITERS, write_prediction
from scans import KINDS, make_scan

SHAPE = (8, 24, 28)
NAMES = LabelTable.of_names({"liver": 1, "kidney_left": 2, "small_bowel": 3})


def write(scan, folder, name, format, **changes):
    """Write a scan's prediction, moved or renamed, as `predict` names it."""
    prediction = replace(scan.prediction, **{"labels": NAMES, **changes})
    path = folder / f"{name}{WRITERS[format].suffix}"
    write_prediction(prediction, path, image=scan.image, format=format)
    return path


def moved(scan):
    """Move what was found by a pixel, so that no score is perfect."""
    return Mask.of(np.roll(scan.prediction.mask.array, 1, axis=2), scan.series.regular)


def run(predictions, truth, **options):
    given = {"pictures": 0, "jobs": 1, "out": predictions.parent / "scores"}
    return evaluate(EvaluateSettings(predictions=predictions, truth=truth, **{**given, **options}))


def values(board):
    return {(row.case, row.label): dict(row.values) for row in board.rows}


@pytest.fixture
def study(tmp_path):
    """A scan with truth as SEG, and one that was found a pixel beside in three formats."""
    scan = make_scan(tmp_path / "data" / "ada", shape=SHAPE)
    write(scan, scan.folder, "truth", "dicom-seg")
    write(scan, tmp_path / "masks", "ada", "nifti")
    for format in ("nifti", "dicom-seg", "rtstruct"):
        write(scan, tmp_path / format, "ada", format, mask=moved(scan))
    return tmp_path, scan


def test_scores_are_the_same_whatever_the_files_are(study):
    folder, _ = study
    truths = (folder / "data", folder / "masks")

    boards = [
        run(folder / said, truth) for said in ("nifti", "dicom-seg", "rtstruct") for truth in truths
    ]

    assert boards[0].rows[0].values["dice"] < 1
    assert all(values(board) == values(boards[0]) for board in boards)
    assert not any(board.failures for board in boards)
    assert boards[0].labels == NAMES.names


@pytest.mark.parametrize("kind", KINDS)
def test_series_of_every_kind_can_be_judged(tmp_path, kind):
    scan = make_scan(tmp_path / "data" / "ada", kind, shape=SHAPE)
    write(scan, tmp_path / "data", "truth", "rtstruct")
    write(scan, tmp_path / "said", "ada", "dicom-seg")

    board = run(tmp_path / "said", tmp_path / "data")

    assert [row.values["dice"] for row in board.rows] == [1, 1, 1]


def test_a_truth_of_any_orientation_judges_seg_and_contours(study):
    folder, _ = study
    image = nibabel.load(folder / "masks" / "ada.nii.gz")
    turned = image.as_reoriented([[2, -1], [0, 1], [1, -1]])
    (folder / "turned").mkdir()
    turned.to_filename(folder / "turned" / "ada.nii.gz")

    first, second = (run(folder / said, folder / "turned") for said in ("dicom-seg", "rtstruct"))

    dice = [row.values["dice"] for row in run(folder / "nifti", folder / "masks").rows]
    assert image.shape != turned.shape
    assert [row.values["dice"] for row in first.rows] == dice
    assert [row.values["dice"] for row in second.rows] == dice


def test_the_better_of_several_files_counts_and_another_can_be_chosen(study):
    folder, scan = study
    for format in ("dicom-seg", "dicom-seg-labelmap"):
        write(scan, folder / "many", "ada", format, mask=moved(scan))
    write(scan, folder / "many", "ada", "rtstruct")

    board = run(folder / "many", folder / "data")
    chosen = run(folder / "many", folder / "data", files="*.rtstruct.dcm")

    assert board.rows[0].values["dice"] < 1
    assert any("--files" in note and ".rtstruct.dcm" in note for note in board.notes)
    assert [row.values["dice"] for row in chosen.rows] == [1, 1, 1]


def test_names_match_whatever_their_case(study):
    folder, scan = study
    names = LabelTable.of_names({"Kidney, LEFT": 2, "Small Bowel": 3, "LIVER": 1})
    write(scan, folder / "loud", "ada", "rtstruct", labels=names)

    board = run(folder / "loud", folder / "data")

    assert [row.values["dice"] for row in board.rows] == [1, 1, 1]
    assert not any("counterpart" in note for note in board.notes)


def test_labels_of_one_side_only_are_told(study):
    folder, scan = study
    names = LabelTable.of_names({"liver": 1, "couch": 2, "small_bowel": 3})
    write(scan, folder / "odd", "ada", "dicom-seg", labels=names)

    board = run(folder / "odd", folder / "data")

    assert [row.status for row in board.rows] == ["scored", "missed", "scored"]
    assert any("'couch'" in note and "ada" in note for note in board.notes)
    assert any("names kidney_left" in note for note in board.notes)


def test_numbers_serve_where_the_truth_has_no_names(study):
    folder, scan = study
    array = np.asarray(nibabel.load(folder / "masks" / "ada.nii.gz").dataobj)
    affine = nibabel.load(folder / "masks" / "ada.nii.gz").affine
    (folder / "bare").mkdir()
    nibabel.Nifti1Image(array, affine).to_filename(folder / "bare" / "ada.nii.gz")
    write(scan, folder / "right", "ada", "dicom-seg")

    board = run(folder / "right", folder / "bare")

    assert [row.values["dice"] for row in board.rows] == [1, 1, 1]
    assert any("matched by number" in note for note in board.notes)


def test_names_that_share_nothing_are_one_clear_sentence(study):
    folder, scan = study
    write(scan, folder / "other", "ada", "dicom-seg", labels=LabelTable.of_names({"a": 1, "b": 2}))

    board = run(folder / "other", folder / "data")

    (failure,) = board.failures
    assert "names 'a', 'b', and the truth 'liver'" in failure.reason


def test_overlaps_and_holes_are_kept_on_both_sides(tmp_path):
    scan = make_scan(tmp_path / "data" / "ada", shape=SHAPE)
    layers = np.zeros((2, *SHAPE), bool)
    layers[0, 1:6, 2:20, 3:20], layers[0, 1:6, 6:10, 6:10] = True, False
    layers[1, 2:5, 12:22, 10:24] = True
    labels = replace(LabelTable.of_names({"body": 1, "tumour": 2}), overlapping=True)
    mask = Mask.of(layers, scan.series.regular, is_stack=True)
    write(scan, scan.folder, "truth", "rtstruct", mask=mask, labels=labels)
    write(scan, tmp_path / "said", "ada", "dicom-seg", mask=mask, labels=labels)

    board = run(tmp_path / "said", tmp_path / "data")

    assert [row.values["dice"] for row in board.rows] == [1, 1]
    assert board.rows[0].truth_ml == pytest.approx(layers[0].sum() * 9 / 1000)


def test_a_file_of_another_study_is_named_and_the_others_are_scored(study):
    folder, _ = study
    other = make_scan(folder / "eve", shape=SHAPE, root="1.2.9")
    write(other, folder / "dicom-seg", "eve", "dicom-seg")

    board = run(folder / "dicom-seg", folder / "data")

    (failure,) = board.failures
    assert board.cases == ("ada",)
    assert failure.case == "eve.seg.dcm"
    assert "series 1.2.9.2, and no truth was drawn on it. Put that series" in failure.reason


def test_a_file_of_the_right_name_and_the_wrong_study_fails(tmp_path):
    for place, name in enumerate(("ada", "bob")):
        scan = make_scan(tmp_path / "data" / name, shape=SHAPE, root=f"1.2.{place + 3}")
        write(scan, scan.folder, "truth", "rtstruct")
        write(scan, tmp_path / "said", name, "dicom-seg")
    other = make_scan(tmp_path / "other", shape=SHAPE, root="1.2.9")
    write(other, tmp_path / "said", "bob", "dicom-seg")

    board = run(tmp_path / "said", tmp_path / "data")

    assert board.cases == ("ada",)
    assert {failure.case for failure in board.failures} == {"bob"}
    assert "1.2.9.2 of another study, not on series 1.2.4.2" in board.failures[0].reason


def test_damaged_files_are_named_and_the_others_are_scored(study):
    folder, _ = study
    other = make_scan(folder / "data" / "bob", shape=SHAPE, root="1.2.5")
    write(other, other.folder, "truth", "rtstruct")
    path = write(other, folder / "dicom-seg", "bob", "dicom-seg")
    path.write_bytes(path.read_bytes()[:-400])

    board = run(folder / "dicom-seg", folder / "data")

    assert board.cases == ("ada",)
    assert [failure.case for failure in board.failures] == ["bob"]
    assert "bob.seg.dcm" in board.failures[0].reason


def test_truth_without_its_scans_asks_for_them_and_takes_them(study):
    folder, scan = study
    write(scan, folder / "drawn", "ada", "rtstruct")

    with pytest.raises(DatasetError, match="Put the series there"):
        run(folder / "dicom-seg", folder / "drawn")
    board = run(folder / "dicom-seg", folder / "drawn", images=folder / "data")

    assert board.cases == ("ada",)
    assert (
        board.rows[0].values["dice"]
        == run(folder / "nifti", folder / "data").rows[0].values["dice"]
    )


def test_one_file_is_judged_by_one_file(study):
    folder, _ = study

    board = run(folder / "rtstruct" / "ada.rtstruct.dcm", folder / "data" / "ada" / "truth.seg.dcm")

    assert board.cases == ("ada",)
    assert 0 < board.rows[0].values["dice"] < 1


def test_processes_and_pictures_change_nothing(study):
    folder, _ = study

    alone = run(folder / "rtstruct", folder / "data")
    drawn = run(folder / "rtstruct", folder / "data", pictures=1, jobs=2)

    assert values(alone) == values(drawn)
    assert "data:image/png" in (folder / "scores" / "report.html").read_text(encoding="utf-8")
