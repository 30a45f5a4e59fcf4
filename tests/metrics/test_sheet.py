import csv
import io
import math

from delineate.metrics import METRICS, Row, Scoreboard
from delineate.metrics.sheet import write_rows, write_summary


def board(model, **options):
    row = Row(
        case="a", patient="p", label="liver", status="scored",
        values=dict.fromkeys(METRICS, 0.5), truth_ml=1.5, prediction_ml=math.nan,
    )  # fmt: skip
    return Scoreboard(rows=(row,), metrics=METRICS, tolerance_mm=2.0, model=model, **options)


def read(*boards):
    return list(csv.DictReader(io.StringIO(write_rows(boards))))


def test_models_have_a_column_where_there_are_several():
    assert "model" not in read(board(""))[0]
    assert [row["model"] for row in read(board("x"), board("y"))] == ["x", "y"]


def test_volumes_have_columns_and_unknown_ones_are_empty():
    (row,) = read(board(""))

    assert (row["truth_ml"], row["prediction_ml"]) == ("1.5", "")
    assert row["nsd_2mm"] == "0.5"


def test_warnings_stand_above_the_table():
    text = write_summary(board("", warnings=("Beware.",), notes=("By the way.",)))

    assert text.startswith("Warning: Beware.\nclass")
    assert text.index("liver") < text.index("By the way.")
