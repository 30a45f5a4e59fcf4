"""The data that networks are compared on: what trains, what tunes, what judges, one cache each.

Every run of a task shares its plan, its prepared cases and its batches; only the network, and
what an arm changes on purpose, differ.
"""

import fcntl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from delineate.core.plan import Plan
from delineate.datasets import open_dataset
from delineate.datasets.base import Dataset
from delineate.datasets.splits import make_folds
from delineate.learn.store import Store
from delineate.planning import Machine, make_plan, take_fingerprint

RATE: float | None = 6e-3
"""Peak learning rate of every network that says nothing else; None takes each one's planned."""
BUDGET_S = 240.0
"""What the planner is told that a run may take: it chooses slim networks and mild variation."""
UNSEEN_TILES = ("train_10", "train_19")
"""CoNSeP's tiles that judge: between them they hold all four types."""
TUNING_TILES = ("train_16", "train_22")
UNSEEN_TISSUES = ("kidney", "bladder")
JUDGED_PX = 512
"""Side of the middle part of an image that is judged; larger ones cost minutes a run."""


@dataclass(frozen=True, kw_only=True)
class Division:
    """Which cases do what; nobody's cases stand in two parts."""

    training: tuple[str, ...]
    """Learnt from."""
    tuning: tuple[str, ...]
    """Only the temperature is fitted to these."""
    judging: tuple[str, ...]
    """Every score comes from these."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One data set under one plan."""

    name: str
    title: str
    folders: tuple[str, ...]
    """Below the folder of data."""
    divide: Callable[[Dataset], Division]
    by_hand: dict[str, Any]
    """Fields of the plan that no rule chooses."""
    kind: str = "regions"
    steps: int = 400
    """Steps of the optimiser of the budget "steps"."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Fields of the plan that have no rule at all."""
    judged_px: int | None = None
    """Side of the judged part in the last two axes; None judges whole cases."""


def _hippocampus(dataset: Dataset) -> Division:
    """Fold 0 of five, seed 0: 20 of its cases judge, the other 22 tune."""
    ids = dataset.ids()
    unseen = sorted(make_folds({name: dataset.patient(name) for name in ids}, 5, 0)[0])
    training = tuple(name for name in ids if name not in set(unseen))
    return Division(training=training, tuning=tuple(unseen[20:]), judging=tuple(unseen[:20]))


def _consep(dataset: Dataset) -> Division:
    """Two whole tiles judge, two more tune."""
    return _divided(dataset.ids(), _tile_part)


def _tile_part(name: str) -> str:
    tile = name.split(".")[-1].rsplit("_", 1)[0]
    return "judging" if tile in UNSEEN_TILES else "tuning" if tile in TUNING_TILES else "training"


def _nuclei(dataset: Dataset) -> Division:
    """Two organs of MoNuSeg and two tiles of CoNSeP judge; prostate and tiles tune."""

    def part(name: str) -> str:
        if name.startswith("CoNSeP"):
            return _tile_part(name)
        tissue = dataset.tissue(name)
        if tissue in UNSEEN_TISSUES:
            return "judging"
        return "tuning" if name in tuned else "training"

    prostate = [name for name in dataset.ids() if dataset.tissue(name) == "prostate"]
    tuned = set(prostate[:2])
    divided = _divided(dataset.ids(), part)
    # The challenge's own polygons are better truth than third parties' rasters.
    organs = [name for name in divided.judging if name.startswith("MoNuSeg")]
    organs = [n for n in organs if dataset.case(n).facts.get("truth") == "polygons"]
    tiles = [name for name in divided.judging if name.startswith("CoNSeP")]
    return replace(divided, judging=(*organs, *tiles))


def _divided(ids: Sequence[str], part: Callable[[str], str]) -> Division:
    parts: dict[str, list[str]] = {entry.name: [] for entry in fields(Division)}
    for name in ids:
        parts[part(name)].append(name)
    return Division(**{name: tuple(found) for name, found in parts.items()})


_HIPPOCAMPUS = ("radiology/msd_task04_hippocampus",)
_SLICES: dict[str, Any] = {
    "dims": 2, "patch": (56, 40), "batch_size": 16, "learning_rate": RATE, "foreground": 0.5,
}  # fmt: skip
TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="hippocampus3d",
            title="Hippocampus, 3-D",
            steps=300,
            folders=_HIPPOCAMPUS,
            divide=_hippocampus,
            by_hand={
                "dims": 3,
                "patch": (32, 40, 32),
                "batch_size": 4,
                "learning_rate": RATE,
            },
        ),
        Task(
            name="hippocampus2d",
            title="Hippocampus, 2-D",
            folders=_HIPPOCAMPUS,
            divide=_hippocampus,
            by_hand=_SLICES,
        ),
        Task(
            name="hippocampus25d",
            title="Hippocampus, 2.5-D (3 slices)",
            folders=_HIPPOCAMPUS,
            divide=_hippocampus,
            by_hand=_SLICES,
            changes={"slices": 3},
        ),
        Task(
            name="nuclei",
            title="MoNuSeg + CoNSeP, nuclei",
            folders=("pathology/monuseg", "pathology/consep_patches"),
            divide=_nuclei,
            by_hand={"patch": (128, 128), "batch_size": 8, "learning_rate": RATE},
            kind="instances",
            judged_px=JUDGED_PX,
        ),
        Task(
            name="consep",
            title="CoNSeP, type of every pixel",
            folders=("pathology/consep_patches",),
            divide=_consep,
            by_hand={
                "patch": (128, 128),
                "batch_size": 8,
                "learning_rate": RATE,
                "foreground": 0.33,
            },
        ),
    )
}
"""Rows of comparison and ablation."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Ready:
    """A task whose plan and prepared cases are there."""

    task: Task
    plan: Plan
    division: Division
    folder: Path
    """Where prepared cases are kept."""

    def store(self, plan: Plan) -> Store:
        """Open the cases under an arm's plan."""
        return Store(self.folder / "cache", plan)


def make_ready(name: str, data: Path, work: Path, *, model: str = "unet") -> Ready:
    """Plan and prepare a task once for each network; whoever comes meanwhile waits."""
    task = TASKS[name]
    folder = work / task.folders[0].split("/")[-1]
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(data / part for part in task.folders)
    dataset = open_dataset(paths if len(paths) > 1 else paths[0], None).aligned()
    division = task.divide(dataset)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        plan = _plan(task, dataset, division, folder / f"{name}.{model}.yaml", model)
        ids = [*division.training, *division.tuning, *division.judging]
        store = Store(folder / "cache", plan)
        if any(not store._path(case_id, "points").exists() for case_id in ids):
            store.fill((dataset.case(case_id) for case_id in ids), len(ids))
    return Ready(task=task, plan=plan, division=division, folder=folder)


def _plan(task: Task, dataset: Dataset, division: Division, path: Path, model: str) -> Plan:
    """Make the plan from the training cases alone, or read it; delete the file to plan anew."""
    if not path.exists():
        fingerprint = take_fingerprint(
            (dataset.case(case_id) for case_id in division.training), dataset.labels, seed=0
        )
        make_plan(
            fingerprint,
            dataset=dataset.name,
            layout=dataset.layout,
            labels=dataset.labels,
            machine=Machine(budget_s=BUDGET_S),
            model=model,
            by_hand={name: value for name, value in task.by_hand.items() if value is not None},
            task=task.kind,
        ).save(path)
    return replace(Plan.load(path), **task.changes)
