"""Curves of Delineate and nnU-Net on the same held-out cases, as JSON and one picture.

    delineate train DATA --out RUN --budget 30m
    python benchmarks/hippocampus/nnunet_peer.py DATA SPLIT.json WORK --minutes 30
    python benchmarks/hippocampus/compare.py RUN WORK DATA --out benchmarks/results/hippocampus.json

Delineate's points are whole-case validations while it trains; nnU-Net's are predictions of the
same cases with the weights of 5, 15 and 30 minutes. Both are mean Dice over cases and classes.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from delineate.metrics.overlap import dice
from delineate.readers import read_mask

sys.path.insert(0, str(Path(__file__).parents[1]))
from table import write


def score(folder: Path, truth: Path, cases: list[str]) -> float:
    """Mean Dice over cases and the two classes."""
    rows = []
    for case in cases:
        said = read_mask(folder / f"{case}.nii.gz").array
        true = read_mask(truth / f"{case}.nii.gz").array
        rows.append([dice(said == label, true == label) for label in (1, 2)])
    return float(np.nanmean(rows))


def draw(path: Path, ours: list[list[float]], theirs: list[list[float]]) -> None:
    """Draw both curves."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.plot(*zip(*ours, strict=True), marker="o", label=f"Delineate ({ours[-1][1]:.3f})")
    axes.plot(*zip(*theirs, strict=True), marker="s", label=f"nnU-Net v2 ({theirs[-1][1]:.3f})")
    axes.set(xlabel="minutes of training, 2 CPU cores", ylabel="mean Dice, unseen cases")
    axes.set_ylim(0, 1)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False)
    figure.savefig(path, dpi=130)


def main() -> None:
    """Score, write and draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    history = json.loads((options.run / "history.json").read_text())
    ours = [[row["seconds"] / 60, row["dice"]] for row in history]
    cases = json.loads((options.run / "run.json").read_text())["validation_cases"]
    peer = json.loads((options.work / "run.json").read_text())
    theirs = [
        [
            entry["minutes"],
            score(
                options.work / "predictions" / f"{entry['minutes']:g}",
                options.data / "labelsTr",
                cases,
            ),
        ]
        for entry in peer["kept"]
    ]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    draw(options.out.with_suffix(".png"), ours, theirs)
    last = theirs[-1][0]
    beside = next(score for minute, score in ours if minute >= last - 0.1)
    answer = (
        f"mean Dice {beside:.3f} after {last:.0f} minutes where nnU-Net has {theirs[-1][1]:.3f}; "
        f"{ours[-1][1]:.3f} after {ours[-1][0]:.0f}"
    )
    figures = {
        "minutes_and_dice": {"delineate": ours, "nnunet": theirs},
        "steps": {"delineate": history[-1]["step"], "nnunet": peer["steps"]},
        "cases": cases,
    }
    write(options.out, "Hippocampus, the same 168 cases to learn from, 42 unseen", answer, figures)


if __name__ == "__main__":
    main()
