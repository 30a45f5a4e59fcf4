import json

import numpy as np
import pytest

from delineate.metrics import METRICS, Failure, Row, Scoreboard
from delineate.rivals import (
    compare_boards,
    describe_rivals,
    keep_common,
    rival_table,
    say_rivals,
)

EVIL = "<script>"


def board(model, values, **options):
    rows = [
        Row(case=case, patient=case, label=label, status="scored",
            values=dict.fromkeys(METRICS, value))
        for case, value in values.items() for label in ("liver", "spleen")
    ]  # fmt: skip
    return Scoreboard(rows=tuple(rows), metrics=METRICS, tolerance_mm=1.0, model=model, **options)


FIRST = board("old", {"a": 0.5, "b": 0.6, "c": 0.7})
OTHER = board(EVIL, {"a": 0.6, "b": 0.7, "c": 0.8})


def test_differences_are_those_of_the_same_cases():
    gaps = compare_boards(FIRST, OTHER)

    assert {gap.label for gap in gaps} == {"liver", "spleen", "all classes"}
    assert all(gap.num_cases == 3 for gap in gaps)
    assert [gap.mean for gap in gaps] == pytest.approx([0.1] * len(gaps))
    assert [gap.low for gap in gaps] == pytest.approx([0.1] * len(gaps))


def test_a_case_that_one_model_lacks_is_left_out_of_all():
    worse = board("new", {"a": 0.6, "b": 0.7}, failures=(Failure(case="c", reason="c is bad."),))

    first, other = keep_common([FIRST, worse])

    assert first.cases == other.cases == ("a", "b")
    assert first.failures[0].reason == "new: c is bad."


def test_one_model_alone_has_no_rival():
    assert describe_rivals([FIRST]) == {}
    assert say_rivals([FIRST]) == []
    assert rival_table([FIRST]) == ""
    assert keep_common([FIRST]) == [FIRST]


def test_plain_values_are_json():
    facts = describe_rivals([FIRST, board("new", {"a": np.nan, "b": np.nan, "c": np.nan})])

    assert json.loads(json.dumps(facts, allow_nan=False))["differences"][0]["mean"] is None


def test_the_table_shows_means_and_differences_and_escapes_names():
    text = rival_table([FIRST, OTHER])

    assert "+0.100 (+0.100 to +0.100)" in text
    assert "&lt;script&gt; − old" in text
    assert EVIL not in text


def test_a_sentence_says_which_is_better():
    (said,) = say_rivals([FIRST, OTHER])

    assert said.startswith("Dice of <script>: 0.700 where old has 0.600; difference +0.100")
