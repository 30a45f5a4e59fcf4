import base64

import pytest

from delineate.figures import draw_curves, draw_scores, draw_tallies
from delineate.metrics import METRICS, Row, Scoreboard
from delineate.metrics.tally import Tallies, Tally

NAN = float("nan")


def board(*values, status="scored", label="liver"):
    rows = tuple(
        Row(case=str(place), patient=str(place), label=label, status=status,
            values=dict.fromkeys(METRICS, value))
        for place, value in enumerate(values)
    )  # fmt: skip
    return Scoreboard(rows=rows, metrics=METRICS, tolerance_mm=1.0)


def svg(url):
    head, body = url.split(",", 1)
    assert head == "data:image/svg+xml;base64"
    return base64.b64decode(body).decode("utf-8")


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    "scores",
    [board(*[0.1 * place for place in range(10)]), board(0.5), board(1.0, 1.0, 1.0, 1.0, 1.0),
     board(NAN, NAN, status="absent"), board(0.0, status="missed"), board(0.2, label="$a_$ <b>")],
)  # fmt: skip
def test_any_scores_can_be_drawn(metric, scores):
    assert "<svg" in svg(draw_scores(scores, metric))


def test_equal_scores_give_equal_pictures():
    assert draw_scores(board(0.1, 0.5), "dice") == draw_scores(board(0.1, 0.5), "dice")


@pytest.mark.parametrize(
    "curves",
    [
        {"step": [1, 2], "seconds": [1.0, 2.0], "loss": [1.0, 0.5], "dice": [NAN, 0.5]},
        {"step": [1, 2], "loss": [-1.0, -2.0]},
        {"dice": [0.1, 0.2], "dice liver": [0.1, 0.2]},
        {"step": [], "loss": []},
    ],
)
def test_any_curves_can_be_drawn(curves):
    assert "<svg" in svg(draw_curves(curves))


def tally(name, num_true=10, **counts):
    zero = dict.fromkeys(
        ("num_predicted", "matched", "merged", "split", "rough", "missed", "spurious", "mistyped"),
        0,
    )
    return Tally(name=name, num_true=num_true, **{**zero, **counts})


def test_mistakes_are_bars_with_their_groups_and_types_only_where_known():
    total, large, kind = (tally(name, missed=3) for name in ("all nuclei", "over $9 µm²", "tumour"))

    untyped = svg(draw_tallies(Tallies(total=total, by_size=(large,), by_type=())))
    typed = svg(draw_tallies(Tallies(total=total, by_size=(), by_type=(kind,))))

    assert "<!-- mistyped -->" not in untyped
    assert "<!-- mistyped -->" in typed
    assert "<!-- tumour (10) -->" in typed


def test_groups_without_a_true_nucleus_have_no_bar():
    nothing = Tallies(total=tally("all nuclei", 0, spurious=4), by_size=(), by_type=())

    assert svg(draw_tallies(nothing)).startswith("<?xml")
