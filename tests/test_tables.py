import pytest

from delineate.metrics import METRICS, Row, Scoreboard
from delineate.metrics.nuclei import OBJECT_METRICS
from delineate.metrics.tally import Tallies, Tally
from delineate.tables import (
    case_table,
    environment_table,
    said_count,
    said_interval,
    said_number,
    score_table,
    tally_table,
    tissue_table,
)

NAN = float("nan")
EVIL = "<b>&"


def rows(metrics, *entries):
    return tuple(
        Row(case=case, patient=case, label=label, status="absent" if value != value else "scored",
            values=dict.fromkeys(metrics, value))
        for case, label, value in entries
    )  # fmt: skip


def objects(**options):
    entries = (("a", "nucleus", 0.7), ("a", EVIL, 0.1), ("b", "nucleus", 0.5), ("b", EVIL, NAN))
    return Scoreboard(
        rows=rows(OBJECT_METRICS, *entries), metrics=OBJECT_METRICS, tolerance_mm=0, **options
    )


def tally(name="all nuclei", **counts):
    zero = dict.fromkeys(
        ("num_true", "num_predicted", "matched", "merged", "split", "rough", "missed", "spurious",
         "mistyped"), 0,
    )  # fmt: skip
    return Tally(name=name, **{**zero, **counts})


def test_objects_have_a_dense_table_where_all_nuclei_are_the_total():
    text = score_table(objects())

    assert 'class="dense"' in text
    assert '<tr class="total"><td>nucleus</td><td>0.600' in text
    assert "&lt;b&gt;&amp;" in text


def test_cases_of_objects_are_ordered_by_aji_of_all_nuclei():
    text = case_table(objects())

    assert text.startswith("<details><summary>AJI of 2 cases")
    assert text.index("<td>b</td>") < text.index("<td>a</td>")
    assert "<th>Mean</th>" not in text


def test_tissues_stand_in_a_table_only_where_they_are_known():
    assert tissue_table(objects()) == ""
    text = tissue_table(objects(tissues={"a": "colon", "b": "<i>"}))

    assert "<td>colon</td><td>1</td><td>0.700</td>" in text
    assert "&lt;i&gt;" in text
    assert "all nuclei" in text


def test_mistakes_are_counted_by_size_and_type():
    total, small, kind = (tally(name, num_true=7, mistyped=3) for name in ("all", "small", EVIL))

    untyped = tally_table(Tallies(total=total, by_size=(small,), by_type=()))
    typed = tally_table(Tallies(total=total, by_size=(small,), by_type=(kind,)))

    assert "Mistyped" not in untyped
    assert typed.count("<tr") == 4
    assert "<td>3</td></tr>" in typed
    assert "&lt;b&gt;&amp;" in typed


def test_regions_keep_their_mean_column():
    entries = (("a", "liver", 0.7), ("a", "spleen", 0.1))
    board = Scoreboard(rows=rows(METRICS, *entries), metrics=METRICS, tolerance_mm=1)

    assert "<th>Mean</th>" in case_table(board)
    assert "<td>0.400</td>" in case_table(board)
    assert case_table(Scoreboard(rows=(), metrics=METRICS, tolerance_mm=1)) == ""


def test_numbers_are_said_plainly():
    assert (said_number(0.12345, "aji"), said_number(12.345, "hd95")) == ("0.123", "12.35")
    assert said_number(NAN, "dice") == "–"
    assert (said_count(1, "case"), said_count(2, "case")) == ("1 case", "2 cases")
    assert said_interval(objects().find(EVIL, "aji")) == "one patient"
    assert "&lt;b&gt;" in environment_table({"python": EVIL})


@pytest.mark.parametrize("name", ["spurious", "merged"])
def test_groups_without_a_true_nucleus_are_listed(name):
    empty = Tallies(total=tally(**{name: 2}), by_size=(), by_type=())

    assert "<td>2</td>" in tally_table(empty)
