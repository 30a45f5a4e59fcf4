"""Chances of images, with numbers computed by hand."""

from dataclasses import replace

import numpy as np
import pytest

from delineate.learn.sampling import (
    draw_round,
    find_presence,
    image_chances,
    limit_chances,
    take_chances,
    take_presence,
)
from delineate.learn.store import Stored

PRESENCE = np.array([[1, 0], [1, 0], [1, 1], [0, 0]], bool)
"""Two images of a common class, one with a rare one beside it, and one of background."""


def test_weights_are_those_of_the_formula():
    chances = image_chances(PRESENCE, gamma=0.5)

    # N = (3, 1), k = 4: rarities 4 / (1.5 + 2) and 4 / (0.5 + 2).
    common, rare = 4 / 3.5, 4 / 2.5
    raw = np.array([0.5 + 0.5 * common, 0.5 + 0.5 * common, 0.5 + 0.5 * (common + rare), 0])
    raw[3] = raw[0]  # background takes the least of the others
    assert np.allclose(chances, raw / raw.sum())


def test_gamma_zero_draws_all_alike():
    assert np.allclose(image_chances(PRESENCE, gamma=0), 0.25)


def test_rare_tissue_is_added():
    chances = image_chances(np.zeros((4, 1), bool), groups=["a", "a", "a", "b"], gamma=0.5)

    # m = 4: 4 / (1.5 + 2) and 4 / (0.5 + 2).
    raw = np.array([4 / 3.5] * 3 + [4 / 2.5])
    assert np.allclose(chances, raw / raw.sum())


def test_nothing_to_go_by_draws_all_alike():
    assert np.allclose(image_chances(np.zeros((5, 2), bool)), 0.2)


def test_published_numbers_of_pannuke_rank_dead_cells_first():
    sizes = (4191, 4132, 6140, 232, 1528)
    presence = np.zeros((sum(sizes), 5), bool)
    presence[np.arange(sum(sizes)), np.repeat(np.arange(5), sizes)] = True

    chances = image_chances(presence)

    firsts = chances[np.cumsum((0, *sizes[:-1]))]
    factors = [16223 / (0.85 * size + 0.15 * 16223) for size in sizes]
    raw = np.array([0.15 + 0.85 * factor for factor in factors])
    assert np.allclose(firsts / firsts[3], raw / raw[3])
    assert firsts.argmax() == 3


def test_no_image_is_expected_more_often_than_the_cap():
    chances = limit_chances(np.array([0.7, 0.2, 0.05, 0.05]), 0.4)

    # 0.3 go to the others as they stand: 0.2 becomes 0.4, and 0.05 becomes 0.1.
    assert np.allclose(chances, [0.4, 0.4, 0.1, 0.1])


def test_cap_holds_in_every_epoch():
    raw = np.r_[0.5, np.full(399, 0.5 / 399)]  # uncapped, the first would come 200 times
    chances = limit_chances(raw, 10 / 400)

    counts = [
        np.bincount(draw_round(chances, np.random.default_rng(seed)), minlength=400)
        for seed in range(20)
    ]

    assert max(count.max() for count in counts) == 10
    assert all(count[0] >= 9 for count in counts)


def test_one_image_alone_is_always_drawn():
    assert image_chances(np.ones((1, 1), bool)).tolist() == [1.0]


def test_epoch_holds_each_image_as_often_as_its_chance_says_give_or_take_one():
    chances = np.array([0.45, 0.25, 0.2, 0.07, 0.03])
    rounds = [draw_round(chances, np.random.default_rng(seed)) for seed in range(2000)]

    counts = np.stack([np.bincount(order, minlength=5) for order in rounds])

    assert (counts.sum(1) == 5).all()
    assert (np.abs(counts - 5 * chances) < 1).all()
    assert np.allclose(counts.mean(0), 5 * chances, atol=0.05)


def test_order_is_mixed_and_a_function_of_the_seed():
    chances = np.full(50, 1 / 50)

    first, again, other = (draw_round(chances, np.random.default_rng(seed)) for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert sorted(first.tolist()) == list(range(50))


def test_presence_is_what_the_store_holds(store):
    held = find_presence([store.get(f"case{number}") for number in range(4)], 1)

    assert held.shape == (4, 1)
    assert held.all()


def test_presence_of_objects_is_that_of_their_types():
    empty = (np.zeros((0, 2), np.int32),) * 3
    ids, types = np.array([[1, 1, 2, 0]]), np.array([[2, 2, -1, 0]])
    case = Stored(id="tile", image=np.zeros((3, 1, 4)), labels=np.stack([ids, types]), points=empty)

    assert find_presence([case], 3, objects=True).tolist() == [[False, False, True]]


def test_plan_decides_whether_images_are_drawn_alike(store, plan):
    ids = ["case0", "case1"]

    assert take_presence(plan, store, ids) is None
    weighed = replace(plan, objective={"balance": "static"})
    assert take_presence(weighed, store, ids).tolist() == [[True], [True]]
    assert take_chances(weighed, take_presence(weighed, store, ids)) is None
    drawn = replace(plan, objective={"sampler": "weighted"})
    assert take_chances(drawn, take_presence(drawn, store, ids)).sum() == pytest.approx(1)
