"""Trust, agreement and change: reliability, risk, Bland-Altman, boxes of models, drift."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray

from delineate.core.errors import ShapeError
from delineate.figures import FAILED, FAINT, INK, STYLE, to_svg
from delineate.metrics import Scoreboard
from delineate.metrics.calibration import Reliability
from delineate.metrics.uncertainty import RiskCoverage

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
"""Okabe and Ito's colours, which the colour-blind can tell apart."""
MARKERS = "os^Dvx"


def draw_reliability(curves: Mapping[str, Reliability]) -> str:
    """Draw what was so against what was said, and how often each was said.

    Args:
        curves: Reliability by name.

    Returns:
        The figure as a data URL of an SVG.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(4.6, 5), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        top.plot([0, 1], [0, 1], color=FAINT, ls="--", lw=1)
        for place, (name, curve) in enumerate(curves.items()):
            look: dict[str, Any] = {"color": COLOURS[place % 6], "marker": MARKERS[place % 6]}
            used = curve.count > 0
            top.plot(curve.confidence[used], curve.accuracy[used], ms=4,
                     label=f"{_plain(name)}, ECE {curve.ece:.3f}", **look)  # fmt: skip
            bottom.plot(curve.confidence[used], curve.count[used] / max(curve.count.sum(), 1),
                        ms=4, **look)  # fmt: skip
        top.set(xlim=(0, 1), ylim=(0, 1), ylabel="share that was so")
        bottom.set(xlabel="probability said", ylabel="share of voxels", ylim=(0, None))
        if curves:
            top.legend(loc="upper left", frameon=False)
        for axes in (top, bottom):
            axes.grid(alpha=0.25)
        return to_svg(figure)


def draw_risk_coverage(curves: Mapping[str, RiskCoverage]) -> str:
    """Draw the share of errors among the voxels kept, the surest first.

    Args:
        curves: Risk against coverage by name.

    Returns:
        The figure as a data URL of an SVG.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(5, 3.2), layout="constrained")
        axes = figure.subplots()
        for place, (name, curve) in enumerate(curves.items()):
            axes.plot(curve.coverage, curve.risk, color=COLOURS[place % 6],
                      label=f"{_plain(name)}, AURC {curve.area:.4f}")  # fmt: skip
        axes.set(xlim=(0, 1), ylim=(0, None), xlabel="share of voxels kept, the surest first",
                 ylabel="share of errors among them")  # fmt: skip
        if curves:
            axes.legend(loc="upper left", frameon=False)
        axes.grid(alpha=0.25)
        return to_svg(figure)


def draw_agreement(
    predicted: NDArray[Any], true: NDArray[Any], *, unit: Literal["mL", "px"] = "mL"
) -> str:
    """Draw volumes after Bland and Altman: difference against mean, bias and limits.

    Args:
        predicted: Volumes, (cases,), float.
        true: Volumes, (cases,), float; cases without both values are counted in the title.
        unit: Of the volumes.

    Returns:
        The figure as a data URL of an SVG.

    Raises:
        ShapeError: If the numbers of cases differ.

    Source:
        Bland and Altman, 1986, doi:10.1016/S0140-6736(86)90837-8.
    """
    said, so = np.asarray(predicted, dtype=np.float64), np.asarray(true, dtype=np.float64)
    if said.shape != so.shape:
        raise ShapeError(
            f"predicted and true must hold one volume a case, not {said.shape} and {so.shape}. "
            "Pass both in the same order."
        )
    both = np.isfinite(said) & np.isfinite(so)
    change, middle = (said - so)[both], ((said + so) / 2)[both]
    with rc_context(STYLE):
        figure = Figure(figsize=(5.4, 3.4), layout="constrained")
        axes = figure.subplots()
        axes.scatter(middle, change, s=16, color=COLOURS[0], alpha=0.7, linewidths=0)
        if len(change):
            spread = 1.96 * change.std(ddof=1) if len(change) > 1 else np.nan
            for name, level in (("bias", 0), ("+1.96 SD", spread), ("-1.96 SD", -spread)):
                if np.isfinite(level):
                    axes.axhline(change.mean() + level, color=INK if name == "bias" else FAILED,
                                 ls="-" if name == "bias" else "--", lw=1,
                                 label=f"{name} {change.mean() + level:.3g} {unit}")  # fmt: skip
            figure.legend(loc="outside upper center", ncols=3, frameon=False)
        axes.set(xlabel=f"mean of predicted and true ({unit})",
                 ylabel=f"predicted - true ({unit})",
                 title=f"{both.sum()} cases, {(~both).sum()} without a value")  # fmt: skip
        axes.grid(alpha=0.25)
        return to_svg(figure)


def draw_models(boards: Mapping[str, Scoreboard], metric: str) -> str:
    """Draw a box for each class and model; absent classes have no value and are not drawn.

    Args:
        boards: Scores by the model's name.
        metric: Row of the scoreboards' metrics.

    Returns:
        The figure as a data URL of an SVG.
    """
    labels = list(dict.fromkeys(label for board in boards.values() for label in board.labels))
    with rc_context(STYLE):
        size = (6, 1.2 + (0.2 + 0.25 * len(boards)) * len(labels))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        for place, (name, board) in enumerate(boards.items()):
            colour, step = COLOURS[place % 6], 0.8 / len(boards)
            axes.plot([], [], color=colour, lw=5, label=_plain(name))
            for row, label in enumerate(labels):
                found = [one.values[metric] for one in board.rows if one.label == label]
                finite = [value for value in found if np.isfinite(value)]
                axes.boxplot([finite], positions=[row + step * (place + 0.5) - 0.4],
                             orientation="horizontal", widths=0.8 * step, patch_artist=True,
                             manage_ticks=False, boxprops={"facecolor": colour, "alpha": 0.6},
                             medianprops={"color": INK}, flierprops={"markersize": 3})  # fmt: skip
        title = next((board.title(metric) for board in boards.values()), metric)
        axes.set(ylim=(len(labels) - 0.4, -0.6), xlabel=title)
        axes.set_yticks(range(len(labels)), [_plain(label) for label in labels])
        axes.grid(axis="x", alpha=0.25)
        if boards:
            figure.legend(loc="outside upper center", ncols=3, frameon=False)
        return to_svg(figure)


def draw_drift(
    series: Mapping[str, Sequence[tuple[float, float]]], *, what: str, along: str = "day"
) -> str:
    """Draw a value against time, a line a patient.

    Args:
        series: (day or visit, value) by patient, in any order.
        what: Name of the value with its unit, such as "volume (mL)".
        along: Name of the time axis.

    Returns:
        The figure as a data URL of an SVG.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(6, 3.2), layout="constrained")
        axes = figure.subplots()
        for place, (name, points) in enumerate(series.items()):
            ordered = np.array(sorted(points), dtype=np.float64).reshape(-1, 2)
            axes.plot(ordered[:, 0], ordered[:, 1], color=COLOURS[place % 6], ms=4,
                      marker=MARKERS[place // 6 % 6], lw=1, label=_plain(name))  # fmt: skip
        axes.set(xlabel=along, ylabel=_plain(what))
        axes.grid(alpha=0.25)
        if 0 < len(series) <= 12:  # more names than that hide the lines
            figure.legend(loc="outside right upper", frameon=False)
        return to_svg(figure)


def _plain(name: str) -> str:
    return name.replace("$", r"\$").lstrip("_")  # no formulas, no names that a legend hides
