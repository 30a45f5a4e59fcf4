"""Polygons to ids: inside and outside, who wins, and where pixels have their centres."""

import numpy as np
import pytest
from matplotlib.path import Path as Outline

from delineate.core.encodings import mask_to_polygons, polygons_to_mask
from delineate.core.errors import ShapeError, UnknownNameError
from delineate.core.rasters import CENTRES, rasterise, to_pixels

SHAPE = (40, 50)


def blobs(number, seed, *, reach=60.0):
    """Star-shaped outlines of many corners, some of them partly or wholly outside."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(number):
        angle = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 40)))
        radius = rng.uniform(2, 9) * rng.uniform(0.6, 1, angle.size)
        centre = rng.uniform(-10, reach, 2)
        made.append(centre + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1))
    return made


def judged(polygon, centre):
    """Ask matplotlib which pixels' centres lie inside an outline."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + CENTRES[centre]
    closed = Outline(np.vstack([polygon, polygon[:1]]))
    return closed.contains_points(np.stack([x.ravel(), y.ravel()], 1)).reshape(SHAPE)


@pytest.mark.parametrize("centre", CENTRES)
def test_single_outlines_are_filled_as_matplotlib_fills_them(centre):
    for polygon in blobs(60, seed=1):
        filled = rasterise([polygon], SHAPE, centre=centre)

        assert np.array_equal(filled == 1, judged(polygon, centre))


@pytest.mark.parametrize("order", ["first", "last", "area"])
def test_a_contested_pixel_goes_to_whom_the_order_names(order):
    polygons = blobs(80, seed=2, reach=45.0)
    inside = np.stack([judged(polygon, "matlab") for polygon in polygons])
    areas = inside.sum(axis=(1, 2))
    ranks = {"first": -np.arange(80), "last": np.arange(80), "area": -areas}[order]

    ids = rasterise(polygons, SHAPE, order=order)

    wanted = np.where(inside, ranks[:, None, None], ranks.min() - 1).argmax(axis=0) + 1
    assert (inside.sum(axis=0) > 1).mean() > 0.1
    assert np.array_equal(ids, np.where(inside.any(axis=0), wanted, 0))


def test_conventions_differ_by_their_known_shifts():
    disc = 20.3 + 8.1 * np.stack([np.cos(np.arange(60) / 9.6), np.sin(np.arange(60) / 9.6)], 1)

    matlab, half, skimage = (
        rasterise([disc + CENTRES[centre]], SHAPE, centre=centre)
        for centre in ("matlab", "half", "skimage")
    )
    as_matlab, as_skimage = (rasterise([disc], SHAPE, centre=c) for c in ("matlab", "skimage"))

    assert np.array_equal(matlab, skimage)
    assert np.array_equal(matlab, half)
    assert np.array_equal(np.roll(as_matlab, (1, 1), axis=(0, 1)), as_skimage)
    assert not np.array_equal(as_matlab, as_skimage)


def test_a_square_of_a_matlab_file_covers_the_pixels_that_it_names():
    square = [(2, 1), (4, 1), (4, 3), (2, 3)]  # x from 2 to 4, y from 1 to 3, counted from 1

    ids = rasterise([square], (3, 5))

    assert ids.tolist() == [[0, 1, 1, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0]]


def test_neighbours_with_a_common_edge_share_no_pixel_and_leave_no_gap():
    rng = np.random.default_rng(3)
    for _ in range(50):
        zigzag = np.stack([rng.integers(5, 45, 8), np.linspace(-2, 42, 8)], 1)
        left = [(-5, 42), (-5, -2), *zigzag]
        right = [*zigzag[::-1], (60, -2), (60, 42)]

        first, last = (rasterise([left, right], SHAPE, order=order) for order in ("first", "last"))

        assert (first > 0).all()
        assert np.array_equal(first, last)


def test_it_agrees_with_the_other_filling_of_the_house():
    mask = np.random.default_rng(4).random(SHAPE) < 0.5
    for polygon in (*mask_to_polygons(mask), *blobs(20, seed=5)):
        ids = rasterise([polygon], SHAPE, centre="skimage")

        assert np.array_equal(ids == 1, polygons_to_mask([polygon], SHAPE))


def test_an_outline_that_crosses_itself_is_filled_where_it_is_crossed_an_odd_number_of_times():
    bow_tie = [(0, 0), (20, 20), (20, 0), (0, 20)]

    filled = rasterise([bow_tie], (20, 20), centre="half")

    assert filled[10, 2] == filled[10, 17] == 1
    assert filled[2, 10] == filled[17, 10] == 0


def test_what_has_no_inside_paints_nothing_and_keeps_its_number():
    line, point, far = [(1, 1), (9, 9)], [(5, 5)], [(90, 90), (99, 90), (99, 99)]
    square = [(1, 1), (3, 1), (3, 3), (1, 3)]

    ids = rasterise([line, point, far, square], SHAPE)

    assert np.unique(ids).tolist() == [0, 4]
    assert rasterise([], SHAPE).shape == SHAPE
    assert rasterise([], SHAPE).dtype == np.int32


def test_an_object_wholly_under_an_earlier_one_is_absent():
    large, small = [(0, 0), (30, 0), (30, 30), (0, 30)], [(5, 5), (9, 5), (9, 9), (5, 9)]

    assert 2 not in rasterise([large, small], SHAPE)
    assert 2 in rasterise([large, small], SHAPE, order="area")
    assert (rasterise([small, large], SHAPE, order="area") == 1).sum() == 16


def test_outlines_in_our_convention_fill_the_same_pixels():
    polygons = blobs(20, seed=6)
    moved = [to_pixels(polygon, "matlab") for polygon in polygons]

    assert np.array_equal(rasterise(polygons, SHAPE), rasterise(moved, SHAPE, centre="skimage"))


def test_what_is_no_polygon_is_refused():
    with pytest.raises(ShapeError, match="finite corners"):
        rasterise([[(0, 0), (np.nan, 1), (2, 2)]], SHAPE)
    with pytest.raises(ShapeError, match="shape"):
        rasterise([np.zeros((4, 3))], SHAPE)
    with pytest.raises(UnknownNameError, match="matlab"):
        rasterise([], SHAPE, order="first", centre="matlap")
    with pytest.raises(UnknownNameError, match="order of polygons"):
        rasterise([], SHAPE, order="largest")
