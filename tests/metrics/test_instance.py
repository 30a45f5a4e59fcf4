from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from delineate.core.errors import LabelError, ShapeError
from delineate.metrics import instance
from delineate.metrics.instance import (
    aggregated_jaccard,
    detection_f1,
    pair_up,
    panoptic_quality,
)

SIDES = arrays.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=7)
MAPS = SIDES.flatmap(
    lambda shape: st.tuples(
        *[arrays.arrays(np.int32, shape, elements=st.integers(0, 5)) for _ in range(2)]
    )
)
"""Small maps where everything touches everything, now and then without any object."""


def cells(seed, shape=(60, 70), num=30):
    """Touching cells of a Voronoi diagram with holes, ids with gaps."""
    rng = np.random.default_rng(seed)
    seeds = rng.uniform(0, shape, (num, 2))
    places = np.moveaxis(np.indices(shape), 0, -1)[:, :, None]
    apart = np.linalg.norm(places - seeds, axis=-1)
    ids = 3 * (apart.argmin(axis=-1) + 1)
    return np.where(apart.min(axis=-1) < 6, ids, 0).astype(np.int32)


def objects_of(ids):
    return {int(number): ids == number for number in np.unique(ids) if number}


def slow_jaccard(truth, prediction):
    """Full-image masks, pair by pair, as the challenge's script goes."""
    true, said = objects_of(truth), objects_of(prediction)
    if not true and not said:
        return float("nan")
    common, union, taken = 0, 0, set()
    for mask in true.values():
        best, best_iou = None, 0.0
        for number, other in said.items():
            iou = (mask & other).sum() / (mask | other).sum()
            if iou > best_iou:
                best, best_iou = number, iou
        if best is None:
            union += mask.sum()
            continue
        common += (mask & said[best]).sum()
        union += (mask | said[best]).sum()
        taken.add(best)
    union += sum(mask.sum() for number, mask in said.items() if number not in taken)
    return common / union


def slow_quality(truth, prediction):
    true, said = objects_of(truth), objects_of(prediction)
    if not true and not said:
        return float("nan"), float("nan")
    ious = [
        (one & two).sum() / (one | two).sum()
        for one in true.values()
        for two in said.values()
        if 2 * (one & two).sum() > (one | two).sum()
    ]
    wrong = len(true) + len(said) - 2 * len(ious)
    return sum(ious) / (len(ious) + wrong / 2), len(ious) / (len(ious) + wrong / 2)


def same(found, wanted):
    return found == pytest.approx(wanted, abs=1e-12, nan_ok=True)


@given(MAPS)
def test_scores_agree_with_whole_images_compared_pair_by_pair(maps):
    truth, prediction = maps

    pairing = pair_up(truth, prediction)
    quality = panoptic_quality(pairing)

    assert same(aggregated_jaccard(pairing), slow_jaccard(truth, prediction))
    assert same((quality.pq, quality.dq), slow_quality(truth, prediction))


@pytest.mark.parametrize("seed", range(4))
def test_touching_cells_score_as_pair_by_pair(seed):
    truth, prediction = cells(seed), np.roll(cells(seed), (2, -1), (0, 1))

    pairing = pair_up(truth, prediction)
    quality = panoptic_quality(pairing)

    assert 0.2 < quality.pq < 0.9
    assert same(aggregated_jaccard(pairing), slow_jaccard(truth, prediction))
    assert same((quality.pq, quality.dq), slow_quality(truth, prediction))


@given(MAPS)
def test_the_table_counts_areas_overlaps_and_centres(maps):
    truth, prediction = maps
    true, said = objects_of(truth), objects_of(prediction)

    pairing = pair_up(truth, prediction)

    assert pairing.truth_ids.tolist() == list(true)
    assert pairing.truth_areas.tolist() == [mask.sum() for mask in true.values()]
    assert pairing.prediction_areas.tolist() == [mask.sum() for mask in said.values()]
    centres = [np.argwhere(mask).mean(axis=0) for mask in said.values()]
    assert np.allclose(pairing.prediction_centres, np.reshape(centres, (-1, truth.ndim)))
    wanted = {
        (row, column): int((one & two).sum())
        for row, one in enumerate(true.values())
        for column, two in enumerate(said.values())
        if (one & two).any()
    }
    assert dict(zip(map(tuple, pairing.pairs.tolist()), pairing.shared.tolist())) == wanted  # noqa: B905


