"""Bad input, as a user meets it: one sentence that says what, where and what to do.

Every test goes through the command line in this process, and looks at the exit code, at
stderr, and at whether everything that was there before is there still, byte by byte.
"""

import errno
import gzip
import json
import logging
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image as Picture

from delineate import cli
from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.datasets.phantoms import write_dataset
from delineate.learn.checkpoint import Checkpoint, load_checkpoint, save_checkpoint, weights_facts
from delineate.models import build_model

SHAPE = (8, 32, 32)
GOOD, BAD, LAST = (f"phantom_000{number}_day0" for number in range(3))
NOBODY = 65534
MENDS = (
    r"\b(Put|Pass|Check|Copy|Replace|Remove|Choose|Name|Mend|Resample|Correct|Give|Add|Use|Free|"
    r"Export|Leave|Ask|Undo|Train|Write|Repair|Restore|Apply|Bring|Convert|Split|Predict)\b"
)


@pytest.fixture
def run(capsys):
    """Run a command; returns its exit code and what it complained of, a sentence a line."""
    logger, before = logging.getLogger("delineate"), signal.getsignal(signal.SIGTERM)

    def call(*words):
        code = cli.main([str(word) for word in words])
        told = capsys.readouterr()
        assert "Traceback" not in told.err + told.out
        assert "unforeseen" not in told.err, told.err
        assert "fault of Delineate" not in told.err + told.out, told.err
        return code, [line for line in told.err.splitlines() if line.startswith("delineate:")]

    yield call
    signal.signal(signal.SIGTERM, before)
    logger.handlers, logger.propagate = [], True
    logger.setLevel(logging.NOTSET)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    """Three synthetic patients; treat them as read-only."""
    return write_dataset(tmp_path_factory.mktemp("healthy") / "bodies", 3, 0, shape=SHAPE)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """An untrained network for MR volumes in a folder; treat it as read-only."""
    return write_bundle(tmp_path_factory.mktemp("models") / "bodies")


@pytest.fixture
def data(healthy, tmp_path):
    """A copy of the patients that a test may spoil."""
    return shutil.copytree(healthy, tmp_path / "bodies")


@pytest.fixture
def scans(data):
    """The images alone, without the number of their channel."""
    for path in (data / "imagesTr").iterdir():
        path.rename(path.with_name(path.name.replace("_0000.nii", ".nii")))
    return data / "imagesTr"


def make_plan(**changes):
    labels = LabelTable.of_names({"stomach": 1, "small_bowel": 2, "large_bowel": 3})
    values = {
        "dataset": "phantoms", "layout": "nnunet", "labels": labels, "channels": ("T2",),
        "dims": 3, "canonical": True, "spacing_mm": (3.0, 1.5, 1.5),
        "normalisation": ({"kind": "zscore"},), "patch": (8, 32, 32), "batch_size": 2,
        "model": "unet", "model_options": {"features": [4, 8], "norm": "batch"},
        "loss": "dice_ce", "num_folds": 3,
        "folds": ((GOOD,), (BAD,), (LAST,)),
    }  # fmt: skip
    return Plan(**{**values, **changes})


def write_bundle(folder, **changes):
    """Write plan and random weights, as training would leave them."""
    plan = make_plan(**changes)
    torch.manual_seed(0)
    outputs = len(plan.labels.labels) + 1
    model = build_model(plan.model, len(plan.channels), outputs, plan.dims, **plan.model_options)
    plan.save(folder / "plan.yaml")
    weights = model.state_dict()
    facts = weights_facts(plan, weights)
    save_checkpoint(folder / "best.safetensors", Checkpoint(tensors=weights, facts=facts))
    return folder


def change(path, spoil=lambda array: array, affine=None, zooms=None):
    """Write a NIfTI file again with another array, affine or spacing."""
    old = nibabel.load(path)
    array = spoil(np.asarray(old.dataobj))
    new = nibabel.Nifti1Image(array, old.affine if affine is None else affine)
    path.unlink()
    nibabel.save(new, path)
    if zooms is not None:  # nibabel mends these itself, so the bytes are written over
        raw = bytearray(gzip.decompress(path.read_bytes()))
        raw[80:92] = np.array(zooms, "<f4").tobytes()
        path.write_bytes(gzip.compress(bytes(raw)))


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def with_nan(array):
    array = array.astype(np.float32)
    array[3, 3, 3] = np.nan
    return array


