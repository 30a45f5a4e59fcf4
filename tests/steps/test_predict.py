import errno
import json
import logging
import os
import subprocess
import sys

import nibabel
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy import ndimage

from delineate.core.errors import FileError, PlanError, UnknownNameError
from delineate.core.files import whole
from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.core.progress import show_with
from delineate.models import build_model
from delineate.readers import read_mask
from delineate.steps.predict import PredictSettings, predict


@pytest.fixture
def make_run(tmp_path):
    """Write a run folder whose small network has random weights."""

    def make(name="run", *, seed=0, channels=("MR",), dims=3, model="unet", **options):
        options = options or {"features": [4, 8]}
        plan = Plan(
            dataset="made",
            layout="folder",
            labels=LabelTable.of_names({"front": 1, "back": 2}),
            channels=channels,
            dims=dims,
            canonical=True,
            spacing_mm=(1.0,) * dims,
            normalisation=({"kind": "zscore"},) * len(channels),
            patch=(16,) * dims,
            batch_size=2,
            model=model,
            model_options=options,
            loss="dice_ce",
        )
        folder = tmp_path / name
        plan.save(folder / "plan.yaml")
        torch.manual_seed(seed)
        network = build_model(model, len(channels), 3, dims, **options)
        facts = {"plan_hash": plan.hash(), "weights_hash": f"seed {seed}"}
        save_file(
            network.state_dict(), folder / "best.safetensors", metadata={"facts": json.dumps(facts)}
        )
        return folder

    return make


