import numpy as np
import pytest

from delineate.core.instances import Instances
from delineate.core.labels import LabelTable
from delineate.metrics import Scoreboard
from delineate.metrics.nuclei import OBJECT_METRICS, score_instances

PLAIN = LabelTable.of_names({"nucleus": 1})
TYPED = LabelTable.of_names({"tumour": 1, "immune": 2})
GRID = (40, 60)


def squares(places, *, side=8, types=None):
    ids = np.zeros(GRID, np.int32)
    for number, (row, column) in enumerate(places, start=1):
        ids[row : row + side, column : column + side] = number
    return Instances.of(ids, dict(enumerate(types or [], start=1)))


def score(prediction, truth, labels=PLAIN, **options):
    rows = score_instances(prediction, truth, labels, case="c1", patient="p1", **options)
    return {row.label: row for row in rows}


def test_untyped_truth_gives_one_row_of_all_nuclei():
    truth = squares([(2, 2), (20, 30)])

    rows = score(truth, truth)

    assert list(rows) == ["nucleus"]
    assert rows["nucleus"].status == "scored"
    assert rows["nucleus"].values == dict.fromkeys(OBJECT_METRICS, 1.0)


def test_types_are_scored_apart_and_nucleus_holds_all_of_them():
    truth = squares([(2, 2), (20, 30)], types=[1, 2])
    prediction = squares([(2, 2), (20, 30)], types=[1, 1])

    rows = score(prediction, truth, TYPED)

    assert rows["nucleus"].values["pq"] == 1.0
    assert rows["tumour"].values["pq"] == pytest.approx(2 / 3)  # one right, one too many
    assert rows["tumour"].values["dice"] == pytest.approx(2 / 3)
    assert (rows["immune"].status, rows["immune"].values["pq"]) == ("missed", 0.0)


def test_a_type_in_neither_is_absent():
    truth = squares([(2, 2)], types=[1])

    row = score(truth, truth, TYPED)["immune"]

    assert row.status == "absent"
    assert all(np.isnan(value) for value in row.values.values())


def test_nuclei_of_unknown_type_neither_help_nor_harm_a_type():
    truth = squares([(2, 2), (20, 30)], types=[1, 0])
    prediction = squares([(2, 2), (21, 31)], types=[1, 1])

    rows = score(prediction, truth, TYPED)

    assert rows["tumour"].values["aji"] == 1.0
    assert rows["immune"].status == "absent"
    assert rows["nucleus"].values["aji"] < 1.0


def test_a_truth_without_types_is_not_asked_for_them():
    truth = squares([(2, 2)], types=[0])
    prediction = squares([(2, 2)], types=[2])

    assert list(score(prediction, truth, TYPED)) == ["nucleus"]


@pytest.mark.parametrize(
    ("said", "true", "status"),
    [([], [], "absent"), ([(2, 2)], [], "spurious"), ([], [(2, 2)], "missed")],
)
def test_empty_sides_say_so(said, true, status):
    row = score(squares(said), squares(true))["nucleus"]

    wanted = np.nan if status == "absent" else 0.0
    assert row.status == status
    assert list(row.values.values()) == pytest.approx([wanted] * 6, nan_ok=True)


def test_nothing_at_all_of_a_typed_table_is_spurious_by_type():
    rows = score(squares([(2, 2)], types=[2]), squares([]), TYPED)

    assert {name: row.status for name, row in rows.items()} == {
        "nucleus": "spurious", "tumour": "absent", "immune": "spurious"
    }  # fmt: skip


def test_centres_may_lie_three_micrometres_apart():
    truth, prediction = squares([(2, 2)]), squares([(2, 12)])

    near, far = (score(prediction, truth, pixel_um=size)["nucleus"] for size in (0.25, 0.5))
    unknown = score(prediction, truth)["nucleus"]

    assert (near.values["f1"], far.values["f1"], unknown.values["f1"]) == (1.0, 0.0, 1.0)


def test_a_type_named_like_all_nuclei_keeps_a_row_of_its_own():
    table = LabelTable.of_names({"nucleus": 1, "mitosis": 2})
    truth = squares([(2, 2)], types=[1])

    assert list(score(truth, truth, table)) == ["nucleus", "nucleus (type)", "mitosis"]


def test_an_object_without_pixels_asks_for_nothing():
    ids = squares([(2, 2)]).ids
    truth = Instances(ids=ids, types=np.array([1, 1], np.int16))

    assert score(squares([(2, 2)]), truth)["nucleus"].values["dq"] == 1.0


@pytest.mark.parametrize("name", OBJECT_METRICS)
def test_two_masks_are_compared_by_their_components(name):
    mask = squares([(2, 2), (20, 30)]).ids > 0

    assert OBJECT_METRICS[name](mask, mask, (1.0, 1.0)) == 1.0
    assert OBJECT_METRICS[name].convention.endswith(".")


def test_rows_make_a_scoreboard():
    truth = squares([(2, 2), (20, 30)], types=[1, 2])
    rows = score(truth, truth, TYPED)

    board = Scoreboard(rows=tuple(rows.values()), metrics=OBJECT_METRICS, tolerance_mm=1.0)

    assert board.find("tumour", "aji").mean == 1.0
    assert "AJI" in board.text
