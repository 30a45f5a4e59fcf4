"""A run's curves as one picture: loss, learning rate and validation scores over time."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from delineate.core.files import whole

KNOWN = ("step", "seconds", "loss", "learning_rate")
WEIGHTS = ("class_weights ", "beta ", "term ")
"""How names of weights begin, which are no scores."""


def draw_curves(path: Path, history: Sequence[dict[str, float]]) -> None:
    """Draw the history of a run.

    Args:
        path: A .png file, written whole or not at all.
        history: A row per report: step, seconds, loss, learning_rate and scores in [0, 1].
    """
    minutes = [row["seconds"] / 60 for row in history]
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(minutes, [row["loss"] for row in history], color="tab:red", marker=".", label="loss")
    left.set(xlabel="minutes of training", ylabel="training loss", ylim=(0, None))
    rate = left.twinx()
    rate.plot(minutes, [row["learning_rate"] for row in history], color="0.6", ls="--")
    rate.set(ylabel="learning rate (dashed)", ylim=(0, None))
    last = history[-1] if history else {}
    names = [name for name in last if name not in KNOWN and not name.startswith(WEIGHTS)]
    for name in names:
        values = [row.get(name, float("nan")) for row in history]
        width = 2.0 if name == "dice" else 1.0
        label = f"{name.removeprefix('dice ') if name != 'dice' else 'mean'} {values[-1]:.3f}"
        right.plot(minutes, values, marker=".", lw=width, label=label)
    right.set(xlabel="minutes of training", ylabel="Dice, whole validation cases", ylim=(0, 1))
    right.grid(alpha=0.3)
    if names:
        right.legend(loc="lower right", frameon=False)
    else:
        right.text(0.5, 0.5, "no validation cases", ha="center", transform=right.transAxes)
    with whole(path) as draft:
        figure.savefig(draft, dpi=110)
