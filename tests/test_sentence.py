"""The sentence of the house: plan, train, predict and evaluate, as commands and in Python."""

import csv
import json
import logging
import shutil
import signal

import nibabel
import numpy as np
import pytest

import delineate as dl
from delineate import cli
from delineate.core.plan import Plan
from delineate.datasets.phantoms import write_dataset

SHAPE = (8, 32, 32)
NUM_PATIENTS = 5
IDS = [f"phantom_{number:04}_day0" for number in range(NUM_PATIENTS)]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with five synthetic patients in `data`."""
    folder = tmp_path_factory.mktemp("sentence")
    write_dataset(folder / "data", NUM_PATIENTS, 0, shape=SHAPE)
    return folder


@pytest.fixture(scope="module")
def trained(place):
    """The run that three steps of training leave, after a plan that was edited by hand."""
    logger, before = logging.getLogger("delineate"), signal.getsignal(signal.SIGTERM)
    small = ["--no-measure", "--patch", "8", "32", "32", "--batch-size", "2", "--steps", "3"]
    assert call("plan", place / "data", "--out", place / "run", *small) == 0
    path = place / "run" / "plan.yaml"
    plan = Plan.load(path)
    options = {"features": [4, 8], "norm": "batch"}
    plan.deciding("By hand, to be quick.", model_options=options).save(path)
    assert call("train", place / "data", "--out", place / "run", "--steps", 3) == 0
    signal.signal(signal.SIGTERM, before)
    logger.handlers, logger.propagate = [], True
    logger.setLevel(logging.NOTSET)
    return place / "run"


@pytest.fixture(scope="module")
def predicted(place, trained):
    """Predictions of all patients' images."""
    words = ["--model", trained, "--out", place / "said", "--format", "nifti,overlay"]
    assert call("predict", place / "data" / "imagesTr", *words) == 0
    return place / "said"


@pytest.fixture(autouse=True)
def _restore():
    """Leave signals and log lines as they were before the command line took them."""
    logger, before = logging.getLogger("delineate"), signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
    logger.handlers, logger.propagate = [], True
    logger.setLevel(logging.NOTSET)


def call(*words):
    return cli.main([str(word) for word in words])


def test_describe_tells_what_is_in_the_folder(place, capsys):
    code = call("describe", place / "data", "--json", place / "facts.json")

    said = capsys.readouterr().out
    assert code == 0
    assert all(words in said for words in ("nnunet", "5 readable, of 5 patients", "stomach"))
    assert len(json.loads((place / "facts.json").read_text())["cases"]) == NUM_PATIENTS


def test_plan_writes_every_decision_with_its_reason(trained):
    plan = Plan.load(trained / "plan.yaml")

    assert plan.patch == (8, 32, 32)
    assert plan.reasons["model_options"] == "By hand, to be quick."
    assert sorted(case for fold in plan.folds for case in fold) == IDS
    assert "why:" in (trained / "plan.yaml").read_text()


def test_train_leaves_weights_state_curves_and_facts(trained):
    names = {path.name for path in trained.iterdir()}

    assert names >= {
        "plan.yaml", "run.json", "history.json", "progress.png", "tensorboard",
        "best.safetensors", "last.safetensors", "state.safetensors",
    }  # fmt: skip
    facts = json.loads((trained / "run.json").read_text())
    assert sorted(facts["training_cases"] + facts["validation_cases"]) == IDS
    assert json.loads((trained / "history.json").read_text())[-1]["step"] == 3


def test_predict_writes_masks_on_the_inputs_own_grids(place, predicted):
    for case in IDS:
        image = nibabel.load(place / "data" / "imagesTr" / f"{case}_0000.nii.gz")
        mask = nibabel.load(predicted / f"{case}.nii.gz")
        assert mask.shape == image.shape == SHAPE[::-1]
        assert np.array_equal(mask.affine, image.affine)
        assert np.allclose(mask.header.get_zooms(), image.header.get_zooms())
        assert mask.get_data_dtype().kind == "u"
        assert (predicted / f"{case}.overlay.png").stat().st_size > 0


def test_predict_skips_the_second_time_what_is_done(place, trained, predicted, capsys):
    before = {path: path.stat().st_mtime_ns for path in predicted.glob("*.nii.gz")}

    words = ["--model", trained, "--out", predicted, "--format", "nifti,overlay"]
    code = call("predict", place / "data" / "imagesTr", *words)

    assert code == 0
    assert "5 were done before" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_evaluate_writes_table_scores_and_page(place, trained, predicted, capsys):
    code = call(
        "evaluate", predicted, place / "data", "--out", place / "report", "--run", trained,
        "--pictures", 1,
    )  # fmt: skip

    said = capsys.readouterr().out
    assert code == 0
    assert all(name in said for name in ("stomach", "small_bowel", "large_bowel", "report.html"))
    assert "without a truth" not in said
    with (place / "report" / "scores.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert {row["case"] for row in rows} == set(IDS)
    assert all(0 <= float(row["dice"]) <= 1 for row in rows if row["dice"])
    page = (place / "report" / "report.html").read_text(encoding="utf-8")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "data:image/png" in page


def test_models_lists_a_folder_of_runs(place, trained, tmp_path, capsys):
    shutil.copytree(trained, tmp_path / "bodies")

    code = call("models", "--folder", tmp_path)

    said = capsys.readouterr().out
    assert code == 0
    assert all(words in said for words in ("bodies", "stomach", "--model bodies", "licence"))


def test_models_lists_what_is_shipped(capsys):
    code = call("models")

    assert code == 0
    assert capsys.readouterr().out.strip()


def test_the_same_in_python_gives_the_same_mask(place, trained, predicted, tmp_path):
    model = dl.load(str(trained), device="cpu")
    image = dl.read_image(place / "data" / "imagesTr" / f"{IDS[0]}_0000.nii.gz")

    prediction = model.predict(image)
    prediction.save(tmp_path / "seg.nii.gz")

    assert model.labels.names == ("stomach", "small_bowel", "large_bowel")
    assert prediction.mask.geometry == image.geometry
    saved = dl.read_mask(tmp_path / "seg.nii.gz")
    assert np.array_equal(saved.array, prediction.mask.array)
    assert np.array_equal(saved.array, dl.read_mask(predicted / f"{IDS[0]}.nii.gz").array)


def test_python_writes_any_format_by_its_ending(place, trained, tmp_path):
    image = dl.read_image(place / "data" / "imagesTr" / f"{IDS[0]}_0000.nii.gz")
    prediction = dl.load(str(trained), device="cpu").predict(image)

    for name in ("seg.seg.nrrd", "seg.rle.csv", "seg.tiff"):
        prediction.save(tmp_path / name)

    nrrd = dl.read_mask(tmp_path / "seg.seg.nrrd")
    assert nrrd.geometry.agrees_with(image.geometry, tolerance_mm=1e-3)
    assert np.array_equal(dl.read_mask(tmp_path / "seg.tiff").array, prediction.mask.array)
