"""The train step on synthetic patients: it resumes, refuses, and never loses a run."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import save_file

from delineate.core.errors import DatasetError, DelineateError, PlanError
from delineate.core.plan import Plan
from delineate.datasets import open_dataset
from delineate.datasets.phantoms import write_dataset
from delineate.datasets.tissue import write_tiles
from delineate.infer.predictor import Predictor
from delineate.learn.batches import Batches
from delineate.learn.checkpoint import load_checkpoint
from delineate.learn.selection import choose_cases
from delineate.models import build_model
from delineate.steps.plan import PlanSettings, plan
from delineate.steps.train import TrainSettings, train

SHAPE = (8, 32, 32)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data") / "bodies", 5, 0, shape=SHAPE)


@pytest.fixture(scope="module")
def small_plan(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan")
    made = plan(PlanSettings(data=data, out=folder, patch=(8, 32, 32), batch_size=2, measure=False))
    options = {"features": [4, 8], "norm": "batch"}
    return replace(made.plan, model_options=options, batch_size=2)


@pytest.fixture
def settings(data, small_plan, tmp_path):
    small_plan.save(tmp_path / "run" / "plan.yaml")
    return TrainSettings(data=data, out=tmp_path / "run", steps=6)


def weights(folder):
    return load_checkpoint(folder / "last.safetensors").facts["weights_hash"]


def test_run_leaves_plan_weights_history_and_picture(settings):
    trained = train(settings)

    names = {path.name for path in settings.out.iterdir()}
    assert names >= {
        "plan.yaml",
        "run.json",
        "best.safetensors",
        "last.safetensors",
        "state.safetensors",
        "history.json",
        "progress.png",
        "tensorboard",
    }
    assert trained.history[-1]["step"] == 6
    assert 0 <= trained.history[-1]["dice"] <= 1
    facts = json.loads((settings.out / "run.json").read_text())
    assert not set(facts["training_cases"]) & set(facts["validation_cases"])


def test_run_that_is_over_is_left_as_it_is(settings):
    first = train(settings)
    again = train(settings)

    assert again.weights_hash == first.weights_hash
    assert len(again.history) == len(first.history)


def test_killed_run_resumes_to_the_same_weights(settings, data, small_plan, tmp_path):
    straight = train(settings)
    other = tmp_path / "killed"
    small_plan.save(other / "plan.yaml")
    command = [sys.executable, "-m", "delineate", "train", data, "--out", other, "--steps", "6"]
    source = str(Path(__file__).parents[2] / "src")
    # The same number of threads, since sums depend on how they are split.
    environment = {**os.environ, "PYTHONPATH": source}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    deadline = time.monotonic() + 240
    while not (other / "state.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    resumed = train(replace(settings, out=other))

    assert resumed.weights_hash == straight.weights_hash


def test_run_of_another_dataset_is_refused_and_kept(settings, tmp_path):
    train(settings)
    other = write_dataset(tmp_path / "others", 5, 50, shape=SHAPE)
    before = weights(settings.out)

    with pytest.raises(DelineateError, match="another --out"):
        train(replace(settings, data=other))
    assert weights(settings.out) == before


def test_edited_plan_does_not_go_on_with_old_weights(settings, small_plan):
    train(settings)
    replace(small_plan, learning_rate=0.5).save(settings.out / "plan.yaml")

    with pytest.raises(PlanError, match="another plan or seed"):
        train(replace(settings, steps=9))


def test_all_cases_can_train_without_validation(settings):
    trained = train(replace(settings, fold="all", steps=2))

    assert "dice" not in trained.history[-1]
    assert (settings.out / "best.safetensors").exists()


@pytest.mark.parametrize("fold", ["5", "-1", "x"])
def test_fold_that_does_not_exist_is_refused(settings, fold):
    with pytest.raises(DatasetError, match="fold must be all or a number from 0 to 4"):
        train(replace(settings, fold=fold))


def test_one_patient_trains_with_all_cases_or_is_told_to(small_plan, tmp_path):
    alone = open_dataset(write_dataset(tmp_path / "alone", 1, 0, shape=SHAPE))
    made = replace(small_plan, folds=(), num_folds=1)

    training, validation = choose_cases(made, alone, "all")

    assert (training, validation) == (alone.ids(), [])
    with pytest.raises(DatasetError, match=r"since there is only one patient\. Use --fold all"):
        choose_cases(made, alone, "0")


def test_plan_without_folds_for_many_patients_is_not_said_to_have_one_patient(data, small_plan):
    made = replace(small_plan, folds=(), num_folds=1)

    with pytest.raises(DatasetError, match=r"the plan has no folds\..*--folds 2"):
        choose_cases(made, open_dataset(data), "0")


def test_leak_between_folds_is_an_error(data, small_plan):
    ids = open_dataset(data).ids()
    leaking = replace(small_plan, folds=((ids[0],), tuple(ids)))

    with pytest.raises(DatasetError):
        choose_cases(leaking, open_dataset(data), "0")


def test_case_that_vanished_is_named(data, small_plan):
    stale = replace(small_plan, folds=(("ghost",), tuple(open_dataset(data).ids())))

    with pytest.raises(DatasetError, match="ghost"):
        choose_cases(stale, open_dataset(data), "0")


def test_budget_that_is_no_time_is_refused(settings):
    with pytest.raises(DelineateError, match="budget"):
        train(replace(settings, steps=None, budget="soon"))


def test_plan_is_made_where_there_is_none(data, tmp_path):
    train(TrainSettings(data=data, out=tmp_path / "new", steps=1))

    assert Plan.load(tmp_path / "new" / "plan.yaml").folds


def test_two_processes_train_one_run_through_torchrun(settings, two_processes, loopback):
    source = str(Path(__file__).parents[2] / "src")
    command = ["-m", "delineate", "train", settings.data, "--out", settings.out, "--steps", "2"]

    done = subprocess.run(
        [sys.executable, *two_processes, *command],
        env={**os.environ, **loopback, "PYTHONPATH": source},
        check=False,
        timeout=400,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert load_checkpoint(settings.out / "state.safetensors").facts["step"] == 2
    assert (settings.out / "card.md").exists()


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    return [
        write_tiles(folder / name, 3, seed, shape=(96, 96)) for name, seed in (("a", 0), ("b", 9))
    ]


@pytest.fixture
def nuclei_settings(slides, tmp_path):
    asked = PlanSettings(
        data=slides[0], more=(slides[1],), out=tmp_path / "run", patch=(32, 32), measure=False
    )
    made = plan(asked).plan
    options = {**made.model_options, "features": [4, 8], "strides": [[2, 2]] * 2, "fine": 4}
    replace(made, model_options=options, batch_size=2).save(tmp_path / "run" / "plan.yaml")
    return TrainSettings(data=slides[0], more=(slides[1],), out=tmp_path / "run", steps=3)


def test_several_datasets_of_nuclei_train_one_model_that_is_scored_by_objects(nuclei_settings):
    trained = train(nuclei_settings)

    rows = json.loads((trained.folder / "metrics.json").read_text())["summary"]
    assert {row["metric"] for row in rows} == {"dice", "aji", "pq", "sq", "dq", "f1"}
    card = (trained.folder / "card.md").read_text()
    assert "0.25 um to the pixel" in card
    assert "nothing was chosen on them" in card
    last = load_checkpoint(trained.folder / "last.safetensors").tensors
    handed = load_checkpoint(trained.folder / "weights.safetensors").tensors
    assert all((handed[name].float() - last[name]).abs().max() < 0.01 for name in last)


def test_tissues_are_held_out_and_the_plan_says_which_cases(nuclei_settings):
    dataset = open_dataset([nuclei_settings.data, *nuclei_settings.more])
    tissue = dataset.tissue(dataset.ids()[0]) or "unknown"
    others = {dataset.tissue(case) or "unknown" for case in dataset.ids()} - {tissue}
    if not others:
        with pytest.raises(DatasetError, match="leaves nothing"):
            train(replace(nuclei_settings, hold_out=tissue))
        return

    train(replace(nuclei_settings, hold_out=tissue))

    folds = Plan.load(nuclei_settings.out / "plan.yaml").folds
    assert all((dataset.tissue(case) or "unknown") == tissue for case in folds[0])
    assert set(folds[0]) | set(folds[1]) <= set(dataset.ids())


def test_nuclei_of_unknown_resolution_ask_for_it(slides, tmp_path):
    import shutil

    from PIL import Image as Picture

    bare = tmp_path / "bare"
    shutil.copytree(slides[0], bare)
    for side in ("images", "masks"):
        for path in (bare / side).glob("*.tif"):
            Picture.fromarray(read_pixels(path)).save(path.with_suffix(".png"))
            path.unlink()

    with pytest.raises(PlanError, match="--mpp"):
        train(TrainSettings(data=bare, out=tmp_path / "run", steps=1))


def read_pixels(path):
    import tifffile

    pixels = tifffile.imread(path)
    return pixels.astype("uint16") if pixels.ndim == 2 else pixels


def test_training_starts_from_another_model_and_its_card_says_so(settings, tmp_path):
    train(settings)
    again = replace(settings, out=tmp_path / "again", steps=1, start_from=str(settings.out), seed=1)

    train(again)

    first, second = (load_checkpoint(run.out / "last.safetensors") for run in (settings, again))
    gaps = [
        float((value - second.tensors[name]).abs().max())
        for name, value in first.tensors.items()
        if value.is_floating_point() and value.ndim > 1
    ]
    assert max(gaps) < 0.05  # at random they would differ by tenths
    options = Plan.load(again.out / "plan.yaml").model_options
    assert options == Plan.load(settings.out / "plan.yaml").model_options
    assert "--start-from run" in (again.out / "card.md").read_text()


def test_a_wrong_start_is_refused_and_the_right_one_then_gives_its_network(settings, tmp_path):
    train(settings)
    again = replace(settings, out=tmp_path / "again", steps=1)

    with pytest.raises(DelineateError, match="no shipped model named 'nothing'"):
        train(replace(again, start_from="nothing"))
    assert not again.out.exists()
    with pytest.raises(PlanError, match="works along 2 axes, but these images have 3"):
        train(replace(again, start_from="nuclei"))
    train(replace(again, start_from=str(settings.out)))

    theirs, own = (Plan.load(run.out / "plan.yaml").model_options for run in (settings, again))
    assert own == theirs


@pytest.fixture
def sliced(data, tmp_path):
    """Settings of a run on five slices that meet late, its plan made small."""
    asked = PlanSettings(
        data=data, out=tmp_path / "sliced", dims=2, slices=5, slice_step=2, slice_fusion="late",
        patch=(32, 32), batch_size=4, measure=False,
    )  # fmt: skip
    made = plan(asked).plan
    options = {**made.model_options, "features": [4, 8], "strides": [[1, 1], [2, 2]]}
    replace(made, model_options=options).save(asked.out / "plan.yaml")
    return TrainSettings(data=data, out=asked.out, steps=6, slices=5)


def test_a_network_of_several_slices_goes_on_to_the_same_weights(sliced, tmp_path, monkeypatch):
    halfway = replace(sliced, out=tmp_path / "halfway")
    Plan.load(sliced.out / "plan.yaml").save(halfway.out / "plan.yaml")
    straight = train(sliced)
    monkeypatch.setattr("delineate.learn.logbook.SAVE_EVERY_S", 0.0)
    draw = Batches.draw

    def interrupted(self, step):
        if step == 3:
            raise KeyboardInterrupt
        return draw(self, step)

    monkeypatch.setattr(Batches, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(halfway)
    monkeypatch.setattr(Batches, "draw", draw)
    stopped_at = load_checkpoint(halfway.out / "state.safetensors").facts["step"]
    resumed = train(halfway)

    assert stopped_at == 3
    assert resumed.weights_hash == straight.weights_hash


def test_a_network_of_several_slices_is_handed_over_and_predicts(sliced):
    train(sliced)
    dataset = open_dataset(sliced.data)
    case = dataset.case(dataset.ids()[0])

    prediction = Predictor.load(sliced.out, device="cpu").predict(case, flips=(1,))

    assert prediction.mask.array.shape == case.mask.array.shape
    assert "2-D, 5 slices at a time, 2 apart" in (sliced.out / "card.md").read_text()


def test_slices_beside_a_plan_that_says_otherwise_are_refused(sliced):
    with pytest.raises(PlanError, match=r"says slices 5, not 3\. Leave --slices out"):
        train(replace(sliced, slices=3))
    with pytest.raises(PlanError, match=r"says slice_fusion late, not early.*--slice-fusion"):
        train(replace(sliced, slice_fusion="early"))


def test_a_network_beside_a_plan_that_says_otherwise_is_refused(sliced):
    before = (sliced.out / "plan.yaml").read_text()

    with pytest.raises(PlanError, match=r"says model unet, not fpn\. Leave --model out"):
        train(replace(sliced, model="fpn"))

    assert (sliced.out / "plan.yaml").read_text() == before


def test_a_network_that_the_start_does_not_have_is_refused_before_anything_is_written(settings):
    asked = replace(settings, start_from="nuclei", model="resunetpp")

    with pytest.raises(PlanError, match=r"nuclei is unet, not resunetpp.*Leave --model out"):
        train(asked)

    assert not (settings.out / "run.json").exists()


def test_training_begins_with_a_published_encoder_and_its_plan_and_card_say_so(data, tmp_path):
    source = build_model("unet_encoder", 1, 2, 2, encoder="resnet18")
    save_file(source.encoder.state_dict(), tmp_path / "w.safetensors", metadata={"license": "mit"})
    asked = PlanSettings(
        data=data, out=tmp_path / "run", dims=2, patch=(32, 32), batch_size=2, measure=False,
        model="unet_encoder",
    )  # fmt: skip
    made = plan(asked).plan
    replace(made, model_options={"encoder": "resnet18"}).save(asked.out / "plan.yaml")
    begin = tmp_path / "w.safetensors"
    settings = TrainSettings(data=data, out=asked.out, steps=1, encoder_weights=begin)

    train(settings)

    own = load_checkpoint(asked.out / "last.safetensors").tensors
    gaps = [
        float((value - own[f"encoder.{name}"]).abs().max())
        for name, value in source.encoder.state_dict().items()
        if name.endswith("conv1.weight")
    ]
    assert max(gaps) < 0.05  # at random they would differ by tenths
    assert "licence mit" in Plan.load(asked.out / "plan.yaml").reasons["model_options"]
    assert "--encoder-weights w.safetensors" in (asked.out / "card.md").read_text()
    assert "w.safetensors, licence mit" in (asked.out / "card.md").read_text()


def test_absent_weights_are_refused_before_anything_is_written(settings, tmp_path):
    wrong = replace(settings, out=tmp_path / "other", encoder_weights=tmp_path / "none.safetensors")

    with pytest.raises(DelineateError, match="There is no file"):
        train(wrong)

    assert not wrong.out.exists()


def test_images_without_labels_train_too_and_the_plan_says_why(settings, data):
    more = replace(settings, unlabelled=data / "imagesTr", labelled=0.5, steps=4)

    trained = train(more)

    facts = json.loads((more.out / "run.json").read_text())
    told = Plan.load(more.out / "plan.yaml")
    judged = set(facts["validation_cases"])
    assert told.objective == {"consistency": 0.1}
    assert "without labels" in told.reasons["objective"]
    assert facts["unlabelled_images"]
    assert not judged & {name.removeprefix("unlabelled ") for name in facts["unlabelled_images"]}
    assert not set(facts["training_cases"]) & set(facts["unlabelled_images"])
    assert all({"consistency", "sure"} <= set(row) for row in trained.history)


def test_lengthened_run_goes_on_with_its_teacher(settings, data):
    semi = replace(settings, unlabelled=data / "imagesTr", steps=2)
    train(semi)
    first = load_checkpoint(semi.out / "state.safetensors").tensors

    train(replace(semi, steps=3))

    second = load_checkpoint(semi.out / "state.safetensors").tensors
    taught = [name for name in second if name.startswith("teacher.") and "weight" in name]
    assert taught
    assert all(not first[name].equal(second[name]) for name in taught)


def test_without_further_images_a_plan_with_consistency_says_what_to_do(settings, small_plan):
    asked = replace(small_plan, objective={"consistency": 0.1})
    asked.save(settings.out / "plan.yaml")

    with pytest.raises(PlanError, match="--unlabelled"):
        train(settings)
