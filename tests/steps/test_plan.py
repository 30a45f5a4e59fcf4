"""The step `plan` writes one readable file, and leaves another dataset's run alone."""

import json
from dataclasses import replace

import nibabel
import numpy as np
import pytest

from delineate.core.errors import BudgetError, DatasetError, PlanError, UnknownNameError
from delineate.core.plan import Plan
from delineate.steps.plan import PlanSettings, plan


def write_dataset(folder, *, num_cases=4, name="Toy", labels=("liver", "tumour")):
    rng = np.random.default_rng(0)
    (folder / "imagesTr").mkdir(parents=True)
    (folder / "labelsTr").mkdir()
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    for place in range(num_cases):
        truth = np.zeros((24, 20, 12), np.uint8)
        truth[4:12, 5:15, 3:9] = 1
        truth[6:9, 7:10, 4:6] = 2
        image = (rng.normal(100, 10, truth.shape) + 50 * truth).astype(np.float32)
        scan = folder / f"imagesTr/case{place}_0000.nii.gz"
        nibabel.save(nibabel.Nifti1Image(image, affine), scan)
        nibabel.save(nibabel.Nifti1Image(truth, affine), folder / f"labelsTr/case{place}.nii.gz")
    facts = {
        "name": name,
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, **{label: place + 1 for place, label in enumerate(labels)}},
        "numTraining": num_cases,
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


@pytest.fixture
def asked(tmp_path):
    """Settings for a small dataset of four volumes."""
    data = write_dataset(tmp_path / "data")
    return PlanSettings(data=data, out=tmp_path / "run", device="cpu", budget="1m", measure=False)


def test_the_plan_is_written_with_folds_and_reasons(asked):
    planned = plan(asked)

    again = Plan.load(asked.out / "plan.yaml")
    assert again == planned.plan
    assert (again.dataset, again.layout, again.dims) == ("Toy", "nnunet", 3)
    assert again.spacing_mm == (2.0, 1.0, 1.0)
    assert again.patch == (16, 24, 24)
    assert sorted(case for fold in again.folds for case in fold) == [f"case{i}" for i in range(4)]
    assert set(again.reasons) >= {"patch", "spacing_mm", "folds"}


def test_the_table_names_every_decision_within_a_hundred_columns(asked):
    text = plan(asked).text

    assert {"decision", "patch", "batch_size", "folds"} <= {*text.split(), "folds"}
    assert "16 x 24 x 24" in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_the_same_settings_give_the_same_plan(asked, tmp_path):
    first = plan(asked).plan
    second = plan(replace(asked, out=tmp_path / "other")).plan

    assert first == second


def test_values_given_by_hand_replace_rules(asked):
    planned = plan(replace(asked, patch=(8, 16, 16), batch_size=3, folds=2, loss="tversky_ce")).plan

    assert (planned.patch, planned.batch_size, planned.loss) == ((8, 16, 16), 3, "tversky_ce")
    assert len(planned.folds) == 2


def test_a_former_plan_of_the_same_dataset_is_kept_beside(asked):
    former = plan(asked).plan.deciding("Edited.", batch_size=7)
    former.save(asked.out / "plan.yaml")

    plan(asked)

    assert Plan.load(asked.out / "plan.before.yaml").batch_size == 7
    assert Plan.load(asked.out / "plan.yaml").batch_size != 7


def test_a_plan_of_another_dataset_is_left_intact(asked, tmp_path):
    plan(asked)
    before = (asked.out / "plan.yaml").read_bytes()
    other = write_dataset(tmp_path / "other", name="Else")

    with pytest.raises(PlanError, match=r"plan of dataset 'Toy'.*not of 'Else'.*--out"):
        plan(replace(asked, data=other))

    assert (asked.out / "plan.yaml").read_bytes() == before


def test_one_patient_gets_a_plan_without_folds(asked, tmp_path):
    data = write_dataset(tmp_path / "single", num_cases=1)

    planned = plan(replace(asked, data=data)).plan

    assert (planned.num_folds, planned.folds) == (1, ())


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"budget": "soon"}, BudgetError),
        ({"model": "unett"}, UnknownNameError),
        ({"loss": "dise_ce"}, UnknownNameError),
        ({"folds": 9}, PlanError),
        ({"steps": 0}, BudgetError),
    ],
)
def test_settings_that_cannot_work_leave_nothing_behind(asked, change, error):
    with pytest.raises(error):
        plan(replace(asked, **change))

    assert not asked.out.exists()


def test_an_empty_folder_is_an_error(asked, tmp_path):
    (tmp_path / "empty").mkdir()

    with pytest.raises(DatasetError, match="empty"):
        plan(replace(asked, data=tmp_path / "empty"))


def test_the_real_hippocampus_is_planned_as_it_was_tried(asked, shared_data):
    data = shared_data / "radiology" / "msd_task04_hippocampus"

    planned = plan(replace(asked, data=data, budget="30m")).plan

    assert (planned.patch, planned.batch_size) == ((40, 56, 40), 4)
    assert planned.learning_rate == 0.003
    assert planned.model_options["features"] == [16, 32, 64, 128]
    assert planned.model_options["strides"] == [[1] * 3, [2] * 3, [2] * 3, [2] * 3]
    assert planned.augmentation["mirror_axes"] == []
    assert [len(fold) for fold in planned.folds] == [42] * 5
