"""The batch follows from a measured step, and the norm and the rate from the batch."""

from math import prod

import pytest

from delineate.core.errors import BudgetError
from delineate.planning import Machine, StepCost
from delineate.planning.effort import (
    BY_HAND,
    choose_batch,
    choose_learning_rate,
    choose_precision,
)

GIB = 2**30


def costing(seconds_a_patch, gib_a_patch, *, tried=None):
    def measure(plan):
        if tried is not None:
            tried.append((plan.patch, plan.batch_size))
        share = prod(plan.patch) / 40**3 * plan.batch_size
        return StepCost(seconds=seconds_a_patch * share, peak_bytes=int(gib_a_patch * GIB * share))

    return measure


@pytest.mark.parametrize(
    ("minutes", "gib", "batch"),
    [
        (30, 64, 4),  # time and memory for the most that is useful
        (3.2, 64, 4),  # 267 steps are left
        (2.5, 64, 2),  # 4 would leave 208 steps, fewer than 250
        (30, 4, 2),  # 0.6 of 4 GiB hold two patches of 1 GiB
        (1, 64, 2),  # never fewer than two for want of time
    ],
)
def test_the_batch_doubles_while_memory_and_250_steps_remain(
    hippocampus, draft, minutes, gib, batch
):
    machine = Machine(budget_s=60 * minutes, memory_bytes=gib * GIB, measure=costing(0.18, 1.0))

    plan = choose_batch(hippocampus, draft(hippocampus, patch=(40, 40, 40)), machine)

    assert plan.batch_size == batch
    assert "measured step" in plan.reasons["batch_size"]


@pytest.mark.parametrize(("fixture", "batch"), [("hippocampus", 4), ("tiles", 16)])
def test_however_much_there_is_volumes_go_by_four_and_images_by_sixteen(
    request, draft, fixture, batch
):
    found = request.getfixturevalue(fixture)
    machine = Machine(memory_bytes=640 * GIB, measure=costing(0.001, 0.001))

    plan = choose_batch(found, draft(found), machine)

    assert plan.batch_size == batch
    assert f"More than {batch} gain less" in plan.reasons["batch_size"]


def test_without_a_measurement_the_reason_says_so(hippocampus, draft):
    plan = choose_batch(hippocampus, draft(hippocampus), Machine())

    assert "no step was tried" in plan.reasons["batch_size"]


def test_a_patch_that_does_not_fit_in_memory_is_made_smaller(bowel_mr, draft):
    machine = Machine(memory_bytes=GIB, measure=costing(0.1, 1.0))

    plan = choose_batch(bowel_mr, draft(bowel_mr, patch=(64, 128, 128)), machine)

    assert prod(plan.patch) <= 0.6 * 40**3  # 0.6 of 1 GiB hold this much, one patch a step
    assert "does not fit in memory" in plan.reasons["patch"]
    assert len(plan.model_options["features"]) == len(plan.model_options["strides"])


def test_a_patch_that_leaves_too_few_steps_is_made_smaller(bowel_mr, draft):
    tried = []
    machine = Machine(budget_s=600, memory_bytes=64 * GIB, measure=costing(2.0, 0.1, tried=tried))

    plan = choose_batch(bowel_mr, draft(bowel_mr, patch=(64, 128, 128)), machine)

    seconds = machine.measure(plan).seconds
    assert machine.steps_in_budget(seconds) >= 250 or prod(plan.patch) <= 32**3
    assert "too long for the budget" in plan.reasons["patch"]
    assert len(tried) < 15


def test_of_a_slow_step_the_fastest_of_three_tries_counts(hippocampus, draft):
    seconds = iter([9.0, 0.5, 7.0, 9.0, 9.0, 9.0])

    def measure(plan):
        return StepCost(seconds=next(seconds), peak_bytes=GIB)

    plan = choose_batch(
        hippocampus,
        draft(hippocampus, patch=(40, 40, 40)),
        Machine(budget_s=300, memory_bytes=64 * GIB, measure=measure),
    )

    assert plan.batch_size == 2
    assert "takes 0.5 s" in plan.reasons["batch_size"]


def test_a_step_far_slower_than_expected_is_said_to_be(hippocampus, draft):
    machine = Machine(memory_bytes=64 * GIB, measure=costing(3.0, 0.1))

    plan = choose_batch(hippocampus, draft(hippocampus, patch=(40, 40, 40)), machine)

    assert "plan again if the machine was busy" in plan.reasons["batch_size"]


def test_a_patch_set_by_hand_is_never_changed(bowel_mr, draft):
    plan = draft(bowel_mr).deciding(BY_HAND, patch=(64, 128, 128))

    with pytest.raises(BudgetError, match=r"does not fit into 1 GiB.*--patch"):
        choose_batch(bowel_mr, plan, Machine(memory_bytes=GIB, measure=costing(0.1, 1.0)))


def test_a_step_that_runs_out_of_memory_counts_as_too_large(hippocampus, draft):
    def measure(plan):
        if plan.batch_size > 2:
            raise MemoryError
        return StepCost(seconds=0.1, peak_bytes=GIB)

    plan = choose_batch(hippocampus, draft(hippocampus), Machine(measure=measure))

    assert plan.batch_size == 2


def test_one_patch_a_step_is_the_last_resort(hippocampus, draft):
    machine = Machine(memory_bytes=2 * GIB, measure=costing(0.1, 1.0))

    plan = choose_batch(hippocampus, draft(hippocampus, patch=(40, 40, 40)), machine)

    assert plan.batch_size == 1


@pytest.mark.parametrize(("gib", "norm"), [(4, "group"), (64, "batch")])
def test_few_patches_a_step_are_normalised_in_groups(hippocampus, draft, gib, norm):
    machine = Machine(memory_bytes=gib * GIB, measure=costing(0.18, 1.0))

    plan = choose_batch(hippocampus, draft(hippocampus, patch=(40, 40, 40)), machine)

    assert plan.model_options["norm"] == norm


def test_a_number_of_steps_takes_the_largest_batch_and_says_how_long(hippocampus, draft):
    machine = Machine(num_steps=100, memory_bytes=64 * GIB, measure=costing(1.0, 0.1))

    plan = choose_batch(hippocampus, draft(hippocampus, patch=(40, 40, 40)), machine)

    assert plan.batch_size == 4
    assert "100 steps take about 6.67 min" in plan.reasons["batch_size"]


@pytest.mark.parametrize(("batch", "rate"), [(4, 3e-3), (16, 3e-3), (2, 2.12e-3), (1, 1.5e-3)])
def test_the_learning_rate_follows_the_root_of_the_batch(hippocampus, draft, batch, rate):
    plan = choose_learning_rate(hippocampus, draft(hippocampus, batch_size=batch), Machine())

    assert plan.learning_rate == pytest.approx(rate)
    assert ("0.003 suits 4 patches" in plan.reasons["learning_rate"]) is (batch < 4)


def test_bfloat16_is_used_where_the_device_has_it(hippocampus, draft):
    found = [
        choose_precision(hippocampus, draft(hippocampus), Machine(has_bf16=has)).bf16
        for has in (True, False)
    ]

    assert found == [True, False]
