from itertools import permutations

import numpy as np
import pytest

from delineate.core.errors import ShapeError, UnknownNameError
from delineate.metrics.centres import Detection, TypedDetection, detect, detect_type, pair_centres


@pytest.mark.parametrize("seed", range(15))
def test_each_rule_finds_what_trying_every_pairing_finds(seed):
    rng = np.random.default_rng(seed)
    true, said, radius = rng.uniform(0, 10, (5, 2)), rng.uniform(0, 10, (6, 2)), 3.0
    apart = np.linalg.norm(true[:, None] - said, axis=-1)
    ways = [list(enumerate(way)) for way in permutations(range(6), 5)]
    near = [[pair for pair in way if apart[pair] <= radius] for way in ways]
    by_all = min(ways, key=lambda way: sum(apart[pair] for pair in way))
    gated = min(near, key=lambda way: (-len(way), sum(apart[pair] for pair in way)))

    found = [pair_centres(true, said, radius, pairing=rule) for rule in ("official", "gated")]

    assert found[0].tolist() == [list(p) for p in by_all if apart[p] <= radius]
    assert found[1].tolist() == [list(p) for p in gated]


def test_official_breaks_a_near_pair_for_the_sake_of_a_far_one():
    true, said = np.array([[0.0], [14.0]]), np.array([[13.0], [27.0]])

    found = [detect(true, said, 12.0, pairing=rule).tp for rule in ("official", "gated")]

    assert found == [0, 1]  # 13 + 13 in total is less than 1 + 27, and both are then dropped


def test_touching_centres_are_pairs():
    places = np.array([[1.0, 2.0], [5.0, 5.0]])

    assert pair_centres(places, places[::-1], 0.0).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("rule", ["official", "gated"])
def test_empty_sides_have_no_pairs(rule):
    some, none = np.zeros((3, 2)), np.zeros((0, 2))

    assert detect(some, none, 5.0, pairing=rule) == Detection(tp=0, fp=0, fn=3)
    assert detect(none, some, 5.0, pairing=rule) == Detection(tp=0, fp=3, fn=0)
    both = detect(none, none, 5.0, pairing=rule)
    assert both == Detection()
    assert np.isnan([both.precision, both.recall, both.f1]).all()


def test_images_are_pooled_by_adding():
    pooled = Detection(tp=3, fp=1) + Detection(tp=1, fn=2)

    assert (pooled.precision, pooled.recall) == (4 / 5, 4 / 6)
    assert pooled.f1 == 8 / 11


def test_a_pair_of_the_wrong_type_costs_double():
    pairs = np.array([[0, 0], [1, 1]])
    true, said = np.array([1, 1, 1, 2]), np.array([1, 2, 1])

    found = {kind: detect_type(pairs, true, said, kind) for kind in (1, 2, 3)}

    assert found[1] == TypedDetection(right=1, confused=1, alone=2)
    assert found[1].f1 == 2 / (2 + 2 + 2)
    assert found[2].f1 == 0.0
    assert np.isnan(found[3].f1)
    assert (found[1] + found[2]).f1 == 2 / (2 + 4 + 3)


def test_wrong_words_and_shapes_are_refused():
    with pytest.raises(UnknownNameError, match="gated"):
        pair_centres(np.zeros((1, 2)), np.zeros((1, 2)), 1.0, pairing="near")
    with pytest.raises(ShapeError, match="Centres must be"):
        pair_centres(np.zeros((1, 2)), np.zeros((1, 3)), 1.0)
