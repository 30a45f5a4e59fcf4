import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from delineate.core.instances import Instances
from delineate.metrics.mistakes import (
    PREDICTION_KINDS,
    RULES,
    TRUTH_KINDS,
    find_mistakes,
    worst_spots,
)

MAPS = arrays.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=8).flatmap(
    lambda shape: st.tuples(
        *[arrays.arrays(np.int32, shape, elements=st.integers(0, 4)) for _ in range(2)]
    )
)


def objects(*boxes, types=None, shape=(40, 80)):
    """Boxes (top, left, height, width), later ones over earlier ones."""
    ids = np.zeros(shape, np.int32)
    for number, (top, left, height, width) in enumerate(boxes, start=1):
        ids[top : top + height, left : left + width] = number
    return Instances.of(ids, dict(enumerate(types or [], start=1)))


def kinds(found):
    true = [TRUTH_KINDS[kind] for kind in found.truth_kinds]
    said = [PREDICTION_KINDS[kind] for kind in found.prediction_kinds]
    return true, said


@pytest.mark.parametrize(
    ("truth", "prediction", "true_kinds", "said_kinds"),
    [
        ([(5, 5, 10, 10)], [(6, 5, 10, 10)], ["matched"], ["matched"]),
        ([(5, 5, 10, 10)], [(25, 50, 10, 10)], ["missed"], ["spurious"]),
        ([(5, 5, 10, 10), (5, 15, 10, 10)], [(5, 5, 10, 20)], ["merged"] * 2, ["merging"]),
        ([(5, 5, 10, 20)], [(5, 5, 10, 10), (5, 15, 10, 10)], ["split"], ["fragment"] * 2),
        ([(5, 5, 10, 10)], [(7, 7, 5, 5)], ["rough"], ["rough"]),
        ([(5, 5, 10, 10)], [(5, 5, 20, 20)], ["rough"], ["rough"]),
        ([(5, 5, 10, 10)], [(12, 12, 10, 10)], ["missed"], ["spurious"]),
        ([(5, 5, 10, 10), (5, 15, 3, 3)], [(5, 5, 10, 13)], ["matched", "merged"], ["matched"]),
        ([(5, 5, 10, 10)], [(5, 5, 8, 10), (13, 5, 2, 10)], ["matched"], ["matched", "fragment"]),
        ([], [(5, 5, 10, 10)], [], ["spurious"]),
        ([(5, 5, 10, 10)], [], ["missed"], []),
        ([], [], [], []),
    ],
)
def test_every_object_gets_its_kind(truth, prediction, true_kinds, said_kinds):
    found = find_mistakes(objects(*prediction), objects(*truth))

    assert kinds(found) == (true_kinds, said_kinds)


@given(MAPS)
def test_kinds_keep_their_rules_on_any_maps(maps):
    truth, prediction = (Instances.of(each) for each in maps)

    found = find_mistakes(prediction, truth)

    true, said = kinds(found)
    assert (len(true), len(said)) == (truth.count, prediction.count)
    assert true.count("matched") == said.count("matched") == len(found.pairing.matches)
    assert said.count("rough") >= true.count("rough")
    assert len(found.places) == truth.count - true.count("matched") + said.count("spurious")
    masks = [[each.ids == number for number in range(1, each.count + 1)]
             for each in (truth, prediction)]  # fmt: skip
    for kind, mask in zip(true, masks[0], strict=True):
        covering = sum(2 * (mask & other).sum() > mask.sum() for other in masks[1])
        inside = sum(2 * (mask & other).sum() > other.sum() for other in masks[1])
        assert kind != "merged" or covering == 1
        assert kind != "split" or inside > 1
        assert kind != "rough" or covering + inside > 0


def test_matched_objects_of_another_type_are_mistyped_but_unknown_types_are_not():
    boxes = [(5, 5, 8, 8), (5, 25, 8, 8), (5, 45, 8, 8)]
    truth, prediction = objects(*boxes, types=[1, 2, 0]), objects(*boxes, types=[1, 1, 1])

    found = find_mistakes(prediction, truth)

    assert found.is_mistyped.tolist() == [False, True, False]


def test_worst_spots_hold_most_mistakes_and_stay_apart():
    crowd = [(top, left, 4, 4) for top in (5, 12) for left in (5, 12, 19)]
    missed = find_mistakes(objects(), objects(*crowd, (30, 70, 4, 4)))
    fine = find_mistakes(objects(*crowd), objects(*crowd))

    spots = worst_spots([fine, missed], side_px=24)

    assert [place for place, *_ in spots] == [1, 1]
    (_, top, left, side), (_, *later, _) = spots
    assert side == 24
    assert max(top, left) <= 5
    assert top + side >= 16
    assert abs(later[1] - left) >= side


def test_squares_have_one_size_in_micrometres():
    missed = find_mistakes(objects(), objects((5, 5, 4, 4)), pixel_um=0.5)

    (spot,) = worst_spots([missed], side_um=32.0)

    assert spot == (0, -26, -26, 64)  # may reach over the edge


def test_the_rules_are_said_in_sentences():
    assert all(kind in RULES.lower() for kind in TRUTH_KINDS)
    assert RULES.endswith(".")
