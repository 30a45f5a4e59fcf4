"""Nuclei from a picture of one colour each, whose colours were added where they overlap."""

import numpy as np
import pytest

from delineate.core.rasters import rasterise
from delineate.datasets.colourmask import half_a_pixel, ids_of_colours

SHAPE = (60, 80)


def painted(*boxes):
    """Add colours of boxes (y, x, height, width), as the source of such pictures did."""
    rng = np.random.default_rng(0)
    canvas = np.zeros((*SHAPE, 3))
    for y, x, height, width in boxes:
        canvas[y : y + height, x : x + width] += rng.uniform(20, 255, 3)
    return (canvas % 256).astype(np.uint8)


def areas(ids):
    return np.bincount(ids.ravel())[1:].tolist()


def test_colours_without_overlap_are_nuclei():
    ids, lost = ids_of_colours(painted((5, 5, 10, 10), (5, 15, 10, 10), (40, 40, 8, 8)))

    assert sorted(areas(ids)) == [64, 100, 100]
    assert lost == 0
    assert ids.dtype == np.int32


def test_an_overlap_goes_to_one_of_the_two():
    ids, _ = ids_of_colours(painted((5, 5, 20, 20), (10, 20, 20, 20)))

    assert len(areas(ids)) == 2
    assert sum(areas(ids)) == 2 * 400 - 75
    assert max(areas(ids)) == 400


def test_a_nucleus_inside_another_is_kept():
    ids, _ = ids_of_colours(painted((5, 5, 30, 30), (15, 15, 8, 8)))

    assert sorted(areas(ids)) == [64, 900 - 64]


def test_a_nucleus_that_another_cuts_apart_stays_one():
    ids, _ = ids_of_colours(painted((20, 10, 8, 40), (10, 26, 30, 8)))

    assert len(areas(ids)) == 2
    assert len(set(ids[24, [12, 45]])) == 1


def test_one_colour_far_apart_is_two_nuclei():
    picture = np.zeros((*SHAPE, 3), np.uint8)
    picture[5:15, 5:15] = picture[45:55, 60:70] = (10, 200, 30)

    ids, _ = ids_of_colours(picture)

    assert areas(ids) == [100, 100]


def test_slivers_join_a_neighbour_and_lone_ones_are_counted():
    picture = painted((5, 5, 10, 10))
    picture[15:17, 6:9] = (1, 2, 3)
    picture[50:52, 50:52] = (9, 9, 9)

    ids, lost = ids_of_colours(picture)

    assert areas(ids) == [106]
    assert lost == 1


def test_pictures_all_black_or_all_one_colour_are_no_trouble():
    empty, full = np.zeros((9, 9, 3), np.uint8), np.full((9, 9, 3), 7, np.uint8)

    assert not ids_of_colours(empty)[0].any()
    assert areas(ids_of_colours(full)[0]) == [81]


def test_crowded_nuclei_are_found_again_as_they_were_drawn():
    rng = np.random.default_rng(1)
    angle = np.linspace(0, 2 * np.pi, 50, endpoint=False)
    round_ones = [
        rng.uniform(0, 300, 2) + rng.uniform(5, 11, 2) * np.stack([np.cos(angle), np.sin(angle)], 1)
        for _ in range(100)
    ]
    canvas = np.zeros((300, 300, 3))
    for outline in round_ones:
        canvas[rasterise([outline], (300, 300)) > 0] += rng.uniform(0, 255, 3)
    truth = rasterise(round_ones, (300, 300)).astype(np.int64)

    ids, _ = ids_of_colours((canvas % 256).astype(np.uint8))

    keys, both = np.unique(truth * 1000 + ids, return_counts=True)
    sizes = np.bincount(truth.ravel())[keys // 1000] + np.bincount(ids.ravel())[keys % 1000] - both
    is_pair = (keys >= 1000) & (keys % 1000 > 0) & (2 * both > sizes)
    assert is_pair.sum() > 0.95 * np.unique(truth[truth > 0]).size
    assert np.array_equal(ids > 0, truth > 0)


def test_ids_move_half_a_pixel_as_their_polygons_would():
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    rings = [
        np.stack([x + 7.3 * np.cos(angles), y + 5.6 * np.sin(angles + 0.4)], axis=1)
        for x, y in ((12.2, 14.7), (24.1, 15.4), (40.6, 30.2), (52.8, 31.9), (62.4, 44.5))
    ]
    stored = rasterise(rings, SHAPE, centre="skimage")
    truth = rasterise(rings, SHAPE, centre="half")

    moved = half_a_pixel(stored)

    def overlap(ids):
        pairs = [(ids == one, truth == one) for one in range(1, 6)]
        return np.mean([(one & other).sum() / (one | other).sum() for one, other in pairs])

    # Seven pixels of radius: the best that a map of whole pixels lets one do.
    assert overlap(moved) > 0.92
    assert overlap(moved) > overlap(stored) + 0.04
    assert np.count_nonzero(moved) == pytest.approx(np.count_nonzero(truth), rel=0.04)
