"""Scores as strips of points beside boxes, and the curves of a training run."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from delineate.core.labels import PALETTE
from delineate.fields import MISTAKE_COLOURS
from delineate.metrics import Scoreboard
from delineate.metrics.tally import Tallies

FAILED = "#d4213d"
INK, FAINT = "#1d2733", "#8a94a0"
STYLE: dict[Any, Any] = {  # the keys are a closed list of names
    "font.size": 9, "axes.edgecolor": FAINT, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": INK, "ytick.color": INK, "svg.hashsalt": "delineate", "axes.titlesize": 10,
    "axes.spines.top": False, "axes.spines.right": False,
}  # fmt: skip


def draw_scores(board: Scoreboard, metric: str) -> str:
    """Draw one metric: a strip of points and a box for each class.

    Cases with the worst value by convention (missed, spurious) are crosses; where they lie
    far outside they stand at the edge, so that the others keep their room.

    Args:
        board: The scores.
        metric: Row of `METRICS`.

    Returns:
        The figure as a data URL of an SVG.
    """
    with rc_context(STYLE):
        height = 0.9 + 0.42 * len(board.labels)
        figure = Figure(figsize=(5.4, height), layout="constrained")
        axes = figure.subplots()
        scored = [row.values[metric] for row in board.rows if row.status == "scored"]
        limits = _limits(scored, is_share=board.metrics[metric].unit == "")
        failed = [row.values[metric] for row in board.rows if row.status in ("missed", "spurious")]
        if any(not limits[0] <= value <= limits[1] for value in failed):
            limits = _add_gutter(axes, limits, is_left=board.metrics[metric].better == "higher")
        for place, label in enumerate(board.labels):
            _draw_strip(axes, board, metric, label, place, limits)
        axes.set(xlim=limits, ylim=(len(board.labels) - 0.4, -0.6), xlabel=board.title(metric))
        axes.set_yticks(range(len(board.labels)), [_short(name) for name in board.labels])
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", alpha=0.25)
        axes.spines["left"].set_visible(False)
        return to_svg(figure)


def draw_curves(curves: Mapping[str, Sequence[float]]) -> str:
    """Draw a run: the loss on the left, validation scores on the right.

    Args:
        curves: Series of equal length: "step", "seconds", "loss", "learning_rate" and scores
            in [0, 1] by name; nan where nothing was measured.

    Returns:
        The figure as a data URL of an SVG.
    """
    scores = [name for name in curves if name not in ("step", "seconds", "loss", "learning_rate")]
    minutes = [second / 60 for second in curves.get("seconds", ())]
    along = minutes or list(curves.get("step", range(len(next(iter(curves.values()), ())))))
    with rc_context(STYLE):
        figure = Figure(figsize=(9, 3), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot(along, curves.get("loss", [np.nan] * len(along)), color=INK, marker=".")
        left.set(ylabel="training loss")
        for place, name in enumerate(scores):
            colour = INK if name == "dice" else _colour(place - ("dice" in scores))
            title = "mean" if name == "dice" else _short(name.removeprefix("dice "))
            values = np.asarray(curves[name], dtype=np.float64)
            right.plot(along, values, color=colour, marker=".", lw=2 if name == "dice" else 1.2,
                       label=f"{title} {values[-1]:.3f}")  # fmt: skip
        right.set(ylabel="validation Dice, whole cases", ylim=(0, 1))
        for axes in (left, right):
            axes.set_xlabel("minutes of training" if minutes else "step")
            axes.grid(alpha=0.25)
        if scores:
            right.legend(loc="lower right", frameon=False)
        return to_svg(figure)


def draw_tallies(tallies: Tallies) -> str:
    """Draw mistakes per 100 true nuclei as bars: of all, by size and by type.

    Args:
        tallies: The counts; groups without a true nucleus have no bar.

    Returns:
        The figure as a data URL of an SVG.
    """
    groups = [tallies.total, *tallies.by_size, *tallies.by_type]
    kinds = [kind for kind in MISTAKE_COLOURS if kind != "matched"]
    kinds = kinds if tallies.by_type else [kind for kind in kinds if kind != "mistyped"]
    with rc_context(STYLE):
        figure = Figure(figsize=(9, 1.3 + 0.34 * len(groups)), layout="constrained")
        axes = figure.subplots()
        shares = np.array([[100 * getattr(one, kind) / max(one.num_true, 1) * (one.num_true > 0)
                            for kind in kinds] for one in groups])  # fmt: skip
        starts = np.cumsum(shares, axis=1) - shares
        for place, kind in enumerate(kinds):
            colour = tuple(part / 255 for part in MISTAKE_COLOURS[kind])
            axes.barh(range(len(groups)), shares[:, place], left=starts[:, place], height=0.68,
                      color=[colour], edgecolor="white", linewidth=0.8, label=kind)  # fmt: skip
        axes.set_yticks(
            range(len(groups)), [f"{_short(one.name)} ({one.num_true})" for one in groups]
        )
        axes.set(ylim=(len(groups) - 0.4, -0.6), xlabel="mistakes per 100 true nuclei")
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", alpha=0.25)
        axes.set_axisbelow(True)
        figure.legend(loc="outside upper center", ncols=len(kinds), frameon=False)
        return to_svg(figure)


def _limits(values: Sequence[float], *, is_share: bool) -> tuple[float, float]:
    finite = [value for value in values if np.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    room = max(0.08 * (high - low), 0.01 if is_share else 0.1)
    if is_share:
        return low - room, min(1.0 + room / 4, high + room)
    return -room / 2 if low < high / 2 else low - room, high + room


def _add_gutter(axes: Axes, limits: tuple[float, float], *, is_left: bool) -> tuple[float, float]:
    """Shade a strip beside the scale for the cases that lie far beyond it."""
    low, high = limits
    width = 0.06 * (high - low) / 0.94
    start, stop = (low - width, low) if is_left else (high, high + width)
    axes.axvspan(start, stop, color=FAILED, alpha=0.1, linewidth=0)
    return min(low, start), max(high, stop)


def _draw_strip(
    axes: Axes, board: Scoreboard, metric: str, label: str, place: int, limits: tuple[float, float]
) -> None:
    rows = [row for row in board.rows if row.label == label]
    scored = np.array([row.values[metric] for row in rows if row.status == "scored"])
    failed = np.array([row.values[metric] for row in rows if row.status in ("missed", "spurious")])
    spread = np.random.default_rng(place).uniform(-0.22, 0.22, size=len(rows))
    colour = _colour(place)
    if len(scored) >= 5:  # fewer points say more than their quartiles
        axes.boxplot(
            [scored], positions=[place], orientation="horizontal", widths=0.62, showfliers=False,
            boxprops={"color": FAINT}, whiskerprops={"color": FAINT}, capprops={"color": FAINT},
            medianprops={"color": INK, "linewidth": 1.8}, manage_ticks=False,
        )  # fmt: skip
    axes.scatter(
        scored, place + spread[: len(scored)], s=14, color=colour, alpha=0.65, linewidths=0,
        rasterized=len(rows) > 500, zorder=3,
    )  # fmt: skip
    if len(failed):
        rim = 0.03 * (limits[1] - limits[0])
        shown = np.clip(failed, limits[0] + rim, limits[1] - rim)
        axes.scatter(
            shown, place + spread[len(scored) : len(scored) + len(failed)],
            s=34, marker="x", color=FAILED, linewidths=1.6, clip_on=False, zorder=4,
        )  # fmt: skip


def _colour(place: int) -> tuple[float, ...]:
    return tuple(part / 255 for part in PALETTE[place % len(PALETTE)])


def _short(name: str, limit: int = 24) -> str:
    plain = name.replace("$", r"\$")  # no formulas out of names
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def to_svg(figure: Figure) -> str:
    """Write a figure.

    Args:
        figure: What was drawn.

    Returns:
        A data URL of an SVG, equal for equal figures.
    """
    target = io.BytesIO()
    figure.savefig(target, format="svg", metadata={"Date": None}, transparent=True, dpi=150)
    return "data:image/svg+xml;base64," + base64.b64encode(target.getvalue()).decode("ascii")
