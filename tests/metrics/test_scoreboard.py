import csv
import io
import json

import numpy as np
import pytest

from delineate.metrics import METRICS
from delineate.metrics.nuclei import OBJECT_METRICS
from delineate.metrics.scoreboard import ALL_CLASSES, ALL_TYPES, Failure, Scoreboard
from delineate.metrics.scoring import Row

NAN = float("nan")


def row(case, label, dice, status="scored", patient=None):
    values = dict.fromkeys(METRICS, dice) | {"hd95": 10 * dice}
    return Row(case=case, patient=patient or case, label=label, status=status, values=values)


BOARD = Scoreboard(
    rows=(
        row("a", "liver", 0.9), row("a", "spleen", 0.0, "missed"),
        row("b", "liver", 0.7), row("b", "spleen", NAN, "absent"),
        row("c, ü", "liver", 0.8), row("c, ü", "spleen", 0.5),
    ),
    metrics=METRICS,
    tolerance_mm=1.5,
    failures=(Failure(case="d", reason="The truth of d is damaged."),),
    notes=("Fold 0.",),
)  # fmt: skip


def test_counts_stand_beside_the_mean():
    spleen = BOARD.find("spleen", "dice")

    assert spleen.mean == pytest.approx(0.25)
    counts = (spleen.num_scored, spleen.num_missed, spleen.num_spurious, spleen.num_absent)
    assert counts == (1, 1, 0, 1)


def test_all_classes_average_the_classes():
    everything = BOARD.find(ALL_CLASSES, "dice")

    assert everything.mean == pytest.approx((0.8 + 0.25) / 2)
    assert everything.num_scored == 4


def test_one_class_is_its_own_all_classes():
    single = Scoreboard(rows=(row("a", "liver", 0.9),), metrics=METRICS, tolerance_mm=1)

    assert single.find(ALL_CLASSES, "dice").label == "liver"
    assert len(single.summary) == len(METRICS)


def test_titles_say_unit_and_tolerance():
    assert [BOARD.title(name) for name in METRICS] == ["Dice", "IoU", "HD95 (mm)", "NSD at 1.5 mm"]


def test_csv_names_unit_tolerance_and_convention_and_leaves_absent_cells_empty():
    rows = list(csv.DictReader(io.StringIO(BOARD.to_csv())))

    assert list(rows[0]) == [
        "case", "patient", "label", "status", "dice", "iou", "hd95_mm", "nsd_1.5mm",
        "truth_ml", "prediction_ml", "convention",
    ]  # fmt: skip
    assert rows[3]["dice"] == rows[3]["hd95_mm"] == ""
    assert rows[4]["case"] == "c, ü"
    assert "MONAI" in rows[0]["convention"]


def test_json_is_strict_and_says_what_failed():
    read = json.loads(BOARD.to_json(), parse_constant=lambda name: pytest.fail(name))

    assert read["failures"] == [{"case": "d", "reason": "The truth of d is damaged."}]
    assert read["num_cases"] == 3
    assert read["tolerance"] == 1.5
    assert {"low", "high", "num_missed"} <= set(read["summary"][0])


def test_text_has_a_line_per_class_and_metric_and_names_failures():
    text = BOARD.text

    assert len([line for line in text.splitlines() if "HD95 (mm)" in line]) == 3
    assert "Not scored: d." in text
    assert "Fold 0." in text


def test_values_are_arranged_by_case_and_class():
    np.testing.assert_allclose(BOARD.values("dice"), [[0.9, 0.0], [0.7, NAN], [0.8, 0.5]])


def test_a_board_without_rows_can_be_written():
    empty = Scoreboard(rows=(), metrics=METRICS, tolerance_mm=1)

    assert empty.summary == ()
    assert "Cases: 0" in empty.text
    assert json.loads(empty.to_json())["num_cases"] == 0


def test_an_unknown_class_is_no_summary():
    with pytest.raises(KeyError):
        BOARD.find("kidney", "dice")


def objects_row(case, label, value, status="scored"):
    values = dict.fromkeys(OBJECT_METRICS, value)
    return Row(case=case, patient=case, label=label, status=status, values=values)


OBJECTS = Scoreboard(
    rows=(
        objects_row("a", "nucleus", 0.8), objects_row("a", "tumour", 0.6),
        objects_row("a", "immune", 0.2), objects_row("b", "nucleus", 0.4),
        objects_row("c", "nucleus", NAN, "absent"),
    ),
    metrics=OBJECT_METRICS,
    tolerance_mm=1,
    tissues={"a": "kidney", "b": "colon", "c": "colon"},
)  # fmt: skip


def test_all_objects_stand_for_all_classes_and_types_have_their_own_mean():
    assert OBJECTS.find(ALL_CLASSES, "aji").mean == pytest.approx(0.6)
    assert OBJECTS.find(ALL_TYPES, "aji").mean == pytest.approx(0.4)
    assert ALL_CLASSES not in OBJECTS.text


def test_objects_have_no_tolerance_and_conventions_of_their_own():
    summary = OBJECTS.to_dict()

    assert "tolerance" not in summary
    assert "(mm" not in OBJECTS.text
    assert "_mm" not in OBJECTS.to_csv() + summary["empty_policy"]
    assert "IoU > 0.5" in OBJECTS.to_csv()


def test_tissues_have_their_means_over_cases_with_a_value():
    table = OBJECTS.by_tissue()

    assert list(table) == ["colon", "kidney"]
    assert table["colon"] == {"num_cases": 2, **dict.fromkeys(OBJECT_METRICS, pytest.approx(0.4))}
    assert OBJECTS.to_dict()["tissues"]["kidney"]["pq"] == pytest.approx(0.8)
    assert BOARD.by_tissue() == {}


def test_a_board_without_rows_can_still_be_written():
    for metrics in (METRICS, OBJECT_METRICS):
        empty = Scoreboard(rows=(), metrics=metrics, tolerance_mm=1, tissues={"a": "colon"})

        assert empty.to_dict()["summary"] == []
        assert empty.text