def with_value_9(array):
    array = array.copy()
    array[0, 0, 0] = 9
    return array


def bytes_of(*folders):
    """Read every file beneath some folders."""
    return {path: path.read_bytes() for folder in folders for path in folder.rglob("*")
            if path.is_file()}  # fmt: skip


def assert_kept(before):
    for path, content in before.items():
        assert path.read_bytes() == content, f"{path} was changed."


def assert_told(lines, *words):
    """One sentence or two, of a kind, with the mend in it."""
    assert len(lines) == 1, lines
    assert all(word in lines[0] for word in words), lines
    assert re.search(MENDS, lines[0]), lines
    assert len(lines[0]) < 600


# Datasets: plan looks at them first, and train goes on with a plan that is there.

ONE = (slice(0, 1),) * 3
SPOILT_CASES = {
    "mismatching shape": ("labelsTr", lambda path: change(path, lambda a: a[:-1]), "shape"),
    "mismatching affine": (
        "labelsTr", lambda path: change(path, affine=np.diag([1.5, 1.5, 9.0, 1.0])), "affine"),
    "value outside the table": ("labelsTr", lambda path: change(path, with_value_9), "9"),
    "truncated mask": ("labelsTr", cut, "cut short"),
    "NaN": ("imagesTr", lambda path: change(path, with_nan), "NaN"),
    "constant": ("imagesTr", lambda path: change(path, lambda a: np.full_like(a, 7)), "7"),
    "zero spacing": ("imagesTr", lambda path: change(path, zooms=(1.5, 0, 3)), "spacing"),
    "negative spacing": ("imagesTr", lambda path: change(path, zooms=(1.5, -1.5, 3)), "spacing"),
    "truncated image": ("imagesTr", cut, "cut short"),
    "no image": ("imagesTr", lambda path: path.write_text("Dear colleague"), "no NIfTI"),
}  # fmt: skip


def spoil_case(data, kind):
    side, spoil, word = SPOILT_CASES[kind]
    spoil(data / side / f"{BAD}{'_0000' if side == 'imagesTr' else ''}.nii.gz")
    return word


@pytest.mark.parametrize("kind", SPOILT_CASES)
def test_plan_names_the_bad_case_and_writes_nothing(run, data, tmp_path, kind):
    word = spoil_case(data, kind)
    before = bytes_of(tmp_path)

    code, lines = run("plan", data, "--out", tmp_path / "run", "--no-measure")

    assert code == 2
    assert_told(lines, BAD, word)
    assert bytes_of(tmp_path) == before
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", SPOILT_CASES)
def test_train_names_the_bad_case_and_keeps_the_run(run, data, bundle, tmp_path, kind):
    word = spoil_case(data, kind)
    shutil.copytree(bundle, tmp_path / "run")
    before = bytes_of(tmp_path)

    code, lines = run("train", data, "--out", tmp_path / "run", "--steps", 1)

    assert code == 2
    assert_told(lines, BAD, word)
    assert_kept(before)
    assert not (tmp_path / "run" / "last.safetensors").exists()


@pytest.mark.parametrize("command", ["plan", "train"])
def test_a_patient_of_one_voxel_is_named(run, data, bundle, tmp_path, command):
    for path in (data / "imagesTr" / f"{BAD}_0000.nii.gz", data / "labelsTr" / f"{BAD}.nii.gz"):
        change(path, lambda array: array[ONE])
    if command == "train":
        shutil.copytree(bundle, tmp_path / "run")
    before = bytes_of(tmp_path)

    code, lines = run(command, data, "--out", tmp_path / "run", "--steps", 1)

    assert code == 2
    assert_told(lines, BAD, "voxel")
    assert_kept(before)


