import csv
import json
import re

import nibabel
import numpy as np
import pytest
from PIL import Image as Picture

from delineate.core.errors import DelineateError, FileError
from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.metrics import ALL_CLASSES
from delineate.steps.evaluate import EvaluateSettings, evaluate

AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])


def ball(shift=0, value=1, shape=(16, 14, 10)):
    axes = np.indices(shape) - np.array([7 + shift, 6, 5])[:, None, None, None]
    return (((axes * [[[[1]]], [[[1]]], [[[2]]]]) ** 2).sum(0) < 25).astype(np.uint8) * value


def write(path, array, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.Nifti1Image(array, affine).to_filename(path)


@pytest.fixture
def folders(tmp_path):
    for place, name in enumerate(("ada_day1", "ada_day2", "bob")):
        write(tmp_path / "truth" / f"{name}.nii.gz", ball())
        write(tmp_path / "said" / f"{name}.nii.gz", ball(shift=place))
    return tmp_path


def run(folder, **options):
    given = {"predictions": folder / "said", "truth": folder / "truth", "out": folder / "out",
             "pictures": 0}  # fmt: skip
    return evaluate(EvaluateSettings(**{**given, **options}))


def test_three_files_are_written_and_the_scores_are_right(folders):
    board = run(folders, pictures=3)

    text = (folders / "out" / "scores.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["case"] for row in rows] == ["ada_day1", "ada_day2", "bob"]
    assert [row["patient"] for row in rows] == ["ada", "ada", "bob"]
    assert float(rows[0]["dice"]) == 1
    assert float(rows[2]["hd95_mm"]) == pytest.approx(2.0)
    summary = json.loads((folders / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["num_patients"] == 2
    assert "report.html" in board.text
    assert "data:image/png" in (folders / "out" / "report.html").read_text(encoding="utf-8")
    assert not board.failures


def test_tolerance_is_one_voxel_unless_it_is_given(folders):
    assert run(folders).tolerance_mm == 1.0
    assert run(folders, tolerance_mm=2.5).title("nsd") == "NSD at 2.5 mm"


def test_names_match_with_and_without_the_channel_number(folders):
    (folders / "said" / "bob.nii.gz").rename(folders / "said" / "bob_0000.nii.gz")

    assert run(folders).cases == ("ada_day1", "ada_day2", "bob")


def test_one_file_is_compared_with_one_file_of_any_name(folders):
    board = run(
        folders, predictions=folders / "said" / "bob.nii.gz",
        truth=folders / "truth" / "ada_day1.nii.gz",
    )  # fmt: skip

    assert board.cases == ("ada_day1",)


def test_a_dataset_gives_labels_patients_and_images(tmp_path):
    data = tmp_path / "data"
    for name in ("a", "b", "c"):
        write(data / "imagesTr" / f"{name}_0000.nii.gz", ball(value=100).astype(np.float32))
        write(data / "labelsTr" / f"{name}.nii.gz", ball())
    write(tmp_path / "said" / "b.nii.gz", ball(shift=1))
    card = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1},
            "numTraining": 3, "file_ending": ".nii.gz"}  # fmt: skip
    (data / "dataset.json").write_text(json.dumps(card), encoding="utf-8")

    board = run(tmp_path, truth=data)

    assert board.labels == ("liver",)
    assert board.cases == ("b",)
    assert not board.failures
    assert any("2 of the dataset's 3 cases have no prediction" in note for note in board.notes)


def test_a_truth_without_a_prediction_is_a_failure(folders):
    (folders / "said" / "bob.nii.gz").unlink()

    board = run(folders)

    assert [failure.case for failure in board.failures] == ["bob"]
    assert "no prediction" in board.failures[0].reason
    assert "Not scored: bob." in board.text


def test_a_prediction_without_a_truth_is_noted(folders):
    write(folders / "said" / "eve.nii.gz", ball())

    board = run(folders)

    assert any("eve.nii.gz" in note for note in board.notes)
    assert not board.failures


@pytest.mark.parametrize(
    ("array", "affine", "sentence"),
    [
        (ball(shape=(15, 14, 10)), AFFINE, "prediction of bob has shape"),
        (ball(), np.diag([1.0, 1.0, 3.0, 1.0]), "truth of bob lie up to 9 mm apart"),
        (ball(value=5), AFFINE, r"prediction of bob holds label values \[5\]"),
    ],
)
def test_a_case_that_disagrees_is_named_and_the_others_are_scored(folders, array, affine, sentence):
    write(folders / "said" / "bob.nii.gz", array, affine)

    board = run(folders)

    assert board.cases == ("ada_day1", "ada_day2")
    (failure,) = board.failures
    assert failure.case == "bob"
    assert re.search(sentence, failure.reason)


def test_a_damaged_file_is_named_and_the_others_are_scored(folders):
    path = folders / "truth" / "bob.nii.gz"
    path.write_bytes(path.read_bytes()[:60])

    board = run(folders)

    assert len(board.cases) == 2
    assert "bob" in board.failures[0].reason


def test_no_common_name_is_an_error_that_shows_both_sides(folders):
    for path in (folders / "said").iterdir():
        path.rename(path.with_name(f"pred_{path.name}"))

    with pytest.raises(DelineateError, match=r"pred_ada_day1.*ada_day1"):
        run(folders)


def test_absent_and_empty_folders_are_errors(folders):
    (folders / "empty").mkdir()

    with pytest.raises(FileError, match="nothing at"):
        run(folders, predictions=folders / "nowhere")
    with pytest.raises(DelineateError, match="empty"):
        run(folders, predictions=folders / "empty")


def test_pixels_stay_pixels_where_no_file_knows_millimetres(tmp_path):
    for side in ("said", "truth"):
        (tmp_path / side).mkdir()
        Picture.fromarray(ball()[:, :, 5]).save(tmp_path / side / "slide.png")

    board = run(tmp_path)

    assert board.unit == "px"
    assert "hd95_px" in (tmp_path / "out" / "scores.csv").read_text(encoding="utf-8")


def test_cases_that_trained_the_model_are_told(folders):
    run_folder = folders / "run"
    run_folder.mkdir()
    Plan(
        dataset="d", layout="nnunet", labels=LabelTable.of_names({"liver": 1}), channels=("CT",),
        dims=3, canonical=True, spacing_mm=(2.0, 1.0, 1.0), normalisation=({"kind": "zscore"},),
        patch=(8, 8, 8), batch_size=2, model="unet", model_options={}, loss="dice_ce",
    ).deciding("It fits.", patch=(8, 8, 8)).save(run_folder / "plan.yaml")  # fmt: skip
    facts = {"training_cases": ["bob"], "environment": {"torch": "2.13.0"}}
    (run_folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    history = [{"step": 1, "seconds": 3.0, "loss": 1.0, "learning_rate": 1e-3, "dice": 0.5},
               {"step": 2, "seconds": 6.0, "loss": 0.5, "learning_rate": 1e-3}]  # fmt: skip
    (run_folder / "history.json").write_text(json.dumps(history), encoding="utf-8")

    board = run(folders, run=run_folder)

    page = (folders / "out" / "report.html").read_text(encoding="utf-8")
    assert board.find(ALL_CLASSES, "dice").label == "liver"
    (warning,) = board.warnings
    assert "1 of these 3 cases trained the model run, going by their names (bob)" in warning
    assert board.text.startswith("Warning: 1 of these 3 cases trained")
    assert page.index("trained the model run") < page.index("Scores</h2>")
    assert "It fits." in page
    assert "Loss and validation scores" in page
    assert "training: torch" in page


def test_a_damaged_history_is_an_error_with_a_mend(folders):
    (folders / "history.json").write_text("[{", encoding="utf-8")

    with pytest.raises(FileError, match="leave --run out"):
        run(folders, run=folders)


def test_empty_masks_everywhere_are_counted_and_drawn(folders):
    for path in (folders / "said").iterdir():
        write(path, np.zeros((16, 14, 10), np.uint8))

    board = run(folders, pictures=1)

    assert board.find(ALL_CLASSES, "dice").num_missed == 3
    assert board.find(ALL_CLASSES, "dice").mean == 0
