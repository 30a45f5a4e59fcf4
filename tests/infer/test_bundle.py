import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from delineate.core.errors import FileError, PlanError, UnknownNameError
from delineate.core.labels import Label, LabelTable
from delineate.core.plan import Plan
from delineate.infer.bundle import (
    build_network,
    find_bundle,
    list_bundles,
    load_bundle,
    num_inputs,
    num_outputs,
)
from delineate.models.slices import LateFusion


def test_a_run_folder_loads_with_its_plan_and_hash(make_run):
    folder = make_run("first")

    bundle = load_bundle(folder)

    assert bundle.name == "first"
    assert bundle.weights_hash == "first"
    assert bundle.plan == Plan.load(folder / "plan.yaml")
    assert not bundle.model.training


def test_weights_of_a_bundle_are_preferred_to_those_of_a_run(make_run):
    folder = make_run()
    weights = load_file(folder / "best.safetensors")

    save_file(weights, folder / "weights.safetensors", metadata={"weights_hash": "shipped"})

    assert load_bundle(folder).weights_hash == "shipped"


def test_weights_without_a_hash_are_told_apart_by_their_bytes(make_run):
    folder = make_run()
    weights = load_file(folder / "best.safetensors")
    save_file(weights, folder / "best.safetensors")
    first = load_bundle(folder).weights_hash

    next(iter(weights.values())).add_(1)
    save_file(weights, folder / "best.safetensors")

    assert len(first) == 16
    assert load_bundle(folder).weights_hash != first


def test_a_shipped_bundle_is_found_by_name(make_run, monkeypatch):
    folder = make_run("brain")
    monkeypatch.setattr("delineate.infer.bundle.SHIPPED", folder.parent)

    assert list_bundles() == {"brain": folder}
    assert find_bundle("brain") == folder


def test_an_unknown_name_is_answered_with_the_nearest(make_run, monkeypatch):
    folder = make_run("hippocampus")
    monkeypatch.setattr("delineate.infer.bundle.SHIPPED", folder.parent)

    with pytest.raises(UnknownNameError, match="Did you mean 'hippocampus'"):
        find_bundle("hipocampus")


def test_a_folder_without_plan_is_no_model(tmp_path):
    with pytest.raises(FileError, match=r"has no plan\.yaml"):
        find_bundle(tmp_path)


def test_a_plan_without_weights_says_to_train_first(make_run):
    folder = make_run()
    (folder / "best.safetensors").unlink()

    with pytest.raises(FileError, match="Train it first"):
        load_bundle(folder)


def test_weights_of_another_plan_are_refused(make_run):
    folder = make_run()
    plan = Plan.load(folder / "plan.yaml")

    plan.deciding("by hand", patch=(32, 32, 32)).save(folder / "plan.yaml")

    with pytest.raises(PlanError, match=r"was trained under plan .* Undo the edits"):
        load_bundle(folder)


def test_weights_of_another_shape_are_refused(make_run):
    folder = make_run()
    plan = Plan.load(folder / "plan.yaml").deciding("by hand", model_options={"features": [4, 16]})
    plan.save(folder / "plan.yaml")
    with safe_open(folder / "best.safetensors", framework="pt") as handle:
        facts = json.loads(handle.metadata()["facts"])
    weights = load_file(folder / "best.safetensors")
    save_file(
        weights,
        folder / "best.safetensors",
        metadata={"facts": json.dumps({**facts, "plan_hash": plan.hash()})},
    )

    with pytest.raises(PlanError, match="does not hold the weights of its plan's network"):
        load_bundle(folder)


def test_truncated_weights_are_named(make_run):
    path = make_run() / "best.safetensors"
    path.write_bytes(path.read_bytes()[:200])

    with pytest.raises(FileError, match=r"best\.safetensors cannot be read as weights"):
        load_bundle(path.parent)


def test_background_has_an_output_only_where_labels_exclude_each_other(make_plan):
    labels = LabelTable(labels=(Label(id=1, name="all", covers=(1, 2)), Label(id=2, name="core")))

    assert num_outputs(make_plan()) == 3
    assert num_outputs(make_plan(labels=labels)) == 2


def test_more_labels_than_a_byte_holds_are_refused(make_plan):
    labels = LabelTable.of_names({f"label {number}": number for number in range(1, 300)})

    with pytest.raises(PlanError, match="at most 254"):
        num_outputs(make_plan(labels=labels))


@pytest.mark.parametrize("fusion", ["early", "late"])
def test_a_network_of_several_slices_loads_and_takes_all_of_them(make_run, fusion):
    options = {"features": [4, 8], "slice_fusion": fusion}
    folder = make_run(
        dims=2, slices=5, patch=(16, 16), channels=("MR", "T2"), model_options=options
    )

    bundle = load_bundle(folder)

    logits = bundle.model(torch.randn(2, num_inputs(bundle.plan), 16, 16))[0]
    assert num_inputs(bundle.plan) == 10
    assert logits.shape == (2, 3, 16, 16)
    assert isinstance(bundle.model, LateFusion) == (fusion == "late")


def test_slices_edited_to_an_even_number_describe_no_network(make_plan):
    with pytest.raises(PlanError, match="odd number"):
        build_network(make_plan(dims=2, slices=2, patch=(16, 16)))


def test_a_bundle_without_a_temperature_has_one_and_a_wrong_one_is_refused(make_run):
    run = make_run()
    assert load_bundle(run).temperature == 1.0

    (run / "metrics.json").write_text('{"summary": []}')
    assert load_bundle(run).temperature == 1.0
    (run / "metrics.json").write_text('{"calibration": {"temperature": 2.5}}')
    assert load_bundle(run).temperature == 2.5
    for wrong in ("0", "NaN", '"warm"', "true"):
        (run / "metrics.json").write_text(f'{{"calibration": {{"temperature": {wrong}}}}}')
        with pytest.raises(FileError, match=r"must be a number above 0.*Correct it"):
            load_bundle(run)
    (run / "metrics.json").write_text("{")
    with pytest.raises(FileError, match="Mend or remove it"):
        load_bundle(run)