@pytest.mark.parametrize("command", ["describe", "plan", "train"])
@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (["imagesTr", "labelsTr", "dataset.json"], "is empty"),
        (["labelsTr"], "no mask for the 3 images"),
        (["imagesTr"], "no image, but labelsTr holds 3 masks"),
    ],
)
def test_a_dataset_that_lacks_a_side_is_refused(run, data, tmp_path, command, lost, words):
    for name in lost:
        shutil.move(data / name, tmp_path / f"lost_{name}")
    before = bytes_of(tmp_path)

    code, lines = run(command, data, *([] if command == "describe" else ["--out", tmp_path / "r"]))

    assert code == 2
    assert_told(lines, str(data), words)
    assert bytes_of(tmp_path) == before


@pytest.mark.parametrize(
    ("lost", "words"),
    [(f"labelsTr/{BAD}.nii.gz", "no mask"), (f"imagesTr/{BAD}_0000.nii.gz", "no image")],
)
def test_a_case_that_lacks_a_side_is_named_by_describe_and_train(run, data, tmp_path, lost, words):
    (data / lost).unlink()
    before = bytes_of(tmp_path)

    code, lines = run("describe", data)
    planned, warned = run("plan", data, "--out", tmp_path / "run", "--no-measure")

    assert (code, planned) == (1, 0)
    for told in (lines, warned):
        assert_told(told, BAD, words)
    assert_kept(before)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_a_truncated_picture_is_named_by_plan(run, tmp_path, ending):
    data = write_pictures(tmp_path / "tiles", ending)
    cut(data / "images" / f"b.{ending}")
    before = bytes_of(tmp_path)

    code, lines = run("plan", data, "--out", tmp_path / "run", "--no-measure")

    assert code == 2
    assert_told(lines, f"b.{ending}", "cut short")
    assert bytes_of(tmp_path) == before


def write_pictures(folder, ending):
    for number, name in enumerate("abc"):
        array = np.random.default_rng(number).integers(0, 255, (48, 40), dtype=np.uint8)
        for side, content in (("images", array), ("masks", (array > 99).astype(np.uint8))):
            (folder / side).mkdir(parents=True, exist_ok=True)
            Picture.fromarray(content).save(folder / side / f"{name}.{ending}")
    return folder


# Inputs of predict: the bad one is named, the others are predicted.

SPOILT_SCANS = {
    "NaN": (lambda path: change(path, with_nan), "NaN"),
    "constant": (lambda path: change(path, lambda a: np.full_like(a, 7)), "constant (7"),
    "one voxel": (lambda path: change(path, lambda a: a[ONE]), "single voxel"),
    "zero spacing": (lambda path: change(path, zooms=(1.5, 0, 3)), "spacing"),
    "negative spacing": (lambda path: change(path, zooms=(1.5, -1.5, 3)), "spacing"),
    "truncated": (cut, "cut short"),
    "empty": (lambda path: path.write_bytes(b""), "0 bytes"),
    "no image": (lambda path: path.write_text("Dear colleague"), "no NIfTI"),
    "another modality": (lambda path: change(path, lambda a: a * 0.0 - 1000 + a), "Hounsfield"),
    "two channels": (lambda path: change(path, lambda a: np.stack([a, a], -1)), "2 channels"),
    "a slice": (lambda path: change(path, lambda a: a[:, :, 0], affine=np.eye(4)), "2-D"),
}


@pytest.mark.parametrize("kind", SPOILT_SCANS)
def test_predict_names_the_bad_scan_and_answers_the_others(run, scans, bundle, tmp_path, kind):
    spoil, word = SPOILT_SCANS[kind]
    spoil(scans / f"{BAD}.nii.gz")
    before = bytes_of(tmp_path, bundle)

    code, lines = run("predict", scans, "--model", bundle, "--out", tmp_path / "out")

    assert code == 1
    assert_told(lines, str(scans / f"{BAD}.nii.gz"), word)
    assert_kept(before)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"{GOOD}.nii.gz", f"{LAST}.nii.gz", "predictions.json"}


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (cut, "cut short"),
        (lambda path: path.write_text("Dear colleague"), "damaged"),
        (lambda path: Picture.new("L", (40, 48), 5).save(path), "constant (5"),
        (lambda path: Picture.new("L", (1, 1)).save(path), "single voxel"),
        (lambda path: Picture.new("RGB", (40, 48)).save(path), "3 channels"),
    ],
    ids=["truncated", "no image", "constant", "one pixel", "colour"],
)
def test_predict_names_the_bad_picture_and_answers_the_others(run, tmp_path, ending, spoil, word):
    images = write_pictures(tmp_path / "tiles", ending) / "images"
    model = write_bundle(
        tmp_path / "model", dims=2, channels=("grey",), spacing_mm=(1.0, 1.0), patch=(32, 32)
    )
    spoil(images / f"b.{ending}")
    before = bytes_of(tmp_path)

    code, lines = run("predict", images, "--model", model, "--out", tmp_path / "out")

    assert code == 1
    assert_told(lines, str(images / f"b.{ending}"), word)
    assert_kept(before)
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {"a", "c", "predictions"}


