import base64

import numpy as np
import pytest

from delineate.core.errors import ShapeError
from delineate.diagrams import (
    draw_agreement,
    draw_drift,
    draw_models,
    draw_reliability,
    draw_risk_coverage,
)
from delineate.metrics import METRICS, Row, Scoreboard
from delineate.metrics.calibration import Calibration
from delineate.metrics.uncertainty import ErrorDetection


def svg(url):
    return base64.b64decode(url.split(",", 1)[1]).decode("utf-8")


def drawings():
    rng = np.random.default_rng(0)
    said, truth = rng.random(400), rng.random(400) < 0.4
    trust, errors = Calibration(), ErrorDetection()
    trust.add(said, truth)
    errors.add(1 - np.abs(2 * said - 1), (said > 0.5) != truth)
    rows = tuple(
        Row(case=str(n), patient=str(n), label=label, status="scored",
            values=dict.fromkeys(METRICS, float(rng.random())))
        for n in range(9) for label in ("liver", "$spleen")
    )  # fmt: skip
    board = Scoreboard(rows=rows, metrics=METRICS, tolerance_mm=1.0)
    return {
        "reliability": draw_reliability({"all": trust.curve, "none": trust.band_curve}),
        "risk": draw_risk_coverage({"entropy": errors.risk_coverage}),
        "agreement": draw_agreement(rng.random(20), rng.random(20)),
        "models": draw_models({"a": board, "b": board}, "hd95"),
        "drift": draw_drift({"p1": [(3, 1.0), (1, 2.0)], "p2": []}, what="volume (mL)"),
    }


def test_equal_values_give_equal_pictures():
    first, second = drawings(), drawings()

    assert first == second
    assert all("<svg" in svg(url) for url in first.values())


def test_units_stand_on_the_axes():
    assert "mean of predicted and true (px)" in svg(draw_agreement([1.0], [2.0], unit="px"))
    assert "HD95 (mm)" in svg(drawings()["models"])


def test_nothing_can_be_drawn():
    for url in (draw_reliability({}), draw_risk_coverage({}), draw_agreement([], []),
                draw_models({}, "dice"), draw_drift({}, what="Dice")):  # fmt: skip
        assert "<svg" in svg(url)


def test_volumes_of_differing_cases_are_refused():
    with pytest.raises(ShapeError, match="one volume a case"):
        draw_agreement([1.0], [1.0, 2.0])
