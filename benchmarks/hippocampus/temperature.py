"""The temperature of a shipped model, fitted and measured on cases that it did not learn from.

    python benchmarks/hippocampus/temperature.py DATA --out RESULT.json --store

What a run stores is fitted on all unseen cases. What that is worth is measured here on other
cases than those of the fit: half of the patients fit, the other half measure, and the reverse.
With --store, the temperature goes into the bundle, as `delineate train` would have put it there.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch

from delineate.core.files import write_text
from delineate.datasets import open_dataset
from delineate.infer.bundle import find_bundle, load_bundle
from delineate.infer.predictor import Predictor
from delineate.learn.selection import choose_cases
from delineate.learn.temperature import Calibrated, Voxels, calibration_error

sys.path.insert(0, str(Path(__file__).parents[1]))
from table import write

Watcher = Callable[[int, torch.Tensor], None]

END = "\n```\n\n## Training"
"""Where a card's scores end."""


def both(*watchers: Watcher | None) -> Watcher:
    """Tell several what one prediction tells one."""

    def tell(first: int, logits: torch.Tensor) -> None:
        for watcher in watchers:
            if watcher is not None:
                watcher(first, logits)

    return tell


def measure(fitted: Voxels, unseen: Voxels) -> dict[str, float]:
    """Fit on one half, and measure on the other, without and with what was fitted."""
    found = fitted.calibrate()
    assert found is not None
    logits, truth = torch.cat(unseen.logits, dim=1), torch.cat(unseen.truth, dim=1)
    return {
        "temperature": found.temperature,
        "ece": calibration_error(logits, truth, unseen.kind),
        "ece_tempered": calibration_error(logits / found.temperature, truth, unseen.kind),
        "num_voxels": logits.shape[1],
    }


def store(folder: Path, found: Calibrated) -> None:
    """Put a temperature into scores and card."""
    scores = json.loads((folder / "metrics.json").read_text())
    if "calibration" in scores:
        raise SystemExit(f"{folder} has a temperature already.")
    card = (folder / "card.md").read_text()
    if card.count(END) != 1:
        raise SystemExit(f"{folder / 'card.md'} has its scores elsewhere.")
    scores["calibration"] = found.to_dict()
    write_text(folder / "metrics.json", json.dumps(scores, indent=2, ensure_ascii=False))
    told = END.replace("\n\n## ", f"\n\n{found.text}\n\n## ")
    write_text(folder / "card.md", card.replace(END, told))


def main() -> None:
    """Predict the unseen cases once, fit, measure, and store if wanted."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="hippocampus")
    parser.add_argument("--fold", default="0")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--store", action="store_true")
    options = parser.parse_args()
    plan, dataset = load_bundle(options.model).plan, open_dataset(options.data)
    _, cases = choose_cases(plan, dataset, options.fold, None, None)
    predictor = Predictor.load(options.model, device=options.device)
    whole = Voxels(plan, len(cases))
    halves = [Voxels(plan, -(-len(cases) // 2)) for _ in range(2)]
    for place, name in enumerate(cases):
        case = dataset.case(name)
        predictor.predict(case, watch=both(whole.watch(case), halves[place % 2].watch(case)))
    found = whole.calibrate()
    if found is None:
        raise SystemExit(f"{options.model} is no model of regions: nothing is tempered.")
    first, second = halves
    rows = [measure(first, second), measure(second, first)]
    before, after = (sum(row[key] for row in rows) / 2 for key in ("ece", "ece_tempered"))
    answer = (
        f"T = {found.temperature:.3f}; expected calibration error of cases that did not fit it "
        f"{before:.4f} before, {after:.4f} after"
    )
    figures = {"stored": asdict(found), "unseen": rows, "num_cases": len(cases)}
    write(options.out, f"The temperature of the shipped model {options.model}", answer, figures)
    if options.store:
        store(find_bundle(options.model), found)


if __name__ == "__main__":
    main()
