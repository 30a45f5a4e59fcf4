"""A grid is halved so that voxels become cubes and nothing is left over."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delineate.planning.stages import divide, round_down, round_up

sizes = st.lists(st.integers(1, 400), min_size=2, max_size=3)
spacings = st.lists(st.floats(0.1, 10), min_size=3, max_size=3)


@settings(max_examples=60, deadline=None)
@given(size=sizes, spacing=spacings)
def test_a_rounded_up_size_divides_evenly_and_covers_what_it_should(size, spacing):
    patch = round_up(size, spacing[: len(size)])

    total = divide(patch, spacing[: len(size)]).total

    halved = [(side, stride) for side, stride in zip(patch, total, strict=True) if stride > 1]
    assert halved
    assert all(side >= length for side, length in zip(patch, size, strict=True))
    assert all(side % stride == 0 and side % 8 == 0 for side, stride in halved)
    assert all(side // stride >= 4 for side, stride in halved)


@settings(max_examples=60, deadline=None)
@given(size=st.lists(st.floats(8, 400), min_size=2, max_size=3), spacing=spacings)
def test_a_rounded_down_size_divides_evenly_and_fits(size, spacing):
    patch = round_down(size, spacing[: len(size)])

    total = divide(patch, spacing[: len(size)]).total

    halved = [(side, stride) for side, stride in zip(patch, total, strict=True) if stride > 1]
    assert all(1 <= side <= length + 1e-5 for side, length in zip(patch, size, strict=True))
    assert all(side % stride == 0 and side % 8 == 0 for side, stride in halved)
    assert all(side // stride >= 4 for side, stride in halved)


def test_cubes_are_halved_along_every_axis_while_four_voxels_remain():
    stages = divide((40, 56, 40), (1.0, 1.0, 1.0))

    assert stages.strides == ((1, 1, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2))
    assert stages.is_cubic


@pytest.mark.parametrize(("side", "total"), [(8, 2), (12, 2), (16, 4), (64, 16), (256, 32)])
def test_the_deepest_stage_keeps_four_voxels_or_more_and_there_are_six_stages_at_most(side, total):
    assert divide((side,) * 3, (1.0,) * 3).total == (total,) * 3


def test_thick_slices_are_halved_and_mixed_once_pixels_have_caught_up():
    stages = divide((24, 128, 128), (5.0, 0.75, 0.75))

    assert stages.strides[:4] == ((1, 1, 1), (1, 2, 2), (1, 2, 2), (2, 2, 2))
    assert stages.kernels[:3] == ((1, 3, 3), (1, 3, 3), (3, 3, 3))


@pytest.mark.parametrize("size", [(5, 5, 5), (3, 7), (1, 1, 15)])
def test_there_are_two_stages_however_small_the_patch(size):
    stages = divide(size, (1.0,) * len(size))

    assert len(stages.strides) == 2
    assert max(stages.total) == 2


@pytest.mark.parametrize(
    ("size", "patch"),
    [((36, 50, 35), (40, 56, 40)), ((5, 4, 3), (8, 4, 3)), ((12, 24, 20), (16, 24, 24))],
)
def test_a_small_image_is_padded_to_a_multiple_of_eight(size, patch):
    assert round_up(size, (1.0, 1.0, 1.0)) == patch
