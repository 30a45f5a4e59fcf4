"""One run: a network trained on a task under a budget with a seed, judged and written down.

    python benchmarks/networks/runs.py hippocampus3d.steps.unet.s0

Exit codes: 0 done (now or before), 3 not possible yet, 4 another process is at it.
"""

import argparse
import fcntl
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from arms import ABLATION, NETWORKS, REFERENCE, Arm
from building import NotYetError, make_batches, make_trainer, prepare
from judging import fit_temperature, judge
from places import CALIBRATION, NOT_YET, RUNS, TAKEN, add_places, origin, save
from refinement import measure
from tasks import TASKS
from torch import nn

from delineate.learn.supervised import Trainer

NAME = re.compile(r"(?P<task>\w+)\.(?P<budget>\w+)\.(?P<arm>[\w.-]+)\.s(?P<seed>\d+)")
NUM_TUNING = 16
"""Cases that the temperature is fitted to."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What tells one row from another."""

    task: str
    budget: str
    """"steps" and "minutes" compare networks; "ablation" turns switches; "smoke" is a test.
    "steps_x4" has four times the steps, "steps_x0p1" a tenth."""
    arm: str
    seed: int

    @property
    def id(self) -> str:
        """Name of the row's file."""
        return f"{self.task}.{self.budget}.{self.arm}.s{self.seed}"

    @property
    def kind(self) -> str:
        """The budget without its size."""
        return self.budget.split("_x")[0]

    @property
    def times(self) -> float:
        """Its size."""
        _, _, text = self.budget.partition("_x")
        return float(text.replace("p", ".")) if text else 1.0

    @property
    def path(self) -> Path:
        """The row's file; a run whose file exists is done."""
        return RUNS / f"{self.id}.json"

    @classmethod
    def of(cls, text: str) -> "Run":
        """Read an id."""
        found = NAME.fullmatch(text)
        if found is None:
            raise SystemExit(f"{text!r} is no run; one is hippocampus3d.steps.unet.s0.")
        parts = found.groupdict()
        return cls(**{**parts, "seed": int(parts["seed"])})

    def find_arm(self) -> Arm:
        """Look up the network and its changes."""
        table = ABLATION if self.kind == "ablation" else NETWORKS
        if self.arm not in table:
            raise SystemExit(f"There is no arm {self.arm!r} for {self.budget}: {sorted(table)}.")
        return table[self.arm]


def sized(budget: str, times: float) -> str:
    """Name a budget of so many times the usual steps."""
    return budget if times == 1 else f"{budget}_x{times:g}".replace(".", "p")


def num_steps(run: Run) -> int:
    """Tell the steps that a budget holds."""
    steps = max(1, round(TASKS[run.task].steps * run.times))
    if run.kind == "smoke":
        return 8
    if run.kind != "minutes" or run.arm == REFERENCE:
        return steps
    path = CALIBRATION / f"{run.task}.{run.arm}.json"
    if not path.exists():
        raise NotYetError(f"Run `comparison.py calibrate` for {path.stem} first.")
    return max(1, round(steps / json.loads(path.read_text())["ratio"]))


def perform(run: Run, settings: argparse.Namespace) -> dict[str, Any]:
    """Train, judge and describe."""
    arm, task = run.find_arm(), TASKS[run.task]
    steps = num_steps(run)
    ready, plan = prepare(run.task, arm, settings.data, settings.work)
    store, batches = ready.store(plan), make_batches(ready, plan, run.seed)
    trainer = make_trainer(batches, steps, run.seed, settings.device)
    every = max(1, steps // 8)

    def each(loop: Trainer, share: float) -> None:
        if loop.step % every == 0 or share >= 1:
            loop.note()

    start = perf_counter()
    trainer.run(batches, each=each)
    spent = perf_counter() - start
    model = trainer.model
    model.load_state_dict(trainer.average)
    model.eval()
    few = 2 if run.kind == "smoke" else None
    tuning, judging = spread(ready.division.tuning, few or NUM_TUNING), ready.division.judging[:few]
    start = perf_counter()
    temperature = fit_temperature(model, plan, store, tuning, side=task.judged_px)
    verdict = judge(model, plan, store, judging, side=task.judged_px, temperature=temperature)
    if run.seed == 0 and run.kind != "smoke":
        keep(model, settings.work / "weights" / f"{run.id}.safetensors")
    refined = measure(
        model, plan, store, judging, task.judged_px, is_long=run.seed == 0 and run.kind != "smoke"
    )
    return {
        "id": run.id,
        "task": run.task,
        "budget": run.budget,
        "arm": run.arm,
        "seed": run.seed,
        "title": arm.title or arm.name,
        "steps": trainer.step,
        "skipped": trainer.skipped,
        "batch_size": plan.batch_size,
        "patch": plan.patch,
        "seconds": spent,
        "judging_seconds": perf_counter() - start,
        "parameters": sum(value.numel() for value in model.parameters()),
        "model": plan.model,
        "model_options": plan.model_options,
        "changes": dict(arm.changes),
        "plan_hash": plan.hash(),
        "num_training": len(ready.division.training),
        "scores": verdict.scores(),
        **({} if refined is None else {"refinement": refined}),
        "cases": verdict.rows,
        "history": trainer.history,
        **origin(settings.device),
    }


def spread(ids: Sequence[str], count: int) -> list[str]:
    """Take so many cases, evenly over the list, its first among them."""
    number = min(count, len(ids))
    return [ids[place * len(ids) // number] for place in range(number)]


def keep(model: nn.Module, path: Path) -> None:
    """Save weights for the curves of robustness."""
    from safetensors.torch import save_file

    from delineate.core.files import whole

    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.contiguous().cpu() for name, value in model.state_dict().items()}
    with whole(path) as draft:
        save_file(tensors, str(draft))


def main() -> None:
    """Do one run unless it is done."""
    parser = add_places(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    parser.add_argument("run", type=Run.of)
    settings = parser.parse_args()
    torch.set_num_threads(settings.threads)
    run: Run = settings.run
    if run.path.exists():
        return
    lock = settings.work / "locks" / run.id
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(TAKEN)
        try:
            row = perform(run, settings)
        except NotYetError as error:
            print(f"{run.id}: {error}")
            sys.exit(NOT_YET)
        if run.kind == "smoke":
            print(row["id"], row["parameters"], row["seconds"], row["scores"])
        else:
            save(run.path, row)


if __name__ == "__main__":
    main()