@pytest.fixture
def scans(tmp_path):
    """Write three small volumes of different shapes."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in range(3):
        write_scan(folder / f"case_{number}.nii.gz", shape=(12 + number, 10, 14))
    return folder


def write_scan(path, shape=(12, 10, 14), seed=0):
    array = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    affine = np.array([[-1.0, 0, 0, 5], [0, 0, 1.5, 2], [0, -2, 0, 1], [0, 0, 0, 1]])
    nibabel.save(nibabel.Nifti1Image(array, affine), path)


def settings_of(scans, run, **changes):
    values = {"inputs": (str(scans),), "model": str(run), "out": scans.parent / "out"}
    return PredictSettings(**{**values, **changes})


def test_each_case_has_a_file_on_its_own_grid(scans, make_run):
    result = predict(settings_of(scans, make_run(), device="cpu"))

    assert result.written == ("case_0", "case_1", "case_2")
    assert "Predicted 3 of 3 cases" in result.text
    for path in scans.iterdir():
        image, mask = nibabel.load(path), nibabel.load(scans.parent / "out" / path.name)
        assert mask.shape == image.shape
        assert np.allclose(mask.affine, image.affine, atol=1e-4)
        assert set(np.unique(mask.get_fdata())) <= {0, 1, 2}


def test_a_second_run_skips_what_is_done(scans, make_run):
    run = make_run()
    predict(settings_of(scans, run))
    before = {path: path.stat().st_mtime_ns for path in (scans.parent / "out").glob("*.gz")}

    result = predict(settings_of(scans, run))

    assert result.written == ()
    assert result.skipped == ("case_0", "case_1", "case_2")
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize("change", ["model", "flips", "overwrite", "format"])
def test_another_model_or_setting_predicts_again(scans, make_run, change):
    predict(settings_of(scans, make_run()))
    changes = {
        "model": {"model": str(make_run("other", seed=1))},
        "flips": {"flips": (0,)},
        "overwrite": {"overwrite": True},
        "format": {"format": "nrrd"},
    }

    result = predict(settings_of(scans, scans.parent / "run", **changes[change]))

    assert len(result.written) == 3


def test_only_a_changed_or_new_input_is_predicted_again(scans, make_run):
    run = make_run()
    predict(settings_of(scans, run))
    write_scan(scans / "case_1.nii.gz", shape=(9, 9, 9), seed=5)
    write_scan(scans / "case_9.nii.gz")

    result = predict(settings_of(scans, run))

    assert result.written == ("case_1", "case_9")


def test_one_bad_case_is_named_and_the_others_are_predicted(scans, make_run):
    path = scans / "case_1.nii.gz"
    path.write_bytes(path.read_bytes()[:400])
    array = np.ones((5, 5, 5), np.float32)
    array[0, 0, :2] = np.nan
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), scans / "case_2.nii.gz")

    result = predict(settings_of(scans, make_run()))

    assert result.written == ("case_0",)
    assert set(result.failures) == {"case_1", "case_2"}
    assert "2 voxels that are NaN" in result.failures["case_2"]
    assert "case_1.nii.gz" in result.failures["case_1"]
    assert "2 could not be predicted" in result.text


def test_a_failed_case_is_tried_again_in_the_next_run(scans, make_run):
    run = make_run()
    good = (scans / "case_1.nii.gz").read_bytes()
    (scans / "case_1.nii.gz").write_bytes(b"")
    assert set(predict(settings_of(scans, run)).failures) == {"case_1"}

    (scans / "case_1.nii.gz").write_bytes(good)

    assert predict(settings_of(scans, run)).written == ("case_1",)


def test_several_formats_and_extras_are_written_at_once(scans, make_run):
    predict(settings_of(scans, make_run(), format="nifti, rle", probabilities=True, entropy=True))

    out = scans.parent / "out"
    names = {path.name for path in out.iterdir() if "case_0" in path.name}
    assert names == {
        "case_0.nii.gz",
        "case_0.rle.csv",
        "case_0_probabilities.npz",
        "case_0_entropy.npz",
    }
    with np.load(out / "case_0_probabilities.npz") as content:
        probabilities = content["probabilities"]
    mask = read_mask(out / "case_0.nii.gz").array
    assert probabilities.shape == (3, *mask.shape)
    assert (probabilities.argmax(0) == mask).mean() > 0.95


def test_a_volume_as_slices_of_png_is_skipped_the_second_time(scans, make_run):
    run = make_run()
    predict(settings_of(scans, run, format="png"))

    assert len(predict(settings_of(scans, run, format="png")).skipped) == 3


def test_pictures_are_answered_with_pictures(tmp_path, make_run):
    from PIL import Image as Picture

    array = np.random.default_rng(0).integers(0, 255, (40, 30), dtype=np.uint8)
    (tmp_path / "scans").mkdir()
    Picture.fromarray(array).save(tmp_path / "scans" / "tile.png")
    run = make_run(dims=2, channels=("grey",))

    predict(settings_of(tmp_path / "scans", run))

    assert read_mask(tmp_path / "out" / "tile.png").array.shape == (40, 30)


def test_channel_files_become_one_case(tmp_path, make_run):
    folder = tmp_path / "scans"
    folder.mkdir()
    for channel in range(2):
        write_scan(folder / f"p1_000{channel}.nii.gz", seed=channel)

    result = predict(settings_of(folder, make_run(channels=("T1", "T2"))))

    assert result.written == ("p1",)
    assert (tmp_path / "out" / "p1.nii.gz").exists()


def test_a_full_disk_ends_the_run_and_keeps_what_was_written(scans, make_run, monkeypatch):
    calls = []

    def write_once(prediction, path, **options):
        calls.append(path)
        with whole(path) as draft:
            draft.write_bytes(b"mask")
            if len(calls) == 2:
                raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("delineate.steps.predict.write_prediction", write_once)

    with pytest.raises(FileError, match=r"case_1.*No space left on device.*Free some space"):
        predict(settings_of(scans, make_run()))

    assert sorted(path.name for path in (scans.parent / "out").iterdir()) == [
        "case_0.nii.gz",
        "predictions.json",
    ]


def test_inputs_are_never_written_over(scans, make_run):
    before = (scans / "case_0.nii.gz").read_bytes()

    with pytest.raises(FileError, match="is an input and would be overwritten"):
        predict(settings_of(scans, make_run(), out=scans, overwrite=True))

    assert (scans / "case_0.nii.gz").read_bytes() == before


def test_files_of_others_are_replaced_only_when_asked(scans, make_run):
    run, out = make_run(), scans.parent / "out"
    out.mkdir()
    (out / "case_1.nii.gz").write_text("drawn by hand")

    with pytest.raises(FileError, match="pass --overwrite"):
        predict(settings_of(scans, run))

    assert (out / "case_1.nii.gz").read_text() == "drawn by hand"
    assert len(predict(settings_of(scans, run, overwrite=True)).written) == 3


def test_an_unknown_model_or_format_is_answered_with_the_nearest(scans, make_run):
    with pytest.raises(UnknownNameError, match="Did you mean 'nifti'"):
        predict(settings_of(scans, make_run(), format="nifty"))
    with pytest.raises(UnknownNameError, match="no run folder and no shipped model named"):
        predict(settings_of(scans, "no such model"))

    assert not (scans.parent / "out").exists()


def test_progress_is_told_case_by_case(scans, make_run):
    seen = []
    show_with(lambda what, done, total, seconds: seen.append((what, done, total)))

    predict(settings_of(scans, make_run()))
    show_with(None)

    assert seen == [("predicting", done, 3) for done in range(4)]


def test_cases_that_trained_the_model_are_told_once_and_marked(
    make_run, scans, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr(logging.getLogger("delineate"), "propagate", True)
    folder = make_run()
    (folder / "run.json").write_text(json.dumps({"training_cases": ["case_1", "x.case_2"]}))

    predict(PredictSettings(inputs=(str(scans),), model=str(folder), out=tmp_path / "out"))

    (said,) = [record.message for record in caplog.records if "trained" in record.message]
    assert said.startswith("2 of these 3 cases trained the model run, going by their names")
    assert "(case_1, case_2)" in said
    record = json.loads((tmp_path / "out" / "predictions.json").read_text())["cases"]
    marks = {case: row["provenance"].get("is_training_case") for case, row in record.items()}
    assert marks == {"case_0": None, "case_1": True, "case_2": True}


def doubtful_of(scans, run, **changes):
    result = predict(settings_of(scans, run, device="cpu", **changes))
    out = scans.parent / "out"
    with np.load(out / "case_0_uncertainty.npz") as content:
        doubt = content["uncertainty"].astype(np.float32)
    record = json.loads((out / "predictions.json").read_text())["cases"]["case_0"]["provenance"]
    return result, doubt, record


@pytest.mark.parametrize("name", ["entropy", "margin", "evidential", "mc"])
def test_uncertainty_is_written_on_the_native_grid_with_its_mean_near_borders(
    scans, make_run, name
):
    run = make_run(model="medsegformer", dropout=0.3, seed=4)

    result, doubt, record = doubtful_of(scans, run, uncertainty=name)

    mask = read_mask(scans.parent / "out" / "case_0.nii.gz").array
    grown = ndimage.binary_dilation(mask > 0, np.ones((3, 3, 3)), iterations=3)
    shrunk = ndimage.binary_erosion(mask > 0, np.ones((3, 3, 3)), iterations=3, border_value=1)
    assert doubt.shape == mask.shape
    assert 0 <= doubt.min() < doubt.max() <= 1
    assert record["uncertainty"] == name
    wanted = doubt[grown & ~shrunk].mean()
    assert record["border_uncertainty"] == pytest.approx(wanted, rel=1e-3)
    assert result.doubts["case_0"] == record["border_uncertainty"]
    assert set(result.doubts) == {"case_0", "case_1", "case_2"}
    assert "Mean uncertainty near borders" in result.text


@pytest.mark.parametrize("name", ["entropy", "mc"])
def test_asking_for_uncertainty_or_a_temperature_changes_no_label(scans, make_run, name):
    run, out = make_run(model="medsegformer", dropout=0.3), scans.parent / "out"
    predict(settings_of(scans, run))
    before = [read_mask(path).array for path in sorted(out.glob("*.nii.gz"))]
    _, cold, record = doubtful_of(scans, run, uncertainty=name)
    (run / "metrics.json").write_text('{"calibration": {"temperature": 5.0}}')

    result, warm, tempered = doubtful_of(scans, run, uncertainty=name)

    after = [read_mask(path).array for path in sorted(out.glob("*.nii.gz"))]
    assert all(np.array_equal(mine, theirs) for mine, theirs in zip(before, after, strict=True))
    assert (record["temperature"], tempered["temperature"]) == (1.0, 5.0)
    assert len(result.written) == 3  # another temperature makes other maps
    assert not np.allclose(warm, cold, rtol=1e-3, atol=1e-5)


def test_labels_alone_are_not_made_again_for_another_temperature(scans, make_run):
    run = make_run()
    predict(settings_of(scans, run))
    (run / "metrics.json").write_text('{"calibration": {"temperature": 5.0}}')

    assert predict(settings_of(scans, run)).written == ()


def test_learnt_noise_is_written_for_a_network_that_learnt_it(scans, make_run):
    run = make_run(dims=2, model="medsegformer", aleatoric=True)

    _, doubt, record = doubtful_of(scans, run, uncertainty="aleatoric")

    image = nibabel.load(scans / "case_0.nii.gz")
    assert sorted(doubt.shape) == sorted(image.shape)
    assert doubt.std() > 0
    assert record["border_uncertainty"] is None or 0 < record["border_uncertainty"] < 1


def test_what_the_model_cannot_say_ends_the_run_before_the_first_case(scans, make_run):
    with pytest.raises(PlanError, match="drops nothing"):
        predict(settings_of(scans, make_run(), uncertainty="mc"))

    assert not (scans.parent / "out").exists()


def test_what_a_killed_run_left_half_written_is_gone_after_the_next(scans, make_run):
    out = scans.parent / "out"
    program = (
        "import os, signal, sys\nfrom delineate.core.files import whole\n"
        "with whole(sys.argv[1]) as draft:\n"
        "    draft.write_bytes(b'half')\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program, out / "case_0.nii.gz"], env=environment)
    assert list(out.glob(".*.partial.*"))

    predict(settings_of(scans, make_run()))

    assert not list(out.glob(".*.partial.*"))
    assert (out / "case_0.nii.gz").exists()
