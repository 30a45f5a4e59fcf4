"""Every row of METRICS against brute force: other erosion, other distances, other sums."""

import numpy as np
import pytest
from scipy import ndimage

from delineate.metrics import METRICS

SPACINGS = [(1.0, 1.0, 1.0), (3.0, 1.5, 1.5), (0.8, 2.5, 1.1)]
TOLERANCE = 1.6


def blob(seed, shape=(14, 18, 16)):
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2.0)
    return smooth > np.quantile(smooth, 0.8)


def border(mask):
    return mask ^ ndimage.binary_erosion(mask)


def directed(start, goal, spacing):
    return ndimage.distance_transform_edt(~border(goal), sampling=spacing)[border(start)]


def reference(name, said, true, spacing):
    if name == "dice":
        return 2 * (said & true).sum() / (said.sum() + true.sum())
    if name == "iou":
        return (said & true).sum() / (said | true).sum()
    there, back = directed(said, true, spacing), directed(true, said, spacing)
    if name == "hd95":
        return max(np.percentile(there, 95), np.percentile(back, 95))
    return ((there <= TOLERANCE).sum() + (back <= TOLERANCE).sum()) / (there.size + back.size)


@pytest.fixture(params=METRICS)
def name(request):
    return request.param


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_brute_force(name, spacing, seed):
    said, true = blob(seed), blob(seed) ^ (blob(seed + 100) & blob(seed + 200))

    found = METRICS[name](said, true, spacing, tolerance_mm=TOLERANCE)

    assert found == pytest.approx(reference(name, said, true, spacing), abs=1e-9)


def test_pictures_agree_with_brute_force(name):
    said, true = blob(1)[7], blob(2)[7]

    found = METRICS[name](said, true, (1.5, 0.5), tolerance_mm=TOLERANCE)

    assert found == pytest.approx(reference(name, said, true, (1.5, 0.5)), abs=1e-9)


def test_order_of_the_masks_does_not_matter(name):
    said, true = blob(3), blob(4)

    both = [METRICS[name](*pair, SPACINGS[1]) for pair in ((said, true), (true, said))]

    assert both[0] == pytest.approx(both[1])


def test_a_perfect_answer_has_the_best_value(name):
    best = 1.0 if METRICS[name].better == "higher" else 0.0

    assert METRICS[name](blob(5), blob(5), SPACINGS[1]) == best


def test_shares_stay_in_range_and_distances_below_the_diagonal(name):
    limit = 1.0 if METRICS[name].unit == "" else np.linalg.norm(np.multiply((14, 18, 16), 3.0))
    values = [METRICS[name](blob(seed), blob(seed + 50), (3.0, 3.0, 3.0)) for seed in range(5)]

    assert all(0 <= value <= limit for value in values)


def test_both_empty_is_not_applicable_and_one_empty_is_the_worst(name):
    full, empty = blob(6), np.zeros((14, 18, 16), bool)
    diagonal = np.linalg.norm(np.multiply(empty.shape, SPACINGS[1]))
    worst = 0.0 if METRICS[name].unit == "" else diagonal

    assert np.isnan(METRICS[name](empty, empty, SPACINGS[1]))
    assert METRICS[name](empty, full, SPACINGS[1]) == pytest.approx(worst)
    assert METRICS[name](full, empty, SPACINGS[1]) == pytest.approx(worst)


def test_a_worse_answer_has_a_worse_value(name):
    truth = np.zeros((14, 18, 16), bool)
    truth[4:9, 5:11, 5:11] = True
    near, far = np.roll(truth, 1, axis=2), np.roll(truth, 5, axis=2)

    values = [METRICS[name](said, truth, SPACINGS[0], tolerance_mm=0.5) for said in (near, far)]

    assert (values[0] > values[1]) == (METRICS[name].better == "higher")


def test_a_single_voxel_and_a_full_mask_have_values(name):
    one, full = np.ones((1, 1, 1), bool), np.ones((3, 4, 5), bool)

    assert np.isfinite(METRICS[name](one, one, SPACINGS[0]))
    assert np.isfinite(METRICS[name](full, full, SPACINGS[0]))


def test_every_row_says_how_it_is_computed(name):
    assert METRICS[name].title
    assert METRICS[name].convention.endswith(".")
