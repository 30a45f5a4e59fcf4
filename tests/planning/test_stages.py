"""A grid is halved so that voxels become cubes and nothing is left over."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delineate.planning.stages import divide, round_down, round_up

sizes = st.lists(st.integers(1, 400), min_size=2, max_size=3)
spacings = st.lists(st.floats(0.1, 10), min_size=3, max_size=3)


@settings(max_examples=300, deadline=None)
@given(size=sizes, spacing=spacings)
def test_a_rounded_up_size_divides_evenly_and_covers_what_it_should(size, spacing):
    patch = round_up(size, spacing[: len(size)])

    total = divide(patch, spacing[: len(size)]).total

    assert all(side >= length for side, length in zip(patch, size, strict=True))
    assert all(side % stride == 0 for side, stride in zip(patch, total, strict=True))


@settings(max_examples=300, deadline=None)
@given(size=st.lists(st.floats(16, 400), min_size=2, max_size=3), spacing=spacings)
def test_a_rounded_down_size_divides_evenly_and_fits(size, spacing):
    patch = round_down(size, spacing[: len(size)])

    total = divide(patch, spacing[: len(size)]).total

    assert all(1 <= side <= length + 1e-5 for side, length in zip(patch, size, strict=True))
    assert all(side % stride == 0 for side, stride in zip(patch, total, strict=True))


def test_cubes_are_halved_along_every_axis_while_eight_voxels_remain():
    stages = divide((40, 56, 40), (1.0, 1.0, 1.0))

    assert stages.strides == ((1, 1, 1), (2, 2, 2), (2, 2, 2))
    assert stages.is_cubic


def test_thick_slices_are_halved_and_mixed_once_pixels_have_caught_up():
    stages = divide((24, 128, 128), (5.0, 0.75, 0.75))

    assert stages.strides[:4] == ((1, 1, 1), (1, 2, 2), (1, 2, 2), (2, 2, 2))
    assert stages.kernels[:3] == ((1, 3, 3), (1, 3, 3), (3, 3, 3))


@pytest.mark.parametrize("size", [(5, 5, 5), (3, 7), (1, 1, 15)])
def test_there_are_two_stages_however_small_the_patch(size):
    stages = divide(size, (1.0,) * len(size))

    assert len(stages.strides) == 2
    assert max(stages.total) == 2


def test_a_small_image_is_padded_to_a_multiple_of_eight():
    assert round_up((35, 50, 35), (1.0, 1.0, 1.0)) == (40, 56, 40)
