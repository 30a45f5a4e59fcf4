"""Windows of an enlarged picture, and objects back on its own pixels."""

import numpy as np
import pytest
import torch

from delineate.infer.mosaic import Owned, paint
from delineate.infer.scaling import Scaled, paint_scaled
from delineate.transforms.spatial import resample, resample_labels

SHAPES = [(40, 60), (61, 45), (80, 120), (30, 41), (20, 20), (13, 200), (40, 61)]


def picture(shape=(40, 60)):
    return np.random.default_rng(0).integers(0, 256, (3, *shape)).astype(np.uint8)


def squares(shape, *, side=9, step=7):
    """Squares that overlap, as objects."""
    corners = [
        (top, left)
        for top in range(0, shape[0] - side, step)
        for left in range(0, shape[1] - side, step)
    ]
    boxes = np.array([(top, left, top + side, left + side) for top, left in corners])
    boxes = boxes.reshape(-1, 4)
    count = len(corners)
    crop = np.ones((side, side), bool)
    crop[0, 0] = False
    return Owned(
        centres=boxes[:, :2] + side // 2,
        boxes=boxes,
        crops=(crop,) * count,
        types=np.ones(count, np.int16),
        confidence=np.ones(count, np.float32),
        type_probability=np.ones(count, np.float32),
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_the_whole_window_is_what_resample_gives(shape):
    array = picture()

    seen = Scaled.of(array, shape).window(slice(0, shape[0]), slice(0, shape[1]))

    whole = resample(torch.from_numpy(array.astype(np.float32))[None], shape)[0].numpy()
    assert seen.dtype == np.uint8
    assert np.abs(seen - whole).max() <= 0.501


@pytest.mark.parametrize("shape", SHAPES)
def test_windows_are_parts_of_the_whole(shape):
    scaled = Scaled.of(picture(), shape)
    whole = scaled.window(slice(0, shape[0]), slice(0, shape[1]))

    for rows, columns in [
        (slice(3, 11), slice(5, 17)),
        (slice(0, 1), slice(0, 1)),
        (slice(shape[0] - 4, shape[0]), slice(shape[1] - 7, shape[1])),
    ]:
        assert np.array_equal(scaled.window(rows, columns), whole[:, rows, columns])


def test_an_equal_grid_shows_the_pixels_themselves():
    array = picture()

    seen = Scaled.of(array, (40, 60)).window(slice(2, 9), slice(0, 60))

    assert np.shares_memory(seen, array)


@pytest.mark.parametrize("native", SHAPES)
def test_objects_are_painted_as_the_nearest_id_of_a_painted_map(native):
    shape = (48, 52)
    owned = squares(shape)
    whole = np.zeros(shape, np.int32)
    paint(owned, whole)

    ids = np.zeros(native, np.int32)
    areas = paint_scaled(owned, ids, shape)

    assert np.array_equal(ids, resample_labels(whole, native))
    assert np.array_equal(areas, np.bincount(ids.ravel(), minlength=owned.count + 1)[1:])


def test_nothing_is_painted_where_there_is_nothing():
    ids = np.zeros((5, 6), np.int32)
    nothing = squares((3, 3))

    assert paint_scaled(nothing, ids, (10, 12)).size == 0
    assert not ids.any()
