"""Which network reaches what with equal steps, and with equal minutes on two cores?

    python benchmarks/networks/comparison.py calibrate           # once, on a quiet machine
    python benchmarks/networks/comparison.py list --seeds 3
    python benchmarks/networks/runner.py                         # does the runs

"Equal minutes" are counted in steps, so that other work on the machine cannot spoil them: each
network and the U-Net take turns at training steps on two threads, and the median ratio of their
times says how many steps the network gets in the minutes that the U-Net's steps take. The
U-Net's row of "steps" is thereby also its row of "minutes".
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from arms import NETWORKS, REFERENCE
from building import NotYetError, make_batches, make_trainer, prepare
from places import CALIBRATION, add_places, origin, save
from runs import Run, sized
from torch import nn

from delineate.learn.supervised import Trainer

TASKS_COMPARED = ("hippocampus3d", "hippocampus25d", "nuclei")


def list_runs(
    tasks: Sequence[str] = TASKS_COMPARED, seeds: int = 3, times: float = 1.0
) -> list[Run]:
    """Order the runs so that to stop at any time leaves balanced rows."""
    return [
        Run(task=task, budget=sized(budget, times), arm=arm, seed=seed)
        for seed in range(seeds)
        for budget in ("steps", "minutes")
        for arm in NETWORKS
        for task in tasks
        if budget == "steps" or arm != REFERENCE
    ]


def calibration_path(task: str, arm: str) -> Path:
    """Where a network's time is kept."""
    return CALIBRATION / f"{task}.{arm}.json"


def calibrate(task: str, name: str, settings: argparse.Namespace) -> dict[str, Any]:
    """Let a network and the U-Net take steps in turn, on the same batches, drawing included."""
    torch.set_num_threads(settings.threads)
    trainers: dict[str, Trainer] = {}
    for arm in dict.fromkeys((REFERENCE, name)):
        ready, plan = prepare(task, NETWORKS[arm], settings.data, settings.work)
        batches = make_batches(ready, plan, 0)
        trainers[arm] = make_trainer(batches, 10_000, 0, settings.device)
    for trainer in trainers.values():
        trainer.model.train()
        for _ in range(3):
            trainer.train_step(batches, 0.5)
    seconds: dict[str, list[float]] = {arm: [] for arm in trainers}
    waits: dict[str, list[float]] = {arm: [] for arm in trainers}
    for _ in range(settings.rounds):
        for arm, trainer in trainers.items():
            start = perf_counter()
            for _ in range(settings.steps_per_turn):
                trainer.train_step(batches, 0.5)
            seconds[arm].append((perf_counter() - start) / settings.steps_per_turn)
    patch = batches.draw(0).image[:1]
    for _ in range(settings.rounds):
        for arm, trainer in trainers.items():
            waits[arm].append(wait_for(trainer, patch))
    ratios = [mine / theirs for mine, theirs in zip(seconds[name], seconds[REFERENCE], strict=True)]
    return {
        "task": task,
        "arm": name,
        "ratio": 1.0 if name == REFERENCE else median(ratios),
        "ratios": ratios,
        "seconds_per_step": median(seconds[name]),
        "fastest_step": min(seconds[name]),
        "latency_ms": {"patch": 1e3 * median(waits[name]), "fastest": 1e3 * min(waits[name])},
        "latency_ratio": median(
            mine / theirs for mine, theirs in zip(waits[name], waits[REFERENCE], strict=True)
        ),
        "patch": tuple(patch.shape),
        "parameters": _size(trainers[name].model),
        **origin(settings.device),
    }


def wait_for(trainer: Trainer, image: torch.Tensor) -> float:
    """Time an answer to one patch, the best of three."""
    trainer.model.eval()
    image = image.to(trainer.device).contiguous(memory_format=trainer.layout)
    best = float("inf")
    with torch.inference_mode(), trainer._precision():
        for _ in range(3):
            start = perf_counter()
            trainer.model(image)
            best = min(best, perf_counter() - start)
    trainer.model.train()
    return best


def _size(model: nn.Module) -> int:
    return sum(value.numel() for value in model.parameters())


def main() -> None:
    """List or calibrate."""
    parser = add_places(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    parser.add_argument("what", choices=("list", "calibrate"))
    parser.add_argument("--tasks", default=",".join(TASKS_COMPARED))
    parser.add_argument("--arms", default=",".join(NETWORKS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps-per-turn", type=int, default=1)
    parser.add_argument("--anew", action="store_true", help="also what was calibrated before")
    parser.set_defaults(threads=2)
    settings = parser.parse_args()
    if settings.what == "list":
        for run in list_runs(settings.tasks.split(","), settings.seeds):
            print(run.id, "done" if run.path.exists() else "")
        return
    for task in settings.tasks.split(","):
        for arm in settings.arms.split(","):
            path = calibration_path(task, arm)
            if path.exists() and not settings.anew:
                continue
            try:
                row = calibrate(task, arm, settings)
            except NotYetError as error:
                print(f"{path.stem}: {error}")
                continue
            save(path, row)
            print(f"{path.stem}: {row['ratio']:.2f} times the U-Net's step", flush=True)


if __name__ == "__main__":
    main()
