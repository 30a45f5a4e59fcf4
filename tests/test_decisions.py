"""A plan as a table for reading."""

import pytest

from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.decisions import describe_plan


@pytest.fixture
def decided():
    plan = Plan(
        dataset="bodies",
        layout="folder",
        labels=LabelTable.of_names({"liver": 1}),
        channels=("MR", "CT"),
        dims=3,
        canonical=False,
        spacing_mm=(1.0, 1.0, 2.5),
        normalisation=(),
        patch=(8, 8, 8),
        batch_size=1,
        model="unet",
        model_options={},
        loss="dice_ce",
    )
    plan = plan.deciding("Files may store axes in any order.", canonical=True)
    rules = ({"kind": "zscore"}, {"kind": "zscore"})
    plan = plan.deciding("Because of what they measure, in long words " * 3, spacing_mm=(1.5,) * 3)
    return plan.deciding("No units.", normalisation=rules)


def test_a_row_says_decision_value_and_reason_in_words(decided):
    lines = describe_plan(decided).splitlines()

    assert any(line.split()[:2] == ["canonical", "yes"] for line in lines)
    assert any("for each of 2 channels: kind" in line for line in lines)


def test_long_reasons_go_on_below_within_a_hundred_columns(decided):
    lines = describe_plan(decided).splitlines()

    assert max(map(len, lines)) <= 100
    row = next(place for place, line in enumerate(lines) if line.startswith("spacing_mm"))
    assert "1.5 x 1.5 x 1.5" in lines[row]
    assert lines[row + 1].startswith(" " * 14)


def test_what_nobody_decided_is_left_out(decided):
    text = describe_plan(decided)

    assert "learning_rate" not in text
