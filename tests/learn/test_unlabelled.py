"""Images that are learnt from without labels."""

from dataclasses import replace

import nibabel
import numpy as np
import pytest

from delineate.core.errors import FileError
from delineate.core.labels import LabelTable
from delineate.datasets.tissue import write_tiles
from delineate.learn.batches import Batches
from delineate.learn.store import Stored
from delineate.learn.unlabelled import WEIGHT, Unlabelled, hide_labels, plan_for_unlabelled


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("case1", "new"):
        array = rng.normal(10, 3, (16, 14, 12)).astype(np.float32)
        path = tmp_path / "more" / f"{name}.nii.gz"
        path.parent.mkdir(exist_ok=True)
        nibabel.Nifti1Image(array, np.eye(4)).to_filename(path)
    return tmp_path / "more"


def test_case_without_labels_keeps_its_image_and_nothing_else(store, plan):
    case = store.get("case0")

    hidden = hide_labels(case, plan)

    assert np.array_equal(hidden.image, case.image)
    assert hidden.labels.shape == case.labels.shape
    assert (hidden.labels == -1).all()
    assert not any(len(points) for points in hidden.points)


def test_layers_are_hidden_each(store, plan):
    layered = LabelTable.of_names({"ball": [1, 2], "core": [2]})

    hidden = hide_labels(store.get("case0"), replace(plan, labels=layered))

    assert hidden.labels.shape[0] == 2


def test_images_of_a_folder_are_prepared_as_labelled_ones_are(store, folder):
    images = Unlabelled(store, folder=folder)

    images.fill()

    assert images.ids == ["unlabelled case1", "unlabelled new"]
    found = images.get("unlabelled new")
    assert found.image.shape == (1, 12, 14, 16)
    assert float(found.image.mean()) == pytest.approx(0, abs=0.01)  # z-scores


def test_file_of_a_labelled_case_s_name_does_not_meet_that_case(store, folder):
    images = Unlabelled(store, ["case1"], folder)
    images.fill()

    first, second = images.get("case1").image, images.get("unlabelled case1").image

    assert np.array_equal(first, store.get("case1").image)
    assert not np.array_equal(first, second)


def test_second_fill_reads_nothing(store, folder):
    Unlabelled(store, folder=folder).fill()
    for path in folder.iterdir():
        path.write_bytes(b"no image any more")

    again = Unlabelled(store, folder=folder)
    again.fill()

    assert again.get("unlabelled new").image.shape == (1, 12, 14, 16)


def test_image_of_a_case_that_judges_is_left_out(store, folder, caplog):
    images = Unlabelled(store, folder=folder, unwanted=["case1"])

    assert images.ids == ["unlabelled new"]
    assert "names of cases that judge" in caplog.text


def test_absent_folder_is_named(store, tmp_path):
    with pytest.raises(FileError, match="nowhere"):
        Unlabelled(store, folder=tmp_path / "nowhere")


def test_image_that_is_not_for_the_plan_is_refused(store, folder):
    array = np.full((8, 8, 8), np.nan, np.float32)
    nibabel.Nifti1Image(array, np.eye(4)).to_filename(folder / "bad.nii.gz")

    with pytest.raises(FileError, match="NaN"):
        Unlabelled(store, folder=folder).fill()


def test_batches_look_at_no_label(store):
    images = Unlabelled(store, ["case0", "case1"])

    batch = images.batches(seed=0).draw(3)

    assert batch.image.shape == (2, 1, 8, 8, 8)
    assert (batch.target == -1).all()


def test_batches_are_the_same_whatever_the_labels_say(store):
    class Relabelled:
        plan, folder = store.plan, store.folder

        def get(self, case_id) -> Stored:
            case = store.get(case_id)
            return replace(case, labels=1 - np.asarray(case.labels), points=case.points[::-1])

    before = Unlabelled(store, ["case0", "case1"]).batches(seed=0).draw(1)
    after = Unlabelled(Relabelled(), ["case0", "case1"]).batches(seed=0).draw(1)

    assert before.image.equal(after.image)


def test_batches_are_no_echo_of_labelled_ones(store):
    ids = ["case0", "case1"]

    ours = Unlabelled(store, ids).batches(seed=0).draw(0)

    assert not ours.image.equal(Batches(store, ids, seed=0).draw(0).image)


def test_without_images_there_are_no_batches(store):
    assert Unlabelled(store).batches(seed=0) is None


def test_tissue_is_drawn_without_its_objects(tissue_store):
    batch = Unlabelled(tissue_store, ["tile0", "tile1"]).batches(seed=0).draw(0)

    assert batch.image.shape == (4, 3, 32, 32)
    assert (batch.target[:, 0] <= 0).all()


def test_pictures_of_tissue_are_brought_to_the_plan_s_scale(tissue_store, tmp_path):
    write_tiles(tmp_path / "tiles", 2, 5, shape=(96, 96))
    pictures = next(path for path in (tmp_path / "tiles").iterdir() if "image" in path.name.lower())

    images = Unlabelled(tissue_store, folder=pictures, mpp=0.5)
    images.fill()

    assert images.get(images.ids[0]).image.shape == (3, 192, 192)


def test_plan_that_says_nothing_takes_the_usual_weight(plan):
    told = plan_for_unlabelled(plan)

    assert told.objective == {"consistency": WEIGHT}
    assert "without labels" in told.reasons["objective"]


def test_plan_that_says_how_much_is_left_alone(plan):
    asked = replace(plan, objective={"consistency": 0.0, "terms": "dwa"})

    assert plan_for_unlabelled(asked) is asked
