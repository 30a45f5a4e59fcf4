"""Outlines of many objects at once, and their geometry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.core.encodings import mask_to_polygons
from delineate.core.rasters import rasterise
from delineate.writers import outlines
from delineate.writers.outlines import geometry_of, outline_objects


def blobs(seed, shape=(40, 50), count=30):
    rng = np.random.default_rng(seed)
    ids = np.zeros(shape, np.int32)
    for number in range(1, count + 1):
        y, x = rng.integers(0, shape[0] - 6), rng.integers(0, shape[1] - 6)
        ids[y : y + 6, x : x + 6][rng.random((6, 6)) < 0.7] = number
    return ids


@given(seed=st.integers(0, 10**6))
def test_many_at_once_are_as_one_by_one(seed):
    ids = blobs(seed)

    found = dict(outline_objects(ids))

    assert list(found) == np.unique(ids[ids > 0]).tolist()
    for number, rings in found.items():
        alone = mask_to_polygons(ids == number)
        assert _as_set(rings) == _as_set(alone)


def _as_set(rings):
    """Begin every ring at the same corner, since where it begins says nothing."""
    turned = [np.roll(ring, -int(np.lexsort(ring.T)[0]), axis=0).tolist() for ring in rings]
    return {tuple(map(tuple, ring)) for ring in turned}


def test_small_strips_give_the_same(monkeypatch):
    ids = blobs(3)
    whole = [(number, len(rings)) for number, rings in outline_objects(ids)]
    monkeypatch.setattr(outlines, "MOST_PIXELS", 40)

    assert [(number, len(rings)) for number, rings in outline_objects(ids)] == whole


def test_nothing_has_no_outline():
    assert list(outline_objects(np.zeros((5, 6), np.int32))) == []


@pytest.mark.parametrize("seed", range(5))
def test_geometry_painted_again_is_the_mask(seed):
    mask = blobs(seed, count=12) > 0

    shape = geometry_of(mask_to_polygons(mask))

    parts = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
    again = np.zeros(mask.shape, bool)
    for part in parts:
        for ring in part:
            assert ring[0] == ring[-1]
            again ^= rasterise([ring], mask.shape, centre="half") > 0
    assert (again == mask).all()


def test_a_ring_within_a_hole_is_a_part_of_its_own():
    mask = np.zeros((11, 11), bool)
    mask[1:10, 1:10] = True
    mask[3:8, 3:8] = False
    mask[5, 5] = True

    shape = geometry_of(mask_to_polygons(mask))

    assert shape["type"] == "MultiPolygon"
    assert sorted(len(part) for part in shape["coordinates"]) == [1, 2]
