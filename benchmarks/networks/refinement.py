"""Does refinement help wherever it is on, and is the network's doubt worth something?

    python benchmarks/networks/refinement.py

Reads the rows of all MedSegFormer runs; each was measured when it was made: Dice with and
without refinement of the same weights, with the first seed also at other shares of refined
pixels; the error of calibration before and after one temperature, fitted to other cases; how
well doubt finds errors; and how a case's mean doubt goes with its Dice.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from judging import logits_of, middle
from places import HERE, rows, save
from torch import nn

from delineate.core.plan import Plan
from delineate.learn.store import Store

SHARES = (0.01, 0.03, 0.0625, 0.125, 0.25, 0.5, 1.0)
NUM_CURVE = 8
"""Judged cases of the curve, evenly taken."""
GOALS = {"ece_tempered": 0.02, "error_auroc": 0.90}


def quick_dice(
    model: nn.Module, plan: Plan, store: Store, ids: Sequence[str], side: int | None
) -> dict[str, float]:
    """Pooled Dice, mean over classes, and the share of pixels of the right class."""
    counts = np.zeros((len(plan.labels.labels), 2), dtype=np.int64)
    right = total = 0
    for name in ids:
        image, truth = middle(store.get(name), side)
        logits = logits_of(model, plan, image)
        if plan.task == "instances":
            said, true = (logits[0] > 0).numpy().astype(int), (truth[0] > 0).astype(int)
        else:
            said, true = logits.argmax(0).numpy(), truth[0].astype(int)
        counted = true >= 0
        right += int((said == true)[counted].sum())
        total += int(counted.sum())
        for place in range(len(counts)):
            mine, theirs = (said == place + 1) & counted, true == place + 1
            counts[place] += (2 * int((mine & theirs).sum()), int(mine.sum() + theirs.sum()))
    known = counts[:, 1] > 0
    return {
        "dice": float((counts[known, 0] / counts[known, 1]).mean()) if known.any() else 0.0,
        "accuracy": right / max(1, total),
    }


def measure(
    model: Any, plan: Plan, store: Store, ids: Sequence[str], side: int | None, *, is_long: bool
) -> dict[str, Any] | None:
    """Compare one network's answers with and without its refinement; None where it has none."""
    refiner = getattr(model, "refiner", None)
    if refiner is None:
        return None
    model.eval()
    refined = quick_dice(model, plan, store, ids, side)
    model.refiner = None
    coarse = quick_dice(model, plan, store, ids, side)
    model.refiner = refiner
    found: dict[str, Any] = {"refined": refined, "coarse": coarse}
    if is_long:
        own = refiner.choice
        few = ids[:: max(1, len(ids) // NUM_CURVE)]
        found |= {"curve": [], "curve_cases": len(few)}
        for share in SHARES:
            refiner.choice = replace(own, shares=(share,) * len(own.shares))
            found["curve"].append({"share": share, **quick_dice(model, plan, store, few, side)})
        refiner.choice = own
    return found


def main() -> None:
    """Gather the rows and tell whether the goals are met."""
    lines, kept = [], []
    for row in rows():
        found = row.get("refinement")
        if not found:
            continue
        scores = row["scores"]
        gain = found["refined"]["dice"] - found["coarse"]["dice"]
        kept.append(
            {
                "id": row["id"],
                "dice_refined": found["refined"]["dice"],
                "dice_coarse": found["coarse"]["dice"],
                "gain": gain,
                "curve": found.get("curve"),
                **{
                    key: scores.get(key)
                    for key in ("ece", "ece_tempered", "temperature", "error_auroc", "spearman")
                },
            }
        )
        lines.append(
            f"| {row['id']} | {found['coarse']['dice']:.3f} | {found['refined']['dice']:.3f} "
            f"| {gain:+.3f} | {_said(scores['ece'])} | {_said(scores['ece_tempered'])} "
            f"| {_said(scores['error_auroc'])} | {_said(scores['spearman'])} |"
        )
    head = "| run | Dice coarse | refined | gain | ECE | after temperature | AUROC | Spearman |"
    print("\n".join([head, "|---|---|---|---|---|---|---|---|", *lines]))
    if kept:
        save(HERE / "refinement.json", {"goals": GOALS, **_verdict(kept), "runs": kept})


def _verdict(kept: list[dict[str, Any]]) -> dict[str, Any]:
    def share(is_met: list[bool]) -> str:
        return f"{sum(is_met)} of {len(is_met)}"

    return {
        "refined_is_no_worse": share([row["gain"] >= 0 for row in kept]),
        "ece_tempered_met": share([(row["ece_tempered"] or 1) <= 0.02 for row in kept]),
        "error_auroc_met": share([(row["error_auroc"] or 0) >= 0.90 for row in kept]),
    }


def _said(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
