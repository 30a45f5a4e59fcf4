"""Which slices a 2-D network sees: asked in one place, and checked there."""

from dataclasses import replace

import pytest

from delineate.core.errors import PlanError
from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.core.slices import neighbours, slice_offsets


@pytest.fixture
def plan() -> Plan:
    return Plan(
        dataset="bodies",
        layout="folder",
        labels=LabelTable.of_names({"liver": 1}),
        channels=("MR",),
        dims=2,
        canonical=True,
        spacing_mm=(3.0, 1.5, 1.5),
        normalisation=({"kind": "zscore"},),
        patch=(32, 32),
        batch_size=2,
        model="unet",
        model_options={},
        loss="dice_ce",
    )


@pytest.mark.parametrize(
    ("slices", "step", "offsets"),
    [(1, 1, (0,)), (3, 1, (-1, 0, 1)), (5, 2, (-4, -2, 0, 2, 4))],
)
def test_offsets_lie_around_the_labelled_slice(plan, slices, step, offsets):
    assert slice_offsets(replace(plan, slices=slices, slice_step=step)) == offsets


def test_the_ends_of_a_volume_stand_in_for_what_lies_beyond():
    places = [neighbours(place, (-4, -2, 0, 2, 4), 7) for place in range(7)]

    assert places[0] == (0, 0, 0, 2, 4)
    assert places[3] == (0, 1, 3, 5, 6)
    assert places[6] == (2, 4, 6, 6, 6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"slices": 4}, r"odd number such as 1, 3 or 5, not 4.*--slices"),
        ({"slices": 0}, "odd number"),
        ({"slices": -3}, "odd number"),
        ({"slices": 3, "slice_step": 0}, r"slice_step must be 1.*not 0.*--slice-step"),
        ({"slice_step": 2}, "not 2 with slices 1"),
        ({"slices": 3, "dims": 3, "patch": (8, 8, 8)}, r"where dims is 3.*--dims 2"),
        ({"slices": 3, "spacing_mm": (1.0, 1.0)}, r"1 for pictures, not 3.*Leave --slices out"),
        ({"slices": 3, "task": "instances"}, "1 for pictures"),
        ({"slices": 3, "model_options": {"slice_fusion": "soon"}}, "early or late, not 'soon'"),
        ({"model_options": {"slice_fusion": "late"}}, r"slices is 1.*--dims 2 --slices 3"),
    ],
)
def test_what_cannot_be_is_refused_with_its_mend(plan, changes, message):
    with pytest.raises(PlanError, match=message):
        slice_offsets(replace(plan, **changes))


def test_a_plan_of_one_slice_has_the_hash_of_plans_before_there_were_several(plan):
    before = plan.to_yaml().replace("slices: 1\n", "").replace("slice_step: 1\n", "")

    old = Plan.from_yaml(before)

    assert "slice" not in before
    assert old == plan
    assert old.hash() == plan.hash() == "5acb481aeb9f3ecd"
    assert replace(plan, slices=3).hash() != plan.hash()
