"""Networks other than the U-Net are planned by the few facts that planning knows of them."""

from math import prod

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delineate.core.errors import PlanError
from delineate.core.labels import LabelTable
from delineate.models import MODELS, build_model
from delineate.planning import Machine, make_plan
from delineate.planning.families import FAMILIES, decide_options, fit_strides, is_close, size_for

HOUR = 3600.0


def planned(found, name, **options):
    names = {entry.name: place + 1 for place, entry in enumerate(found.classes)}
    labels = LabelTable.of_names(names)
    return make_plan(found, dataset="t", layout="folder", labels=labels, model=name, **options)


@pytest.mark.parametrize("name", FAMILIES)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    size=st.tuples(*[st.integers(8, 700)] * 3),
    spacing=st.tuples(*[st.floats(0.3, 8.0)] * 3),
    minutes=st.sampled_from([0.5, 5, 600]),
    dims=st.sampled_from([2, 3]),
)
def test_the_patch_is_a_multiple_of_all_strides_together(
    make_fingerprint, name, size, spacing, minutes, dims
):
    found = make_fingerprint([size], [spacing])

    plan = planned(found, name, machine=Machine(budget_s=60 * minutes), by_hand={"dims": dims})

    rows = plan.model_options["strides"]
    totals = [prod(axis) for axis in zip(*rows, strict=True)]
    assert all(side % total == 0 for side, total in zip(plan.patch, totals, strict=True))
    assert all(
        side // total >= 4 for side, total in zip(plan.patch, totals, strict=True) if total > 1
    )
    assert all(
        step <= usual and usual % step == 0
        for row, usual in zip(rows, FAMILIES[name].strides, strict=True)
        for step in row
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_a_large_picture_gets_the_usual_strides(name):
    family = FAMILIES[name]

    rows = fit_strides(family, (256, 256), (1.0, 1.0))

    assert rows == tuple((step, step) for step in family.strides)


def test_thin_axes_stay_whole_until_cells_are_cubes():
    rows = fit_strides(FAMILIES["segformer"], (16, 128, 128), (6.0, 1.5, 1.5))

    assert rows == ((1, 4, 4), (2, 2, 2), (2, 2, 2), (1, 2, 2))


def test_a_patch_that_cannot_be_halved_is_refused_with_its_mend():
    with pytest.raises(PlanError, match=r"patch 7 x 7 is too small.*--patch with at least 8"):
        fit_strides(FAMILIES["fpn"], (7, 7), (1.0, 1.0))


def test_a_patch_by_hand_that_is_too_small_is_refused(tiles):
    with pytest.raises(PlanError, match="too small for a network"):
        planned(tiles, "segformer", by_hand={"patch": (6, 6)})


@pytest.mark.parametrize(
    ("machine", "size"),
    [
        (Machine(budget_s=0.5 * HOUR), "nano"),
        (Machine(budget_s=1.5 * HOUR), "tiny"),
        (Machine(budget_s=60, num_steps=9), "tiny"),
        (Machine(budget_s=60, device="cuda"), "b1"),
    ],
)
def test_the_size_follows_from_device_and_time(machine, size):
    assert size_for(FAMILIES["medsegformer"], 2, machine).options["size"] == size


def test_volumes_need_more_time_for_the_same_size():
    machine = Machine(budget_s=1.5 * HOUR)

    assert size_for(FAMILIES["medsegformer"], 3, machine).options["size"] == "nano"


def test_dilations_follow_the_patch(tiles, draft):
    small = draft(tiles, model="deeplabv3plus", patch=(64, 64))
    published = draft(tiles, model="resunetpp", patch=(256, 256))
    smaller = draft(tiles, model="resunetpp", patch=(64, 64))

    sizes = decide_options(FAMILIES["deeplabv3plus"], small, Machine())[0]["size"]
    rates = [
        decide_options(FAMILIES["resunetpp"], plan, Machine())[0]["rates"]
        for plan in (published, smaller)
    ]

    assert sizes == [64, 64]
    assert rates == [[1, 6, 12, 18], [1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("changes", "outputs"),
    [({}, "exclusive"), ({"task": "instances"}, "instances"), ({"overlapping": True}, "layers")],
)
def test_a_network_that_must_know_its_outputs_is_told(tiles, draft, changes, outputs):
    plan = draft(tiles, model="medsegformer", patch=(64, 64))
    if changes.pop("overlapping", False):
        changes = {"labels": LabelTable(labels=plan.labels.labels, overlapping=True)}
    plan = plan.deciding("For the test.", **changes)

    options, _ = decide_options(FAMILIES["medsegformer"], plan, Machine())

    assert options["outputs"] == outputs


def test_a_transformer_learns_at_a_third_of_the_rate_and_decays_more(hippocampus):
    plan = planned(hippocampus, "segformer", machine=Machine(budget_s=1800))

    assert (plan.learning_rate, plan.weight_decay) == (1e-3, 0.05)
    assert "transformers" in plan.reasons["learning_rate"]
    assert "weight_decay" in plan.reasons


def test_few_patches_a_step_lower_the_rate_of_every_family(bowel_mr):
    plan = planned(bowel_mr, "segformer", by_hand={"batch_size": 1})

    assert plan.learning_rate == pytest.approx(5e-4)
    assert "root of 1/4" in plan.reasons["learning_rate"]


@pytest.mark.parametrize("name", sorted(set(MODELS) & set(FAMILIES)))
@pytest.mark.parametrize(
    ("fixture", "by_hand"),
    [
        ("tiles", {"patch": (64, 64)}),
        ("bowel_mr", {"dims": 2, "slices": 3, "patch": (64, 64)}),
        ("thick_ct", {"patch": (8, 64, 64)}),
    ],
)
def test_every_network_of_the_table_can_be_built_as_planned(request, name, fixture, by_hand):
    plan = planned(request.getfixturevalue(fixture), name, by_hand=by_hand)

    inputs = len(plan.channels) * plan.slices
    network = build_model(plan.model, inputs, 3, plan.dims, **plan.model_options).eval()
    with torch.no_grad():
        logits = network(torch.randn(1, inputs, *plan.patch))[0]

    assert logits.shape == (1, 3, *plan.patch)


@pytest.mark.parametrize(("patch", "looks_close"), [((56, 40), True), ((128, 128), False)])
def test_a_small_patch_is_looked_at_more_closely(patch, looks_close):
    rows = fit_strides(FAMILIES["medsegformer"], patch, (1.0, 1.0))

    assert is_close(patch) is looks_close
    assert rows[0] == ((2, 2) if looks_close else (4, 4))
