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
from delineate.metrics.official import UWMadison
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


def four_axes():
    return np.stack([ball(), ball()], axis=-1)


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (ball().astype(np.float32) * 0.5, "no whole numbers, such as 0.5"),
        (ball().astype(np.int16) * -1, r"prediction of bob holds label values \[-1\]"),
        (ball(value=7), r"prediction of bob holds label values \[7\]"),
        (four_axes(), "holds 2 volumes where a mask has one"),
    ],
)
def test_a_prediction_that_is_no_mask_is_named_and_the_others_are_scored(folders, array, sentence):
    write(folders / "said" / "bob.nii.gz", array)

    board = run(folders)

    assert board.cases == ("ada_day1", "ada_day2")
    (failure,) = board.failures
    assert failure.case == "bob"
    assert re.search(sentence, failure.reason)
    assert "bob" in failure.reason


def test_a_truth_with_four_axes_is_named_and_the_others_are_scored(folders):
    (folders / "truth" / "labels.yaml").write_text("liver: 1\n", encoding="utf-8")
    write(folders / "truth" / "ada_day2.nii.gz", four_axes())

    board = run(folders)

    assert board.cases == ("ada_day1", "bob")
    assert "ada_day2" in board.failures[0].reason


def test_whole_numbers_stored_as_floats_are_labels(folders):
    write(folders / "said" / "bob.nii.gz", ball(shift=2).astype(np.float32))

    assert not run(folders).failures


def test_a_file_that_breaks_off_in_the_middle_leaves_whole_results(folders):
    path = folders / "said" / "ada_day2.nii.gz"
    path.write_bytes(path.read_bytes()[:80])

    board = run(folders, pictures=3)

    assert board.cases == ("ada_day1", "bob")
    assert [failure.case for failure in board.failures] == ["ada_day2"]
    written = {path.name for path in (folders / "out").iterdir()}
    assert written == {"scores.csv", "summary.json", "report.html"}
    assert "ada_day2" in (folders / "out" / "report.html").read_text(encoding="utf-8")


def test_a_folder_where_nothing_can_be_scored_still_says_why(folders):
    for path in (folders / "said").iterdir():
        write(path, ball(value=9))

    board = run(folders, pictures=3)

    assert len(board.failures) == 3
    assert "No case was scored." in (folders / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (np.diag([1.0, 1.0, 3.0, 1.0]), "spacing 3 x 1 x 1 and 2 x 1 x 1 mm"),
        (np.diag([-1.0, 1.0, 2.0, 1.0]), "directions of the axes"),
        (AFFINE + np.eye(4, k=3) * 5, r"origin \[5.0, 0.0, 0.0\] and \[0.0, 0.0, 0.0\] mm"),
    ],
)
def test_grids_that_disagree_are_refused_with_both_values(folders, change, words):
    write(folders / "said" / "bob.nii.gz", ball(), change)

    (failure,) = run(folders).failures

    assert re.search(words, failure.reason)
    assert "--resample" in failure.reason


def test_another_grid_is_resampled_when_it_is_asked_for(folders):
    fine = ball().repeat(2, 0).repeat(2, 1)
    affine = np.diag([0.5, 0.5, 2.0, 1.0])
    affine[:2, 3] = -0.25
    write(folders / "said" / "bob.nii.gz", fine, affine)

    board = run(folders, resample=True, pictures=1)

    assert not board.failures
    assert [row.values["dice"] for row in board.rows if row.case == "bob"] == [1.0]
    assert any("1 predictions lay on another grid" in note for note in board.notes)


def test_volumes_stand_in_the_table(folders):
    run(folders)

    text = (folders / "out" / "scores.csv").read_text(encoding="utf-8")
    (row, *_) = csv.DictReader(text.splitlines())
    assert float(row["truth_ml"]) == pytest.approx(ball().sum() * 2 / 1000)
    assert row["truth_ml"] == row["prediction_ml"]


def test_results_do_not_depend_on_the_number_of_processes(folders, monkeypatch):
    monkeypatch.setattr("delineate.core.crew.WORTH_SECONDS", -1.0)
    monkeypatch.setattr("delineate.core.crew.TRIALS", 0)

    texts = []
    for jobs in (1, 2):
        run(folders, jobs=jobs)
        texts.append((folders / "out" / "scores.csv").read_text(encoding="utf-8"))

    assert texts[0] == texts[1]


