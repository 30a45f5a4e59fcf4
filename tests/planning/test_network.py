"""Patch and network follow from what the images measure and the machine bears."""

from math import prod

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delineate.planning import Machine
from delineate.planning.network import choose_network, choose_patch, patch_limit, shrunk
from delineate.planning.stages import divide

MINUTE = 60.0


def test_a_small_image_is_seen_whole(hippocampus, draft):
    plan = choose_patch(hippocampus, draft(hippocampus), Machine(budget_s=5 * MINUTE))

    assert plan.patch == (40, 56, 40)
    assert "36 x 50 x 35" in plan.reasons["patch"]


def test_a_large_image_is_seen_through_a_box_with_equal_sides_in_mm(bowel_mr, draft):
    plan = choose_patch(bowel_mr, draft(bowel_mr), Machine())

    sides = [side * step for side, step in zip(plan.patch, (3.0, 1.5, 1.5), strict=True)]
    assert max(sides) <= 1.35 * min(sides)
    assert prod(plan.patch) <= patch_limit(3, Machine())
    assert prod(plan.patch) >= 0.6 * patch_limit(3, Machine())


@pytest.mark.parametrize("minutes", [1, 5, 15, 30, 120])
def test_a_longer_budget_never_sees_less(bowel_mr, draft, minutes):
    machines = [Machine(budget_s=factor * minutes * MINUTE) for factor in (1, 2)]

    short, long = (choose_patch(bowel_mr, draft(bowel_mr), machine).patch for machine in machines)

    assert prod(long) >= 0.9 * prod(short)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    size=st.tuples(*[st.integers(2, 700)] * 3),
    spacing=st.tuples(*[st.floats(0.3, 8.0)] * 3),
    minutes=st.sampled_from([0.5, 5, 30, 600]),
    gib=st.sampled_from([1, 8, 80]),
    device=st.sampled_from(["cpu", "cuda"]),
)
def test_the_patch_divides_by_the_strides_and_keeps_to_its_limit(
    make_fingerprint, draft, size, spacing, minutes, gib, device
):
    found = make_fingerprint([size], [spacing])
    machine = Machine(budget_s=minutes * MINUTE, memory_bytes=gib * 2**30, device=device)

    plan = choose_network(found, choose_patch(found, draft(found), machine), machine)

    total = divide(plan.patch, spacing).total
    assert all(side % stride == 0 for side, stride in zip(plan.patch, total, strict=True))
    assert prod(plan.patch) <= max(1.25 * patch_limit(3, machine), 16**3)
    assert len(plan.model_options["features"]) == len(plan.model_options["strides"]) >= 2


def test_the_network_for_the_hippocampus_is_the_one_that_was_measured(hippocampus, draft):
    plan = draft(hippocampus, patch=(40, 56, 40))

    plan = choose_network(hippocampus, plan, Machine(budget_s=30 * MINUTE))

    assert plan.model_options == {
        "features": [16, 32, 64, 128],
        "strides": [[1, 1, 1], [2, 2, 2], [2, 2, 2], [2, 2, 2]],
        "residual": False,
        "norm": "batch",
        "deep_supervision": True,
    }
    assert "down to 5 x 7 x 5 voxels; 16 features" in plan.reasons["model_options"]


def test_thick_slices_get_flat_kernels_first(thick_ct, draft):
    plan = draft(thick_ct, patch=(24, 128, 128))

    options = choose_network(thick_ct, plan, Machine()).model_options

    assert options["kernels"][0] == [1, 3, 3]
    assert options["kernels"][-1] == [3, 3, 3]
    assert options["strides"][1] == [1, 2, 2]


def test_a_graphics_card_gets_residual_blocks_and_more_features(bowel_mr, draft):
    plan = draft(bowel_mr, patch=(128, 160, 160))

    options = choose_network(bowel_mr, plan, Machine(device="cuda")).model_options

    assert options["residual"]
    assert max(options["features"]) == 320


@pytest.mark.parametrize(
    ("fixture", "minutes", "width"),
    [
        ("hippocampus", 1, 16),
        ("hippocampus", 119, 16),
        ("hippocampus", 120, 32),
        ("tiles", 2.9, 16),
        ("tiles", 3, 32),
    ],
)
def test_a_cpu_gets_half_the_width_below_two_hours_for_volumes_and_three_minutes_for_images(
    request, draft, fixture, minutes, width
):
    found = request.getfixturevalue(fixture)

    plan = choose_network(found, draft(found), Machine(budget_s=minutes * MINUTE))

    assert plan.model_options["features"][0] == width


@pytest.mark.parametrize(
    "machine",
    [
        Machine(device="cuda", budget_s=60),
        Machine(budget_s=60, num_steps=9),
        Machine(budget_s=None),
    ],
)
def test_a_graphics_card_and_a_number_of_steps_get_the_whole_width(hippocampus, draft, machine):
    plan = choose_network(hippocampus, draft(hippocampus), machine)

    assert plan.model_options["features"][0] == 32


def test_other_models_keep_their_own_defaults(hippocampus, draft):
    plan = choose_network(hippocampus, draft(hippocampus, model="mine"), Machine())

    assert plan.model_options == {}
    assert "own defaults" in plan.reasons["model_options"]


def test_a_patch_shrinks_along_the_axis_that_covers_most(bowel_mr, draft):
    plan = draft(bowel_mr, patch=(96, 96, 96))

    assert shrunk(bowel_mr, plan, 0.99) == (80, 96, 96)  # a notch is the total stride, 16
    assert prod(shrunk(bowel_mr, plan, 0.5)) <= 0.5 * 96**3
    assert shrunk(bowel_mr, draft(bowel_mr, patch=(16, 16, 16)), 0.5) is None


def test_tiles_of_a_thousand_pixels_are_seen_in_squares(tiles, draft):
    plan = choose_network(tiles, choose_patch(tiles, draft(tiles), Machine()), Machine())

    assert plan.patch[0] == plan.patch[1] >= 256
    assert "px" in plan.reasons["patch"]
    assert plan.model_options["strides"][1] == [2, 2]
