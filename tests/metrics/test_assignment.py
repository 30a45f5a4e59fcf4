from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from delineate.core.errors import LabelError
from delineate.metrics.assignment import (
    best_partners,
    dice_of_pairs,
    f1_above,
    jaccard_plus,
    matches_above,
)
from delineate.metrics.instance import pair_up

SIDES = arrays.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6)
MAPS = SIDES.flatmap(
    lambda shape: st.tuples(
        *[arrays.arrays(np.int32, shape, elements=st.integers(0, 4)) for _ in range(2)]
    )
)


def masks(ids):
    return [ids == number for number in np.unique(ids) if number]


def assignments(num_true, num_said):
    """Every way of pairing, with as many pairs as the smaller side has."""
    if num_true <= num_said:
        for chosen in permutations(range(num_said), num_true):
            yield list(enumerate(chosen))
    else:
        for chosen in permutations(range(num_true), num_said):
            yield [(row, column) for column, row in enumerate(chosen)]


def overlaps(true, said):
    common = np.array([[(a & b).sum() for b in said] for a in true]).reshape(len(true), len(said))
    union = np.array([[(a | b).sum() for b in said] for a in true]).reshape(common.shape)
    return common, union


@given(MAPS)
def test_aji_plus_is_that_of_a_pairing_of_the_largest_total_iou(maps):
    true, said = masks(maps[0]), masks(maps[1])

    found = jaccard_plus(pair_up(*maps))

    if not true and not said:
        assert np.isnan(found)
        return
    common, union = overlaps(true, said)
    area = sum(mask.sum() for mask in [*true, *said])
    best, scores = -1.0, set()
    for pairs in assignments(len(true), len(said)):
        total = sum(common[p] / union[p] for p in pairs)
        shared = sum(common[p] for p in pairs)
        if total > best + 1e-9:
            best, scores = total, set()
        if abs(total - best) <= 1e-9:  # of equal ones any may be taken
            scores.add(shared / (area - shared))
    assert any(found == pytest.approx(score) for score in scores)


@given(MAPS)
def test_ensemble_dice_goes_over_all_pairs_that_meet(maps):
    true, said = masks(maps[0]), masks(maps[1])

    found = dice_of_pairs(pair_up(*maps))

    meet = [(a, b) for a in true for b in said if (a & b).any()]
    shared = sum((a & b).sum() for a, b in meet)
    areas = sum(a.sum() + b.sum() for a, b in meet)
    wanted = 2 * shared / areas if meet else np.nan if not true and not said else 0.0
    assert found == pytest.approx(wanted, nan_ok=True)


@given(MAPS, st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.75]))
def test_f1_counts_the_most_pairs_above_a_threshold(maps, threshold):
    true, said = masks(maps[0]), masks(maps[1])

    found = f1_above(pair_up(*maps), threshold)

    if not true and not said:
        assert np.isnan(found)
        return
    common, union = overlaps(true, said)
    most = max(
        sum(common[p] / union[p] > threshold for p in pairs)
        for pairs in assignments(len(true), len(said))
    )
    assert found == pytest.approx(2 * most / (len(true) + len(said)))


def test_ten_thousand_partners_need_no_full_matrix():
    rows = np.arange(10_000)
    pairs = np.concatenate([np.stack([rows, rows], 1), np.stack([rows[:-1], rows[1:]], 1)])
    gains = np.concatenate([np.full(10_000, 1.0), np.full(9_999, 0.9)])

    chosen = best_partners(pairs, gains, (10_000, 10_000))

    assert np.array_equal(chosen, rows)


def test_two_good_pairs_are_worth_more_than_the_best_one():
    pairs = np.array([[0, 0], [0, 1], [1, 0]])

    assert best_partners(pairs, np.array([1.0, 0.9, 0.9]), (2, 2)).tolist() == [1, 2]
    assert best_partners(pairs, np.array([1.0, 0.4, 0.4]), (2, 2)).tolist() == [0]


def test_below_one_half_two_poor_pairs_go_before_a_good_one():
    truth, prediction = np.zeros((2, 1, 30), int)
    truth[0, :20], truth[0, 20:26] = 1, 2
    prediction[0, :5], prediction[0, 5:24] = 1, 2
    pairing = pair_up(truth, prediction)

    assert pairing.iou.tolist() == [5 / 20, 15 / 24, 4 / 21]
    assert f1_above(pairing, 0.15) == 1.0
    assert f1_above(pairing, 0.2) == 0.5


def test_aji_plus_uses_a_prediction_once_where_aji_uses_it_twice():
    truth, prediction = np.array([[1, 1, 2, 2]]), np.array([[7, 7, 7, 7]])

    assert jaccard_plus(pair_up(truth, prediction)) == 2 / (4 + 2)


@pytest.mark.parametrize("iou", [-0.1, 1.0])
def test_a_threshold_out_of_range_is_refused(iou):
    pairing = pair_up(np.ones((2, 2), int), np.ones((2, 2), int))

    with pytest.raises(LabelError, match="must lie in"):
        matches_above(pairing, iou)