def test_models_are_set_side_by_side_on_the_same_cases(folders):
    for name, shift in (("ada_day1", 1), ("ada_day2", 1)):
        write(folders / "other" / f"{name}.nii.gz", ball(shift=shift))

    board = run(folders, compare=(folders / "other",), pictures=1)

    assert board.cases == ("ada_day1", "ada_day2")
    assert any("Dice of other: " in note for note in board.notes)
    assert any("1 cases of said are left out" in note for note in board.notes)
    assert any("bob has a truth but no prediction of other" in f.reason for f in board.failures)
    text = (folders / "out" / "scores.csv").read_text(encoding="utf-8")
    assert [row["model"] for row in csv.DictReader(text.splitlines())] == [
        "said", "said", "other", "other"
    ]  # fmt: skip
    summary = json.loads((folders / "out" / "summary.json").read_text(encoding="utf-8"))
    assert [one["model"] for one in summary["compared"]] == ["other"]
    assert summary["differences"][0]["num_cases"] == 2
    page = (folders / "out" / "report.html").read_text(encoding="utf-8")
    assert "Models side by side" in page
    assert page.count("data:image/png") == 2


def test_what_predict_noted_is_a_warning(folders):
    row = {"key": {}, "files": ["bob.nii.gz"], "provenance": {"is_training_case": True}}
    content = {"version": 1, "cases": {"bob": row}}
    (folders / "said" / "predictions.json").write_text(json.dumps(content), encoding="utf-8")

    board = run(folders)

    assert "(bob)" in board.warnings[0]
    summary = json.loads((folders / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["warnings"] == list(board.warnings)


def test_metrics_are_those_of_the_convention_that_was_asked_for(folders):
    write(folders / "said" / "bob.nii.gz", ball() * 0)

    own = run(folders, metrics="hd95, assd")
    theirs = run(folders, convention="monai", metrics="hd95")

    assert list(own.metrics) == ["dice", "hd95", "assd"]
    missed = [next(row for row in board.rows if row.case == "bob") for board in (own, theirs)]
    assert missed[0].values["hd95"] == pytest.approx(np.linalg.norm(np.array([16, 14, 20])))
    assert np.isnan(missed[1].values["hd95"])
    assert "By the convention monai." in theirs.text
    assert "HD95 has no finite value for 1 missed or spurious structures" in theirs.text
    assert "no finite value" not in own.text
    assert (folders / "out" / "scores.csv").read_text().count(",monai\n") == 3


def test_every_metric_of_every_convention_goes_onto_the_page(folders):
    for convention in ("delineate", "deepmind", "medpy", "metrics_reloaded", "monai", "nnunet"):
        board = run(folders, convention=convention, metrics="all")

        header = (folders / "out" / "scores.csv").read_text().splitlines()[0]
        assert all(name in header for name in board.metrics)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metrics": "dcie"}, "no metric of the convention delineate named 'dcie'"),
        ({"convention": "nnunet", "metrics": "hd95"}, "metric of the convention nnunet"),
        ({"convention": "elastix"}, "no convention named 'elastix'"),
    ],
)
def test_unknown_metrics_are_refused_before_anything_is_read(folders, options, words):
    with pytest.raises(DelineateError, match=words):
        run(folders, **options)
    assert not (folders / "out").exists()


def test_a_challenges_own_score_stands_beside_the_usual_ones(folders):
    board = run(folders, official="uw_madison")

    outcome = json.loads((folders / "out" / "summary.json").read_text())["official"][""]
    alone = UWMadison()
    for shift in range(3):
        alone.add(ball(shift=shift).T[None] > 0, ball().T[None] > 0)
    assert outcome["scores"] == pytest.approx(dict(alone.result().scores))
    assert outcome["counts"]["scans"] == 3
    assert "Official score uw_madison: score 0." in board.text
    assert "As the challenge scores it" in (folders / "out" / "report.html").read_text()


def test_a_scorer_that_does_not_fit_is_refused_before_anything_is_written(folders):
    with pytest.raises(DelineateError, match="monuseg takes objects told apart"):
        run(folders, official="monuseg")
    assert not (folders / "out").exists()


def test_each_class_may_have_its_own_tolerance(tmp_path):
    both = ball() + 2 * (ball(shift=-6) & (1 - ball()))
    moved = np.roll(both, 1, axis=0)
    write(tmp_path / "truth" / "a.nii.gz", both)
    write(tmp_path / "said" / "a.nii.gz", moved)

    strict = run(tmp_path, tolerance_mm=0.5)
    mixed = run(tmp_path, tolerance_mm=0.5, tolerances="label_2=1")

    (one, two), (same, looser) = (
        [row.values["nsd"] for row in board.rows] for board in (strict, mixed)
    )
    assert same == one < 1
    assert looser == 1 > two
    assert mixed.title("nsd") == "NSD at 0.5 or 1 mm"
    assert ",nsd," in (tmp_path / "out" / "scores.csv").read_text()
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["tolerances"] == {"label_1": 0.5, "label_2": 1.0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("liver", "such as liver=3"),
        ("a=-1", "such as liver=3"),
        ("lung=2", "no class named 'lung'"),
    ],
)
def test_tolerances_of_nothing_are_refused(folders, text, words):
    with pytest.raises(DelineateError, match=words):
        run(folders, tolerances=text)
