"""Rules make a whole plan, every decision with its reason, and respect what is set by hand."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delineate.core.errors import PlanError
from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.planning import RULES, Machine, make_plan


def planned(fingerprint, **options):
    names = {entry.name: place + 1 for place, entry in enumerate(fingerprint.classes)}
    labels = LabelTable.of_names(names)
    return make_plan(fingerprint, dataset="test", layout="folder", labels=labels, **options)


@pytest.mark.parametrize("fixture", ["hippocampus", "thick_ct", "bowel_mr", "tiles"])
def test_every_rule_decides_its_field_and_gives_a_reason(request, fixture):
    plan = planned(request.getfixturevalue(fixture))

    assert set(RULES) <= set(plan.reasons)
    assert all(reason.endswith(".") and len(reason) > 15 for reason in plan.reasons.values())


@pytest.mark.parametrize("fixture", ["hippocampus", "thick_ct", "bowel_mr", "tiles"])
def test_a_plan_survives_its_file(request, fixture):
    plan = planned(request.getfixturevalue(fixture))

    again = Plan.from_yaml(plan.to_yaml())

    assert again == plan
    assert again.hash() == plan.hash()


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    size=st.lists(st.integers(2, 500), min_size=2, max_size=3),
    steps=st.lists(st.floats(0.2, 8), min_size=3, max_size=3),
    is_physical=st.booleans(),
    minutes=st.sampled_from([0.1, 5, 30]),
)
def test_any_images_get_a_plan_that_survives_its_file(
    make_fingerprint, size, steps, is_physical, minutes
):
    spacing = tuple(steps[: len(size)]) if is_physical else (1.0,) * len(size)
    found = make_fingerprint([tuple(size)], [spacing], is_physical=is_physical)

    plan = planned(found, machine=Machine(budget_s=60 * minutes))

    assert len(plan.patch) == plan.dims
    assert min(plan.spacing_mm) > 0
    assert Plan.from_yaml(plan.to_yaml()) == plan


def test_the_hippocampus_is_planned_as_it_was_tried(hippocampus):
    plan = planned(hippocampus, machine=Machine(budget_s=1800, num_threads=2))

    assert (plan.dims, plan.patch, plan.batch_size) == (3, (40, 56, 40), 4)
    assert plan.learning_rate == 0.003
    assert plan.spacing_mm == (1.0, 1.0, 1.0)
    assert plan.normalisation == ({"kind": "zscore"},)
    assert plan.model_options["features"] == [16, 32, 64, 128]
    assert plan.model_options["strides"] == [[1] * 3, [2] * 3, [2] * 3, [2] * 3]
    assert (plan.augmentation["mirror_axes"], plan.flips) == ([], ())


def test_thick_ct_is_planned_in_flat_boxes(thick_ct):
    plan = planned(thick_ct)

    assert plan.dims == 3
    assert plan.patch[0] * 4 <= plan.patch[1]
    assert plan.model_options["kernels"][0] == [1, 3, 3]
    assert plan.loss == "tversky_ce"


def test_tiles_are_planned_in_pixels(tiles):
    plan = planned(tiles)

    assert (plan.dims, plan.spacing_mm, plan.canonical) == (2, (1.0, 1.0), False)
    assert plan.normalisation[0]["high"] == 255.0


def test_what_is_set_by_hand_stands_and_later_rules_build_on_it(bowel_mr):
    plan = planned(bowel_mr, by_hand={"spacing_mm": (3.0, 3.0, 3.0), "patch": (64, 64, 64)})

    assert plan.patch == (64, 64, 64)
    assert plan.reasons["patch"] == "Set by hand."
    assert plan.model_options["strides"][1] == [2, 2, 2]


def test_a_volume_can_be_worked_slice_by_slice_by_hand(bowel_mr):
    plan = planned(bowel_mr, by_hand={"dims": 2})

    assert len(plan.patch) == 2
    assert len(plan.spacing_mm) == 3


def test_slices_are_asked_for_by_hand_and_stay_through_all_rules(bowel_mr):
    asked = {"dims": 2, "slices": 5, "slice_step": 2, "slice_fusion": "late"}

    plan = planned(bowel_mr, by_hand=asked)

    assert (plan.slices, plan.slice_step) == (5, 2)
    assert plan.model_options["slice_fusion"] == "late"
    assert len(plan.model_options["features"]) >= 2
    assert plan.reasons["slices"] == plan.reasons["slice_step"] == "Set by hand."


@pytest.mark.parametrize(
    ("fixture", "by_hand", "message"),
    [
        ("bowel_mr", {"slices": 5}, r"where dims is 3.*Pass --dims 2"),
        ("bowel_mr", {"dims": 2, "slices": 4}, "odd number"),
        ("bowel_mr", {"dims": 2, "slice_step": 2}, "with slices 1"),
        ("bowel_mr", {"dims": 2, "slice_fusion": "late"}, "needs several slices"),
        ("bowel_mr", {"dims": 2, "slices": 3, "slice_fusion": "never"}, "early or late"),
        ("tiles", {"slices": 3}, r"1 for pictures.*Leave --slices out"),
    ],
)
def test_slices_that_cannot_be_are_refused(request, fixture, by_hand, message):
    with pytest.raises(PlanError, match=message):
        planned(request.getfixturevalue(fixture), by_hand=by_hand)


def test_a_single_patient_still_gets_a_plan(make_fingerprint):
    found = make_fingerprint([(5, 8, 8)], [(1.0, 1.0, 1.0)], num_patients=1)

    plan = planned(found)

    assert plan.num_folds == 1
    assert "too good" in plan.reasons["num_folds"]


@pytest.mark.parametrize(
    ("by_hand", "message"),
    [
        ({"dims": 3}, "images have 2 axes"),
        ({"dims": 4}, "dims must be 2"),
        ({"spacing_mm": (2.0, 2.0)}, "no millimetres"),
        ({"spacing_mm": (0.0, 1.0)}, "2 positive numbers"),
        ({"patch": (64, 64, 64)}, "patch must be 2 positive numbers"),
        ({"batch_size": 0}, "batch_size must be 1 or more"),
        ({"num_folds": 7}, "at most the number of patients, 6"),
        ({"colour": 1}, "no rule for"),
    ],
)
def test_what_cannot_work_by_hand_is_refused(tiles, by_hand, message):
    with pytest.raises(PlanError, match=message):
        planned(tiles, by_hand=by_hand)
