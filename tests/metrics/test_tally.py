import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from delineate.core.instances import Instances
from delineate.metrics.instance import panoptic_quality
from delineate.metrics.mistakes import find_mistakes
from delineate.metrics.tally import Tallies, list_mistakes, tally_all, tally_by_size, tally_by_type

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


@given(MAPS)
def test_groups_add_up_to_all(maps):
    truth, prediction = (Instances.of(each, {1: 1, 2: 2, 3: 2}, default=1) for each in maps)
    found = [find_mistakes(prediction, truth, pixel_um=0.25)]

    total = tally_all(found)

    kinds = (total.matched, total.merged, total.split, total.rough, total.missed)
    assert sum(kinds) == total.num_true == truth.count
    assert total.num_predicted == prediction.count
    for groups in (tally_by_size(found), tally_by_type(found, {1: "a", 2: "b"})):
        for name in ("num_true", "num_predicted", "matched", "merged", "missed", "spurious"):
            wanted = getattr(total, name) if truth.count or len(groups) == 2 else 0
            assert sum(getattr(group, name) for group in groups) == wanted


def test_sizes_are_thirds_named_in_square_micrometres_or_pixels():
    truth = objects((0, 0, 4, 4), (0, 10, 6, 6), (0, 20, 8, 8))

    known = tally_by_size([find_mistakes(truth, truth, pixel_um=0.5)])
    unknown = tally_by_size([find_mistakes(truth, truth)])

    assert [row.num_true for row in known] == [1, 1, 1]
    assert known[0].name.endswith(" µm²")
    assert unknown[0].name.endswith(" px")
    assert float(known[0].name.split()[1]) < float(unknown[0].name.split()[1])
    assert tally_by_size([find_mistakes(truth, objects())]) == []
    assert tally_by_size([]) == []


def test_official_counts_follow_from_the_tally():
    truth = objects((5, 5, 10, 10), (5, 15, 10, 10), (25, 5, 8, 8))
    prediction = objects((5, 5, 10, 20), (25, 5, 8, 8), (25, 50, 8, 8))
    found = find_mistakes(prediction, truth)

    tally = tally_all([found])

    detection = 2 * tally.matched / (tally.num_true + tally.num_predicted)
    assert detection == panoptic_quality(found.pairing).dq


def test_types_are_those_of_the_truth():
    boxes = [(5, 5, 8, 8), (5, 25, 8, 8), (5, 45, 8, 8)]
    truth, prediction = objects(*boxes, types=[1, 2, 0]), objects(*boxes, types=[1, 1, 1])

    rows = tally_by_type([find_mistakes(prediction, truth)], {1: "tumour", 2: "immune"})

    assert [(row.name, row.num_true, row.mistyped) for row in rows] == [
        ("tumour", 1, 0), ("immune", 1, 1)
    ]  # fmt: skip
    assert tally_by_type([], {1: "nucleus"}) == []


def test_all_counts_go_into_json_and_a_sentence():
    truth = objects((5, 5, 10, 10), (5, 15, 10, 10))

    tallies = Tallies.of([find_mistakes(objects((5, 5, 10, 20)), truth)], {1: "nucleus"})

    assert json.loads(json.dumps(tallies.to_dict()))["total"]["merged"] == 2
    assert "Of 2 true nuclei 0 are matched, 2 merged" in tallies.text
    assert "mistyped" not in tallies.text


def test_every_mistake_is_listed_with_its_place_and_types():
    truth = objects((5, 5, 8, 8), (5, 25, 8, 8), types=[1, 2])
    prediction = objects((5, 5, 8, 8), (25, 45, 8, 8), types=[2, 1])
    found = find_mistakes(prediction, truth)

    lines = list_mistakes({"c,1": found}, {1: "tumour", 2: "immune"}).splitlines()

    assert lines[1:] == [
        '"c,1",mistyped,truth,1,8.5,8.5,64,tumour,immune',
        '"c,1",missed,truth,2,28.5,8.5,64,immune,',
        '"c,1",spurious,prediction,2,48.5,28.5,64,,tumour',
    ]
