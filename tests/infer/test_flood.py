import numpy as np
from scipy import ndimage

from delineate.infer.flood import LEVELS, flood


def test_water_meets_on_the_ridge():
    height = np.abs(np.sin(np.linspace(0, 2 * np.pi, 41)))[None].repeat(3, 0).astype(np.float32)
    markers = np.zeros((3, 41), np.int32)
    markers[1, [0, 20, 40]] = [1, 2, 3]

    ids = flood(height, markers, np.ones((3, 41), bool))

    assert ids[1].tolist() == sorted(ids[1].tolist())
    assert abs(int((ids[1] == 1).sum()) - 10) <= 1
    assert abs(int((ids[1] == 3).sum()) - 10) <= 1


def test_all_that_a_marker_reaches_within_the_mask_is_its():
    rng = np.random.default_rng(0)
    inside = rng.random((60, 70)) < 0.65
    parts, count = ndimage.label(inside)
    markers = np.zeros((60, 70), np.int32)
    for number in range(1, count, 2):
        markers[tuple(np.argwhere(parts == number)[0])] = number

    ids = flood(rng.random((60, 70), dtype=np.float32), markers, inside)

    np.testing.assert_array_equal(ids, np.where(np.isin(parts, markers[markers > 0]), parts, 0))


def test_a_pixel_goes_over_the_lowest_pass():
    height = np.array([[0, 0.2, 0.9, 0.2, 0.1, 0.3, 0.4, 0.2, 0]], np.float32)
    markers = np.array([[1, 0, 0, 0, 0, 0, 0, 0, 2]], np.int32)

    ids = flood(height, markers, np.ones((1, 9), bool))

    assert ids[0, :2].tolist() == [1, 1]
    assert ids[0, 3:].tolist() == [2] * 6


def test_heights_of_one_use_the_last_level():
    height = np.ones((4, 4), np.float32)
    markers = np.zeros((4, 4), np.int32)
    markers[0, 0] = 5

    ids = flood(height, markers, np.ones((4, 4), bool))

    assert (ids == 5).all()
    assert LEVELS <= 256


def test_without_markers_all_stays_dry():
    ids = flood(np.zeros((4, 4), np.float32), np.zeros((4, 4), np.int32), np.ones((4, 4), bool))

    assert not ids.any()
