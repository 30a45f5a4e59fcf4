"""Few labels, and what images without labels add: the mean teacher on or off.

    python benchmarks/networks/unlabelled.py --task hippocampus25d --share 0.1 --seeds 2

Each run is one JSON in `unlabelled/`, named task.unlabelled.network-share-arm.seed; a run whose
file exists is never done again. Arms: `few` learns from the labelled share alone; `teacher` also
from the images of the other training cases, their labels set aside; a number behind it is the
weight of consistency, one behind a p the passes.
"""

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import torch
from arms import NETWORKS
from building import build, prepare
from judging import fit_temperature, judge
from places import HERE, add_places, origin, rows, save
from runs import NUM_TUNING, spread
from tasks import TASKS

from delineate.learn.batches import Batches
from delineate.learn.processes import Processes
from delineate.learn.selection import keep_labelled
from delineate.learn.supervised import Limit, Trainer
from delineate.learn.unlabelled import Unlabelled

BUDGET = "unlabelled"
KEPT = HERE / BUDGET


def objective_of(arm: str) -> dict[str, Any]:
    """Read an arm's name: few, teacher, teacher1, teacher0.1p8 (eight passes)."""
    if arm == "few":
        return {}
    weight, _, passes = arm.removeprefix("teacher").partition("p")
    chosen: dict[str, Any] = {"consistency": float(weight or 0.1)}
    return chosen | ({"consistency_passes": int(passes)} if passes else {})


def name_of(settings: argparse.Namespace, arm: str, seed: int) -> str:
    """Name a row's file."""
    few = f"{settings.model}-{settings.share:g}-{arm}".replace(".", "p")
    return f"{settings.task}.{BUDGET}.{few}.s{seed}"


def perform(settings: argparse.Namespace, arm: str, seed: int) -> dict[str, Any]:
    """Train, judge and describe."""
    ready, plan = prepare(settings.task, NETWORKS[settings.model], settings.data, settings.work)
    plan = replace(plan, objective={**plan.objective, **objective_of(arm)})
    ids = ready.division.training
    patients = {case_id: case_id for case_id in ids}
    labelled, rest = keep_labelled(ids, patients, settings.share, seed)
    store = ready.store(plan)
    steps = settings.steps or TASKS[settings.task].steps
    trainer = Trainer(
        plan=plan,
        model=build(plan, seed, settings.device),
        limit=Limit(steps=steps),
        seed=seed,
        processes=Processes(),
        unlabelled=Unlabelled(store, rest).batches(seed=seed),
    )
    every = max(1, steps // 6)

    def each(loop: Trainer, share: float) -> None:
        if loop.step % every == 0 or share >= 1:
            loop.note()

    start = perf_counter()
    trainer.run(Batches(store, labelled, seed=seed), each=each)
    spent = perf_counter() - start
    model = trainer.model
    model.load_state_dict(trainer.average)
    model.eval()
    tuning = spread(ready.division.tuning, NUM_TUNING)
    temperature = fit_temperature(model, plan, store, tuning, side=None)
    verdict = judge(model, plan, store, ready.division.judging, side=None, temperature=temperature)
    return {
        "id": name_of(settings, arm, seed),
        "task": settings.task,
        "budget": BUDGET,
        "arm": arm,
        "model": settings.model,
        "share": settings.share,
        "seed": seed,
        "objective": plan.objective,
        "labelled": labelled,
        "num_unlabelled": len(rest),
        "steps": trainer.step,
        "seconds": spent,
        "parameters": sum(value.numel() for value in model.parameters()),
        "scores": verdict.scores(),
        "cases": verdict.rows,
        "history": trainer.history,
        **origin(settings.device),
    }


def table(found: Sequence[dict[str, Any]]) -> list[str]:
    """Lay the rows out: an arm a line, Dice of each seed."""
    lines = ["| task | network | labels | arm | Dice by seed | mean | s a run |"]
    lines.append("|---|---|---|---|---|---|---|")
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in found:
        key = (row["task"], row["model"], row["share"], row["arm"])
        groups.setdefault(key, []).append(row)
    for (task, model, share, arm), members in sorted(groups.items()):
        dice = [row["scores"]["dice"] for row in members]
        seconds = statistics.mean(row["seconds"] for row in members)
        each = ", ".join(f"{value:.3f}" for value in dice)
        lines.append(
            f"| {task} | {model} | {share:.0%} | {arm} | {each} | {statistics.mean(dice):.3f} "
            f"| {seconds:.0f} |"
        )
    return lines


def main() -> None:
    """Do the runs that are not done, one after another, and print the table."""
    parser = add_places(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    parser.add_argument("--task", default="hippocampus25d", choices=sorted(TASKS))
    parser.add_argument("--model", default="unet", choices=sorted(NETWORKS))
    parser.add_argument("--share", type=float, default=0.1, help="of training cases with labels")
    parser.add_argument("--arms", nargs="+", default=["few", "teacher"])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, help="steps of the optimiser; the task's if left out")
    settings = parser.parse_args()
    torch.set_num_threads(settings.threads)
    for seed in range(settings.seeds):
        for arm in settings.arms:
            path = KEPT / f"{name_of(settings, arm, seed)}.json"
            if not path.exists():
                save(path, perform(settings, arm, seed))
                print(path.stem, flush=True)
    print("\n".join(table(rows(KEPT))))


if __name__ == "__main__":
    main()