def test_a_bad_scan_alone_leaves_an_earlier_prediction_intact(run, scans, bundle, tmp_path):
    words = ("predict", scans / f"{BAD}.nii.gz", "--model", bundle, "--out", tmp_path / "out")
    run(*words)
    cut(scans / f"{BAD}.nii.gz")
    before = bytes_of(tmp_path)

    code, lines = run(*words)

    assert code == 1
    assert_told(lines, BAD, "cut short")
    assert_kept(before)


def test_masks_that_do_not_fit_their_truth_are_named_by_evaluate(run, data, tmp_path):
    said = shutil.copytree(data / "labelsTr", tmp_path / "said")
    change(said / f"{GOOD}.nii.gz", lambda array: array[:-1])
    change(said / f"{BAD}.nii.gz", affine=np.diag([1.5, 1.5, 9.0, 1.0]))
    before = bytes_of(tmp_path)

    code, lines = run("evaluate", said, data, "--out", tmp_path / "out", "--pictures", 0)

    assert code == 1
    assert_told(lines[:1], GOOD, "shape")
    assert_told(lines[1:], BAD, "mm apart")
    assert_kept(before)
    assert LAST in (tmp_path / "out" / "scores.csv").read_text()


# Folders that cannot be read.


def commands(folder, bundle, tmp_path):
    """Name every command that reads a folder; none may write anything."""
    return {
        "describe": ["describe", folder],
        "plan": ["plan", folder, "--out", tmp_path / "run"],
        "train": ["train", folder, "--out", tmp_path / "run"],
        "predict": ["predict", folder, "--model", bundle, "--out", tmp_path / "out"],
        "evaluate": ["evaluate", folder, folder, "--out", tmp_path / "out"],
        "model": ["predict", bundle, "--model", folder, "--out", tmp_path / "out"],
    }


