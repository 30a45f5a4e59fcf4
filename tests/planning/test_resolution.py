"""Axes, orientation and spacing follow from how the slices lie."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delineate.planning import Machine
from delineate.planning.resolution import choose_dims, choose_orientation, choose_spacing


def reference_spacing(spacings, sizes):
    """nnU-Net's target spacing in our own words.

    Medians per axis. The coarsest axis is replaced by its tenth percentile if its median is
    more than three times the next and three times its median size is below the others; the
    result never gets finer than the other axes.
    """
    target = np.median(spacings, axis=0)
    typical = np.median(sizes, axis=0)
    worst = int(np.argmax(target))
    rest = [axis for axis in range(target.size) if axis != worst]
    if target[worst] > 3 * target[rest].max() and typical[worst] * 3 < typical[rest].min():
        target[worst] = max(np.percentile(np.asarray(spacings)[:, worst], 10), target[rest].max())
    return target


row = st.tuples(*[st.floats(0.2, 10.0)] * 3)
size = st.tuples(*[st.integers(2, 600)] * 3)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.tuples(size, row), min_size=1, max_size=12))
def test_spacing_is_positive_and_agrees_with_the_published_rule(make_fingerprint, draft, rows):
    sizes, spacings = [entry[0] for entry in rows], [entry[1] for entry in rows]
    found = make_fingerprint(sizes, spacings)

    spacing = choose_spacing(found, draft(found), Machine()).spacing_mm

    assert min(spacing) > 0
    assert spacing == pytest.approx(reference_spacing(spacings, sizes), rel=1e-4)


def test_thick_slices_of_varied_thickness_take_the_tenth_percentile(make_fingerprint, draft):
    steps = [1.0, 2.5, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 7.5]
    found = make_fingerprint([(60, 512, 512)] * 11, [(step, 0.75, 0.75) for step in steps])

    plan = choose_spacing(found, draft(found), Machine())

    assert plan.spacing_mm == (2.5, 0.75, 0.75)
    assert "10th percentile" in plan.reasons["spacing_mm"]
    assert "5 mm" in plan.reasons["spacing_mm"]


def test_equal_spacings_are_kept_and_said_to_be_equal(bowel_mr, draft):
    plan = choose_spacing(bowel_mr, draft(bowel_mr), Machine())

    assert plan.spacing_mm == (3.0, 1.5, 1.5)
    assert "Every one of 20 cases" in plan.reasons["spacing_mm"]


def test_pixels_without_millimetres_stay_pixels(tiles, draft):
    plan = choose_spacing(tiles, draft(tiles), Machine())

    assert plan.spacing_mm == (1.0, 1.0)
    assert "pixels" in plan.reasons["spacing_mm"]


@pytest.mark.parametrize(
    ("size", "spacing", "dims"),
    [
        ((36, 50, 35), (1.0, 1.0, 1.0), 3),
        ((60, 512, 512), (5.0, 0.75, 0.75), 3),
        ((144, 266, 266), (3.0, 1.5, 1.5), 3),
        ((10, 256, 216), (10.0, 1.5, 1.5), 2),  # short-axis heart: few thick slices
        ((1, 256, 256), (1.0, 1.0, 1.0), 2),
        ((24, 512, 512), (8.0, 0.4, 0.4), 2),  # twenty times as thick as wide
        ((256, 256, 12), (0.8, 0.8, 4.0), 3),  # sagittal spine: not the slicing axis
    ],
)
def test_volumes_are_worked_in_3d_unless_slices_are_few_or_thick(
    make_fingerprint, draft, size, spacing, dims
):
    found = make_fingerprint([size], [spacing])

    plan = choose_dims(found, draft(found), Machine())

    assert plan.dims == dims
    assert f"{size[0]} slices" in plan.reasons["dims"]


def test_images_of_two_axes_are_worked_in_2d(tiles, draft):
    assert choose_dims(tiles, draft(tiles), Machine()).dims == 2


def test_only_volumes_that_know_their_place_are_turned(make_fingerprint, hippocampus, tiles, draft):
    stack = make_fingerprint([(20, 64, 64)], [(1.0, 1.0, 1.0)], is_physical=False)

    turned = [
        choose_orientation(found, draft(found), Machine()).canonical
        for found in (hippocampus, tiles, stack)
    ]

    assert turned == [True, False, False]
