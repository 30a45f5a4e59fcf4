import json

import pytest

from delineate.core.errors import PlanError, ShapeError
from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.steps.models import ModelsSettings, models

CARD = """---
purpose: Two halves of the hippocampus in T1
  MR volumes.
licence: Weights Apache-2.0; trained on data under CC-BY-SA 4.0.
---
# Hippocampus
"""


def make_bundle(folder, name="hippocampus"):
    plan = Plan(
        dataset="Task04",
        layout="nnunet",
        labels=LabelTable.of_names({"anterior": 1, "posterior": 2}),
        channels=("MRI",),
        dims=3,
        canonical=True,
        spacing_mm=(1.0, 1.0, 1.0),
        normalisation=({"kind": "zscore"},),
        patch=(40, 56, 40),
        batch_size=8,
        model="unet",
        model_options={},
        loss="dice_ce",
    )
    plan.save(folder / name / "plan.yaml")
    return folder / name


def row(label, metric, mean, **values):
    bounds = {"low": mean - 0.01, "high": mean + 0.01, "num_patients": 52}
    return {"label": label, "metric": metric, "mean": mean, **bounds, **values}


def test_a_bundle_is_listed_with_purpose_licence_scores_and_size(tmp_path):
    bundle = make_bundle(tmp_path)
    (bundle / "card.md").write_text(CARD)
    (bundle / "weights.safetensors").write_bytes(bytes(2_500_000))
    rows = [
        row("anterior", "dice", 0.8),
        row("all classes", "dice", 0.896),
        row("all classes", "hd95", 1.2),
    ]
    (bundle / "metrics.json").write_text(json.dumps({"unit": "mm", "summary": rows}))

    shelf = models(ModelsSettings(folder=tmp_path))

    (listing,) = shelf.listings
    assert listing.name == "hippocampus"
    assert listing.purpose == "Two halves of the hippocampus in T1 MR volumes."
    assert listing.licence.startswith("Weights Apache-2.0")
    assert listing.size_mb == 2.5
    assert listing.scores == (
        "dice 0.896 (0.886 to 0.906), hd95 1.200 mm (1.190 to 1.210), "
        "mean over 52 patients (95 % interval)"
    )
    assert "delineate predict INPUT --model hippocampus" in shelf.text


def test_what_nobody_wrote_is_said_to_be_unknown(tmp_path):
    make_bundle(tmp_path)

    (listing,) = models(ModelsSettings(folder=tmp_path)).listings

    assert listing.purpose == "anterior, posterior in volumes of channels MRI."
    assert listing.licence.startswith("not stated")
    assert listing.scores == "not measured"
    assert listing.size_mb == 0


def test_scores_without_an_interval_and_without_a_value_are_told_as_they_are(tmp_path):
    bundle = make_bundle(tmp_path)
    rows = [row("x", "dice", 0.5, low=None), {"label": "x", "metric": "nsd", "mean": None}]
    (bundle / "metrics.json").write_text(json.dumps({"summary": rows}))

    (listing,) = models(ModelsSettings(folder=tmp_path)).listings

    assert listing.scores == "dice 0.500, mean over 52 patients (95 % interval)"


@pytest.mark.parametrize("text", ["{", "[]", '{"summary": [{}]}', '{"summary": [3]}'])
def test_damaged_scores_do_not_hide_the_bundle(tmp_path, text):
    bundle = make_bundle(tmp_path)
    (bundle / "metrics.json").write_text(text)

    (listing,) = models(ModelsSettings(folder=tmp_path)).listings

    assert "measure again" in listing.scores


@pytest.mark.parametrize("text", ["# No facts\n", "---\n[: \n---\n", "---\njust text\n---\n"])
def test_a_card_without_facts_does_not_hide_the_bundle(tmp_path, text):
    bundle = make_bundle(tmp_path)
    (bundle / "card.md").write_text(text)

    (listing,) = models(ModelsSettings(folder=tmp_path)).listings

    assert listing.licence.startswith("not stated")


def test_other_folders_are_left_out_and_an_empty_shelf_says_what_to_do(tmp_path):
    (tmp_path / "notes").mkdir()

    shelf = models(ModelsSettings(folder=tmp_path))

    assert shelf.listings == ()
    assert "delineate train DATA --out RUN" in shelf.text


def test_a_damaged_plan_is_an_error(tmp_path):
    bundle = make_bundle(tmp_path)
    (bundle / "plan.yaml").write_text("- no plan\n")

    with pytest.raises(PlanError, match="holds no plan"):
        models(ModelsSettings(folder=tmp_path))


def test_shipped_models_are_listed_by_default():
    shelf = models(ModelsSettings())

    assert shelf.folder.name == "bundles"


def test_networks_are_measured_at_the_size_that_is_asked_for():
    settings = ModelsSettings(
        networks=True, only="medsegformer-nano", size="16, 24", classes=2, rounds=1, device="cpu"
    )

    found = models(settings)

    (entry,) = found.entries
    assert entry.cost.outputs == ((1, 2, 16, 24),)
    assert found.failures == {}


@pytest.mark.parametrize("size", ["256", "", "4,x", "0,4", "1,2,3,4", "-3,4"])
def test_a_wrong_size_is_an_error_with_an_example(size):
    with pytest.raises(ShapeError, match="--size 256,256"):
        models(ModelsSettings(networks=True, size=size))


def test_a_network_without_classes_is_refused():
    with pytest.raises(ShapeError, match="at least 1, not 3, 0 and 10"):
        models(ModelsSettings(networks=True, classes=0))