@contextmanager
def as_nobody():
    """Give up the rights of root for a while; they would open every folder."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def locked(healthy, bundle, run, tmp_path):
    """A bundle beneath a folder that only root may enter."""
    for name in cli.COMMANDS:  # all code is read now, since nobody may not be allowed to
        import_module(f"delineate.steps.{name}")
    run("predict", healthy / "imagesTr", "--model", bundle, "--out", tmp_path / "warm-up")
    folder = Path(tempfile.mkdtemp())
    shutil.copytree(bundle, folder / "locked" / "bundle")
    folder.chmod(0o755)
    (folder / "locked").chmod(0)
    yield folder / "locked"
    (folder / "locked").chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("beneath", ["", "bundle"], ids=["folder", "folder in it"])
@pytest.mark.parametrize("name", ["describe", "plan", "train", "predict", "evaluate", "model"])
def test_a_folder_without_permission_is_told(run, locked, bundle, tmp_path, name, beneath):
    reachable = Path(tempfile.mkdtemp())
    model = shutil.copytree(bundle, reachable / "bundle")
    for path in (reachable, model, *model.iterdir()):
        path.chmod(0o755)
    words = commands(locked / beneath, model, reachable)[name]

    with as_nobody():
        code, lines = run(*words)

    assert code == 2
    assert_told(lines, str(locked), os.strerror(errno.EACCES))
    assert {path.name for path in reachable.iterdir()} == {"bundle"}
    shutil.rmtree(reachable)


@pytest.mark.parametrize("name", ["describe", "plan", "train", "predict", "evaluate", "model"])
@pytest.mark.parametrize("kind", ["dangling link", "link to itself", "file", "nothing"])
def test_what_is_no_folder_is_told(run, bundle, tmp_path, name, kind):
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("Dear colleague")
    elif kind != "nothing":
        place.symlink_to(place if kind == "link to itself" else tmp_path / "gone")
    before = bytes_of(tmp_path), [path for path in tmp_path.iterdir() if path.name != "out"]

    code, lines = run(*commands(place, bundle, tmp_path)[name])

    assert code == 2 or (code, name, kind) == (1, "predict", "file")
    assert_told(lines, str(place))
    after = [path for path in tmp_path.iterdir() if path.name != "out"]
    assert_kept(before[0])
    assert after == before[1]


def test_an_empty_folder_has_nothing_to_predict(run, bundle, tmp_path):
    (tmp_path / "scans").mkdir()

    code, lines = run("predict", tmp_path / "scans", "--model", bundle, "--out", tmp_path / "out")

    assert code == 2
    assert_told(lines, str(tmp_path / "scans"), "no image")
    assert not (tmp_path / "out").exists()


# Disks that are full.


@pytest.fixture(params=["small disk", "limited files"])
def small_place(request, tmp_path):
    """A folder, and a way to let nothing large be written to it any more."""
    folder = tmp_path / "small"
    folder.mkdir()
    if request.param == "limited files":
        yield folder, limited_files
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("Only root can mount a small disk, and not in every container.")
    yield folder, lambda: full_disk(folder)
    subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def limited_files():
    """Let no file of this process grow beyond two kilobytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def full_disk(folder):
    """Fill a disk but for one page, in which the file of a prediction finds no place."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as handle, suppress(OSError):
        while handle.write(bytes(4096)) == 4096:
            pass
    os.truncate(ballast, ballast.stat().st_size // 4096 * 4096 - 4096)
    yield
    ballast.unlink()


def test_a_full_disk_ends_predict_and_keeps_what_is_there(run, scans, bundle, small_place):
    place, fill = small_place
    words = ["predict", scans, "--model", bundle, "--out", place / "out", "--entropy"]
    (scans / f"{BAD}.nii.gz").rename(scans / "later")
    assert run(*words)[0] == 0
    (scans / "later").rename(scans / f"{BAD}.nii.gz")
    before = bytes_of(place, bundle, scans)

    with fill():
        code, lines = run(*words)

    assert code == 2
    assert_told(lines, str(place / "out"), "Free some space")
    names = {path.name for path in (place / "out").iterdir()}
    assert not [name for name in names if "partial" in name]
    for path in before:
        assert path.name == "predictions.json" or path.read_bytes() == before[path]
    assert run(*words)[0] == 0, "With space again, the run goes on."


def test_a_full_disk_ends_a_new_run_before_it_has_learnt(run, healthy, bundle, small_place):
    place, fill = small_place
    (place / "run").mkdir()
    shutil.copy(bundle / "plan.yaml", place / "run")
    before = bytes_of(place)

    with fill():
        code, lines = run("train", healthy, "--out", place / "run", "--steps", 1)

    assert code == 2
    assert_told(lines, str(place / "run"), "Free some space")
    assert bytes_of(place) == before


def test_a_full_disk_keeps_the_state_of_a_run(run, healthy, bundle, small_place):
    place, fill = small_place
    (place / "run").mkdir()
    shutil.copy(bundle / "plan.yaml", place / "run")
    assert run("train", healthy, "--out", place / "run", "--steps", 1)[0] == 0
    kept = ("plan.yaml", "state.safetensors", "best.safetensors", "last.safetensors")
    before = {place / "run" / name: (place / "run" / name).read_bytes() for name in kept}

    with fill():
        code, lines = run("train", healthy, "--out", place / "run", "--steps", 2)

    assert code == 2
    assert_told(lines, str(place / "run"), "Free some space")
    assert_kept(before)
    assert run("train", healthy, "--out", place / "run", "--steps", 2)[0] == 0


def test_results_may_not_go_where_nobody_may_write(run, scans, bundle, tmp_path):
    (tmp_path / "out").write_text("a file, where the folder should be")
    before = bytes_of(tmp_path)

    code, lines = run("predict", scans, "--model", bundle, "--out", tmp_path / "out")

    assert code == 2
    assert_told(lines, str(tmp_path / "out"))
    assert bytes_of(tmp_path) == before


# Runs and bundles that do not fit.


@pytest.mark.parametrize("command", ["plan", "train"])
def test_a_run_of_another_dataset_is_refused_and_kept(run, data, bundle, tmp_path, command):
    card = json.loads((data / "dataset.json").read_text())
    (data / "dataset.json").write_text(json.dumps({**card, "name": "livers"}))
    shutil.copytree(bundle, tmp_path / "run")
    before = bytes_of(tmp_path)

    code, lines = run(command, data, "--out", tmp_path / "run", "--steps", 1)

    assert code == 2
    assert_told(lines, str(tmp_path / "run"), "'phantoms'", "'livers'")
    assert bytes_of(tmp_path) == before


def edit(name, old, new):
    def spoil(folder):
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")

    return spoil


def unmarked(*words):
    """Edit the plan, and let the weights not say which plan was theirs."""

    def spoil(folder):
        edit(*words)(folder)
        weights = load_checkpoint(folder / "best.safetensors").tensors
        save_checkpoint(folder / "best.safetensors", Checkpoint(tensors=weights, facts={}))

    return spoil


def other_weights(folder):
    """Bring in weights of a larger network that say nothing of their plan."""
    model = build_model("unet", 1, 4, 3, features=[8, 16], norm="batch")
    save_checkpoint(folder / "best.safetensors", Checkpoint(tensors=model.state_dict(), facts={}))


def weights_of_another_plan(folder):
    other = write_bundle(folder.with_name("other"), spacing_mm=(1.0, 1.0, 1.0))
    shutil.copy(other / "best.safetensors", folder)


SPOILT_BUNDLES = {
    "an edited plan": (edit("plan.yaml", "spacing_mm: [3.0", "spacing_mm: [2.0"), "plan.yaml"),
    "weights of another plan": (weights_of_another_plan, "plan"),
    "weights of another network": (other_weights, "weights"),
    "weights cut short": (lambda folder: cut(folder / "best.safetensors"), "weights"),
    "weights that are none": (
        lambda folder: (folder / "best.safetensors").write_text("Dear colleague"), "weights"),
    "no weights": (lambda folder: (folder / "best.safetensors").unlink(), "no weights"),
    "no plan": (lambda folder: (folder / "plan.yaml").unlink(), "no plan.yaml"),
    "a plan that is none": (
        lambda folder: (folder / "plan.yaml").write_text("Dear colleague"), "no plan"),
    "a plan in another code": (
        lambda folder: (folder / "plan.yaml").write_bytes(b"\xff\xfe\x00"), "plan.yaml"),
    "an unknown network": (unmarked("plan.yaml", "model: unet", "model: unett"), "unett"),
    "an unknown option": (unmarked("plan.yaml", "features:", "feathers:"), "feathers"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPOILT_BUNDLES)
def test_a_bundle_that_does_not_fit_its_plan_is_refused(run, scans, bundle, tmp_path, kind):
    model = shutil.copytree(bundle, tmp_path / "model")
    spoil, word = SPOILT_BUNDLES[kind]
    spoil(model)
    before = bytes_of(tmp_path)

    code, lines = run("predict", scans, "--model", model, "--out", tmp_path / "out")

    assert code == 2
    assert_told(lines, str(model), word)
    assert bytes_of(tmp_path) == before


def test_a_run_whose_state_is_damaged_is_refused_and_kept(run, healthy, bundle, tmp_path):
    shutil.copytree(bundle, tmp_path / "run")
    (tmp_path / "run" / "state.safetensors").write_text("Dear colleague")
    before = bytes_of(tmp_path)

    code, lines = run("train", healthy, "--out", tmp_path / "run", "--steps", 1)

    assert code == 2
    assert_told(lines, "state.safetensors")
    assert_kept(before)
