import base64

import pytest

from delineate.figures import draw_curves, draw_scores
from delineate.metrics import METRICS, Row, Scoreboard

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
