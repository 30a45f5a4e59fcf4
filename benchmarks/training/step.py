"""A training step as Delineate takes it, against the same network in plain PyTorch.

Plain means float32, contiguous memory and an unfused AdamW; network, patch, batch and loss are
the same, and both take their steps by turns in one process.

    python benchmarks/training/step.py --out benchmarks/results/training_step.json
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import torch

from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.learn.batches import Batch
from delineate.learn.processes import Processes
from delineate.learn.supervised import Limit, Trainer
from delineate.losses import get_loss
from delineate.losses.compound import deep_supervision
from delineate.models import build_model

sys.path.insert(0, str(Path(__file__).parents[1]))
from table import write

OPTIONS = {"features": [16, 32, 64, 128], "norm": "batch", "deep_supervision": True}


class Fixed:
    """The same batch for every step, so that only the step is timed."""

    def __init__(self, plan: Plan) -> None:
        torch.manual_seed(0)
        self.batch = Batch(
            image=torch.randn(plan.batch_size, 1, *plan.patch),
            target=torch.randint(0, 3, (plan.batch_size, *plan.patch)),
        )

    def draw(self, step: int) -> Batch:
        """Return it."""
        del step
        return self.batch


def ours(plan: Plan, fixed: Fixed) -> Callable[[], None]:
    """Build Delineate's step."""
    model = build_model(plan.model, 1, 3, 3, **plan.model_options)
    trainer = Trainer(plan=plan, model=model, limit=Limit(steps=100), seed=0, processes=Processes())
    return lambda: trainer.train_step(fixed, 0.5)


def plain(plan: Plan, fixed: Fixed) -> Callable[[], None]:
    """Build the step that a tutorial would write."""
    model = build_model(plan.model, 1, 3, 3, **plan.model_options)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=False, foreach=False)
    loss = get_loss(plan.loss)

    def step() -> None:
        optimiser.zero_grad()
        deep_supervision(model(fixed.batch.image), fixed.batch.target, loss).backward()
        optimiser.step()

    return step


def main() -> None:
    """Time both by turns and write the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--patch", type=int, nargs=3, default=(40, 56, 40))
    parser.add_argument("--features", type=int, nargs="+", default=OPTIONS["features"])
    options = parser.parse_args()
    network = {**OPTIONS, "features": options.features}
    plan = Plan(
        dataset="noise",
        layout="phantoms",
        labels=LabelTable.of_names({"a": 1, "b": 2}),
        channels=("MR",),
        dims=3,
        canonical=True,
        spacing_mm=(1.0, 1.0, 1.0),
        normalisation=({"kind": "zscore"},),
        patch=tuple(options.patch),
        batch_size=options.batch,
        model="unet",
        model_options=network,
        loss="dice_ce",
    )
    fixed = Fixed(plan)
    steps = {"delineate": ours(plan, fixed), "plain": plain(plan, fixed)}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(options.rounds + 1):
        for name, step in steps.items():
            start = perf_counter()
            step()
            if turn:  # the first round warms up
                times[name].append(perf_counter() - start)
    ratio = median(times["plain"]) / median(times["delineate"])
    result = {
        "seconds": {name: round(median(values), 4) for name, values in times.items()},
        "ratio": round(ratio, 2),
        "patch": list(plan.patch),
        "batch": plan.batch_size,
        "network": network,
    }
    print(json.dumps(result, indent=1))
    if options.out:
        answer = (
            f"{ratio:.1f}x faster ({median(times['delineate']):.2f} s against "
            f"{median(times['plain']):.2f} s)"
        )
        width = "-".join(map(str, options.features))
        question = f"One training step of U-Net {width} against plain fp32 contiguous PyTorch"
        write(options.out, question, answer, result)


if __name__ == "__main__":
    main()