def test_bands_of_rows_change_nothing(monkeypatch):
    truth, prediction = cells(0), cells(1)
    whole = pair_up(truth, prediction)
    monkeypatch.setattr(instance, "BAND", 1)

    banded = pair_up(truth, prediction)

    assert np.array_equal(banded.pairs, whole.pairs)
    assert np.array_equal(banded.shared, whole.shared)
    assert np.allclose(banded.truth_centres, whole.truth_centres)


def test_a_perfect_answer_scores_one_whatever_its_ids():
    truth = cells(2)
    renamed = np.where(truth > 0, 1000 - truth, 0)

    pairing = pair_up(truth, renamed)

    assert aggregated_jaccard(pairing) == 1.0
    assert panoptic_quality(pairing).pq == 1.0
    assert detection_f1(pairing.truth_centres, pairing.prediction_centres, 0.5) == 1.0


def test_a_prediction_over_two_nuclei_serves_both_in_aji():
    truth, prediction = np.array([[1, 1, 2, 2]]), np.array([[7, 7, 7, 7]])

    pairing = pair_up(truth, prediction)

    assert aggregated_jaccard(pairing) == (2 + 2) / (4 + 4)
    assert panoptic_quality(pairing).pq == 0.0  # an IoU of exactly one half is no match


def test_of_equal_overlaps_the_lowest_id_is_taken():
    truth = np.array([[1, 1, 1, 1, 0]])
    prediction = np.array([[9, 9, 4, 4, 0]])

    pairing = pair_up(truth, prediction)

    assert pairing.iou.tolist() == [0.5, 0.5]
    assert aggregated_jaccard(pairing) == 2 / (4 + 2)  # 9 is left over and adds its area


@pytest.mark.parametrize(
    ("truth", "prediction", "score"), [(0, 0, np.nan), (1, 0, 0.0), (0, 1, 0.0)]
)
def test_empty_sides_have_the_stated_score(truth, prediction, score):
    truth, prediction = (np.full((3, 4), number, np.uint8) for number in (truth, prediction))

    pairing = pair_up(truth, prediction)
    quality = panoptic_quality(pairing)
    near = detection_f1(pairing.truth_centres, pairing.prediction_centres, 12.0)

    assert same((aggregated_jaccard(pairing), quality.pq, quality.dq, near), (score,) * 4)
    assert np.isnan(quality.sq)


@pytest.mark.parametrize("seed", range(20))
def test_near_centres_are_paired_as_often_as_any_order_allows(seed):
    rng = np.random.default_rng(seed)
    true, said = rng.uniform(0, 10, (5, 2)), rng.uniform(0, 10, (5, 2))
    near = np.linalg.norm(true[:, None] - said, axis=-1) <= 4.0
    most = max(
        sum(near[row, column] for row, column in enumerate(p)) for p in permutations(range(5))
    )

    assert detection_f1(true, said, 4.0) == 2 * most / 10


def test_a_far_pair_never_breaks_a_near_one():
    true, said = np.array([[0.0, 0.0], [0.0, 13.0]]), np.array([[0.0, 12.0], [0.0, 26.0]])

    assert detection_f1(true, said, 12.0) == 0.5  # 1 of 2: either near pair, but not both
    assert detection_f1(true[:, ::-1], said[:, ::-1], 0.9) == 0.0


def test_objects_can_be_left_out_of_the_table():
    truth, prediction = cells(3), cells(4)
    pairing = pair_up(truth, prediction)
    true, said = pairing.truth_ids % 2 == 0, pairing.prediction_ids % 2 == 1

    part = pairing.only(true, said)

    direct = pair_up(
        np.where(truth % 2 == 0, truth, 0), np.where(prediction % 2 == 1, prediction, 0)
    )
    assert np.array_equal(part.pairs, direct.pairs)
    assert np.array_equal(part.shared, direct.shared)
    assert same(aggregated_jaccard(part), aggregated_jaccard(direct))


def test_maps_of_two_shapes_are_refused():
    with pytest.raises(ShapeError, match="one shape"):
        pair_up(np.zeros((2, 3), int), np.zeros((3, 2), int))


@pytest.mark.parametrize("ids", [np.full((2, 2), -1), np.full((2, 2), 2**31), np.ones((2, 2))])
def test_ids_that_are_no_ids_are_refused(ids):
    with pytest.raises(LabelError, match="whole numbers"):
        pair_up(ids, np.zeros((2, 2), int))
