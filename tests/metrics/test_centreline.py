"""Thinning against counts of pieces and holes, and against shapes whose centreline is known."""

import numpy as np
import pytest
from scipy import ndimage

from delineate.core.errors import ShapeError
from delineate.metrics.centreline import centreline_dice, skeleton


def pieces(mask):
    """Number of pieces inside (joined by corners) and outside (joined by faces)."""
    corners = np.ones((3,) * mask.ndim)
    return ndimage.label(mask, corners)[1], ndimage.label(~np.pad(mask, 1))[1]


def euler_of(mask):
    """Vertices minus edges plus faces minus cubes of the union of closed voxels."""
    padded, total = np.pad(mask, 1), 0
    for span in np.ndindex((2,) * mask.ndim):  # 1: the cell has this extent along the axis
        cells = padded
        for axis, extent in enumerate(span):
            if not extent:
                ends = np.moveaxis(cells, axis, 0)
                cells = np.moveaxis(ends[1:] | ends[:-1], 0, axis)
        total += (-1) ** sum(span) * int(cells.sum())
    return total


def blob(seed, shape, sigma):
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    return smooth > np.quantile(smooth, 0.6)


@pytest.mark.parametrize("shape", [(40, 50), (16, 18, 20)])
@pytest.mark.parametrize("seed", range(4))
def test_pieces_holes_and_tunnels_stay(shape, seed):
    mask = blob(seed, shape, 0.8 + 0.4 * seed)

    thin = skeleton(mask)

    assert not (thin & ~mask).any()
    assert thin.sum() < mask.sum()
    assert pieces(thin) == pieces(mask)
    assert euler_of(thin) == euler_of(mask)


@pytest.mark.parametrize("shape", [(40, 50), (16, 18, 20)])
def test_thinning_twice_changes_nothing(shape):
    thin = skeleton(blob(7, shape, 1.5))

    assert (skeleton(thin) == thin).all()


def test_a_bar_becomes_its_middle_line():
    bar = np.zeros((9, 9, 40), bool)
    bar[2:7, 2:7, 5:35] = True

    places = np.argwhere(skeleton(bar))

    assert (places[:, :2] == 4).all()
    assert 20 <= len(places) <= 30
    assert (np.diff(places[:, 2]) == 1).all()


def test_a_ball_becomes_almost_a_point_and_a_ring_stays_a_ring():
    y, x = np.indices((41, 41)) - 20
    radius = np.hypot(y, x)

    ball, ring = skeleton(radius < 15), skeleton((radius < 15) & (radius > 9))

    assert ball.sum() <= 3
    assert pieces(ring) == (1, 2)
    assert np.abs(radius[ring] - 12).max() <= 1.5


def test_equal_tubes_score_one_whatever_their_width():
    y = np.indices((41, 60))[0]
    thick, thin = np.abs(y - 20) < 7, np.abs(y - 20) < 3

    assert centreline_dice(thin, thick) == 1
    assert centreline_dice(thick, thick) == 1


def test_a_gap_costs_its_length():
    line = np.zeros((5, 100), bool)
    line[2] = True
    cut = line.copy()
    cut[:, 40:60] = False

    assert centreline_dice(cut, line) == pytest.approx(2 * 0.8 / 1.8)


def test_empty_and_disjoint_masks():
    one, other = np.zeros((8, 8), bool), np.zeros((8, 8), bool)
    assert np.isnan(centreline_dice(one, other))
    one[1, 1:4] = True
    assert centreline_dice(one, other) == centreline_dice(other, one) == 0
    other[6, 1:4] = True
    assert centreline_dice(one, other) == 0


def test_other_numbers_of_axes_are_refused():
    with pytest.raises(ShapeError, match="2 or 3 axes"):
        skeleton(np.ones(4, bool))
