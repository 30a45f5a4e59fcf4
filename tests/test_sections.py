"""Volumes, models and days on the page."""

from delineate.metrics import METRICS, Row, Scoreboard
from delineate.sections import further_sections


def row(case, status="scored", dice=0.8, volumes=(2.0, 2.2), patient=None):
    return Row(
        case=case, patient=patient or case, label="liver", status=status,
        values={"dice": dice}, truth_ml=volumes[0], prediction_ml=volumes[1],
    )  # fmt: skip


def board(*rows, model=""):
    return Scoreboard(
        rows=rows, metrics={"dice": METRICS["dice"]}, tolerance_mm=1.0, model=model,
        num_resamples=20,
    )  # fmt: skip


def headings(*boards):
    return [heading for heading, _ in further_sections(boards)]


def test_volumes_are_shown_where_they_are_known():
    nan = float("nan")

    assert headings(board(row("a"), row("b"))) == ["Volumes"]
    assert headings(board(row("a", volumes=(nan, nan)))) == []
    assert headings(board()) == []


def test_models_stand_side_by_side():
    boards = [board(row("a"), row("b"), model=name) for name in ("old", "new")]

    (_, boxes), (_, volumes) = further_sections(boards)

    assert "Dice of each model" in boxes
    assert "Volume of old · liver" in volumes
    assert "Volume of new · liver" in volumes


def test_days_need_one_patient_with_two():
    once = board(row("ada_day1", patient="ada"), row("bob_day2", patient="bob"))
    twice = board(row("ada_day1", patient="ada"), row("ada_day02_slice_3", patient="ada"))

    assert "From day to day" not in headings(once)
    assert "From day to day" in headings(twice)


def test_todays_and_sundays_are_no_days():
    rows = [row("today1", patient="ada"), row("sunday2", patient="ada")]

    assert "From day to day" not in headings(board(*rows))


def test_names_are_no_html():
    boards = [board(row("a"), model=name) for name in ("<b>", "new")]

    assert "<b>·" not in further_sections(boards)[1][1]
    assert "&lt;b&gt; · liver" in further_sections(boards)[1][1]
