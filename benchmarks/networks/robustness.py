"""How does each network's score fall when images get worse?

    python benchmarks/networks/robustness.py --work RUNS/networks

Takes the kept weights (first seed, equal steps), damages the judged images in five severities,
and scores them as the comparison did. One JSON a run and damage, in `robustness/`; what is there
is not done again. `--draw` makes the curves.
"""

import argparse
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from arms import NETWORKS
from building import NotYetError, build, prepare
from corruptions import CORRUPTIONS, SEVERITIES, Damage
from judging import judge
from places import HERE, add_places, origin, save
from runs import Run
from safetensors.torch import load_file
from tasks import TASKS

FOLDER = HERE / "robustness"
PICTURE = HERE.parent / "results" / "networks_robustness.png"
HEADLINE = {"regions": "dice", "instances": "nuclei"}
KEPT = ("dice", "band", "nuclei", "aji", "pq", "pooled", "ece", "error_auroc")
NUM_CASES = 12
"""Judged cases that are damaged; all images of MoNuSeg and the first of the rest."""


@dataclass(kw_only=True, eq=False)
class Bench:
    """One trained network and the cases that are damaged."""

    run: Run
    settings: argparse.Namespace
    clean: dict[str, float] | None = None

    def __post_init__(self) -> None:
        """Load the weights."""
        settings = self.settings
        self.weights = settings.work / "weights" / f"{self.run.id}.safetensors"
        if not self.weights.exists():
            raise NotYetError("its weights are not there.")
        arm = self.run.find_arm()
        self.ready, self.plan = prepare(self.run.task, arm, settings.data, settings.work)
        self.model = build(self.plan, 0, settings.device)
        self.model.load_state_dict(load_file(str(self.weights)))
        self.ids = self.ready.division.judging[: settings.cases]

    def suits(self, damage: str) -> bool:
        """Tell whether such images come with this damage."""
        kind, is_tissue = CORRUPTIONS[damage], self.plan.task == "instances"
        return not (kind.only_scans if is_tissue else kind.only_tissue)

    def score(self, damage: str, severity: int) -> dict[str, float]:
        """Score under one damage; severity 0 leaves the images as they are."""
        if severity == 0 and self.clean is not None:
            return self.clean
        change = Damage(name=damage, severity=severity, plan=self.plan) if severity else None
        store, side = self.ready.store(self.plan), TASKS[self.run.task].judged_px
        verdict = judge(self.model, self.plan, store, self.ids, side=side, change=change).scores()
        found = {key: verdict[key] for key in KEPT if key in verdict}
        if severity == 0:
            self.clean = found
        return found

    def measure(self, damage: str) -> dict[str, Any]:
        """Make the row of one damage."""
        return {
            "id": self.run.id,
            "task": self.run.task,
            "arm": self.run.arm,
            "damage": damage,
            "headline": HEADLINE[self.plan.task],
            "curve": [self.score(damage, severity) for severity in range(SEVERITIES + 1)],
            "cases": self.ids,
            **origin(self.settings.device),
        }


def draw(budget: str) -> None:
    """One panel a task and damage, one line a network."""
    from matplotlib.figure import Figure

    panels: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for path in sorted(FOLDER.glob(f"*.{budget}.*.json")):
        row = json.loads(path.read_text())
        panels[row["task"], row["damage"]].append(row)
    if not panels:
        print("There is nothing to draw yet.")
        return
    tasks = [task for task in TASKS if any(task == key[0] for key in panels)]
    damages = [name for name in CORRUPTIONS if any(name == key[1] for key in panels)]
    figure = Figure(figsize=(2.3 * len(damages), 2.5 * len(tasks) + 0.6), layout="constrained")
    axes = figure.subplots(len(tasks), len(damages), squeeze=False, sharex=True)
    for line, task in enumerate(tasks):
        for column, damage in enumerate(damages):
            place = axes[line][column]
            for row in panels.get((task, damage), []):
                values = [entry[row["headline"]] for entry in row["curve"]]
                number = list(NETWORKS).index(row["arm"])
                place.plot(values, label=NETWORKS[row["arm"]].title, color=f"C{number}")
            place.set_ylim(0, 1)
            place.grid(alpha=0.3)
            place.set_visible((task, damage) in panels)
            if line == 0 or (tasks[line - 1], damage) not in panels:
                place.set_title(damage.replace("_", " "), fontsize=9)
            if column == 0 or (task, damages[column - 1]) not in panels:
                place.set_ylabel(f"{TASKS[task].title}\nDice", fontsize=8)
            place.set_xticks(range(SEVERITIES + 1))
    handles = {
        text: handle
        for row in axes
        for place in row
        for handle, text in zip(*place.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=4, frameon=False
    )
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE, dpi=120)
    print(PICTURE)


def main() -> None:
    """Measure what has weights, or draw."""
    parser = add_places(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    parser.add_argument("--tasks", default="hippocampus3d,hippocampus25d,nuclei")
    parser.add_argument("--arms", default=",".join(NETWORKS))
    parser.add_argument("--budget", default="steps")
    parser.add_argument("--cases", type=int, default=NUM_CASES)
    parser.add_argument("--draw", action="store_true", help="draw, and measure nothing")
    settings = parser.parse_args()
    torch.set_num_threads(settings.threads)
    if settings.draw:
        draw(settings.budget)
        return
    for task in settings.tasks.split(","):
        for arm in settings.arms.split(","):
            run = Run(task=task, budget=settings.budget, arm=arm, seed=0)
            try:
                work_through(run, settings)
            except NotYetError as error:
                print(f"{run.id}: {error}")
    draw(settings.budget)


def work_through(run: Run, settings: argparse.Namespace) -> None:
    """Do what is left of one network."""
    stem = f"{run.task}.{run.budget}.{run.arm}"
    left = [name for name in CORRUPTIONS if not (FOLDER / f"{stem}.{name}.json").exists()]
    if not left:
        return
    bench = Bench(run=run, settings=settings)
    for damage in filter(bench.suits, left):
        row = bench.measure(damage)
        save(FOLDER / f"{stem}.{damage}.json", row)
        values = [entry[row["headline"]] for entry in row["curve"]]
        print(stem, damage, np.round(values, 3).tolist(), flush=True)


if __name__ == "__main__":
    main()
