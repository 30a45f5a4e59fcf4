"""Closed contours: filled by the even-odd rule, or united one by one, they are the mask again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from delineate.core.encodings import polygons_to_mask
from delineate.core.rasters import rasterise
from delineate.writers.contours import closed_outlines

RING = np.pad(np.pad(np.zeros((3, 3), bool), 2, constant_values=True), 1)


def united(outlines, shape):
    """Fill each contour by itself and join them, as readers do that do not toggle."""
    filled = [polygons_to_mask([outline], shape) for outline in outlines]
    return np.any(filled, axis=0) if filled else np.zeros(shape, bool)


@given(arrays.arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14))))
def test_any_mask_comes_back_by_toggling_and_by_uniting(mask):
    outlines = closed_outlines(mask)

    assert np.array_equal(polygons_to_mask(outlines, mask.shape), mask)
    assert np.array_equal(united(outlines, mask.shape), mask)


def test_a_hole_makes_no_contour_of_its_own():
    outlines = closed_outlines(RING)

    assert len(outlines) == 1
    assert np.array_equal(rasterise(outlines, RING.shape, centre="skimage") == 1, RING)


def test_a_channel_has_no_width():
    (outline,) = closed_outlines(RING)

    x, y = outline.T
    area = abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    assert area == RING.sum()


def test_an_island_in_a_hole_is_a_contour_of_its_own():
    mask = RING.copy()
    mask[4, 4] = True

    outlines = closed_outlines(mask)

    assert len(outlines) == 2
    assert np.array_equal(united(outlines, mask.shape), mask)


def test_hundreds_of_holes_in_a_row_are_joined():
    mask = np.ones((3, 2401), bool)
    mask[1, 1::2] = False

    outlines = closed_outlines(mask)

    assert len(outlines) == 1
    assert np.array_equal(polygons_to_mask(outlines, mask.shape), mask)


@pytest.mark.parametrize("shape", [(1, 1), (5, 7)])
def test_nothing_has_no_contour(shape):
    assert closed_outlines(np.zeros(shape, bool)) == []
