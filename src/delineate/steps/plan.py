"""Plan: look at every case once, decide everything, and write it down with the reasons."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from delineate.core.budget import Budget
from delineate.core.case import Case
from delineate.core.errors import BudgetError, PlanError, pick
from delineate.core.plan import Plan
from delineate.core.progress import track
from delineate.core.slices import FUSION
from delineate.datasets import open_dataset
from delineate.datasets.base import Dataset
from delineate.datasets.splits import make_folds
from delineate.decisions import describe_plan
from delineate.losses import LOSSES
from delineate.models import MODELS
from delineate.planning import Machine, make_plan, take_fingerprint

log = logging.getLogger("delineate")

FILE = "plan.yaml"
FORMER = "plan.before.yaml"


@dataclass(frozen=True, kw_only=True)
class PlanSettings:
    """What to plan for; every value that is given here replaces a rule."""

    data: Path
    """Folder of the dataset."""
    more: tuple[Path, ...] = ()
    """Further datasets that one model is to learn from."""
    out: Path
    """Folder of the run; plan.yaml is written into it."""
    layout: str | None = None
    """How the folder is laid out; recognised by looking if left out."""
    mpp: float | None = None
    """Micrometres to a pixel of images of tissue; the files' own if left out."""
    model: str | None = None
    """Network; the U-Net if left out."""
    budget: str = "30m"
    """Time that training may take, such as 90s, 30m or 2h."""
    steps: int | None = None
    """Training steps, instead of a time."""
    device: str = "auto"
    """Where to train: auto, cpu or cuda."""
    dims: int | None = None
    """2 to work slice by slice, 3 to work in volumes."""
    slices: int | None = None
    """Slices of a volume that a 2-D network sees as channels, odd: 1, 3 or 5."""
    slice_step: int | None = None
    """Distance of those slices, in slices at the working resolution; 1 if left out."""
    slice_fusion: str | None = None
    """early: slices are channels of the first layer; late: each passes a stem first."""
    spacing: tuple[float, ...] | None = None
    """Working resolution in mm: feet-head, back-front, left-right for volumes."""
    patch: tuple[int, ...] | None = None
    """Training patch in voxels."""
    batch_size: int | None = None
    """Patches a step."""
    loss: str | None = None
    """Loss."""
    learning_rate: float | None = None
    """Peak learning rate."""
    folds: int | None = None
    """Parts that cross-validation divides the patients into."""
    seed: int = 0
    """Seed of the folds and of the sampled voxels."""
    measure: bool = True
    """Whether to try a training step for its time and memory."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan, where it was written and how to read it."""

    plan: Plan
    """Every decision."""
    path: Path
    """The file."""
    text: str
    """Table of decision, value and reason."""


def plan(settings: PlanSettings) -> Planned:
    """Fingerprint a dataset, apply the rules and write the plan.

    A plan of the same dataset that stands there already is kept beside it as
    plan.before.yaml if it differs.

    Args:
        settings: What to plan for.

    Returns:
        The plan and its table.

    Raises:
        PlanError: If the folder holds the plan of another dataset.
        BudgetError: If steps is below 1.
    """
    model = settings.model or "unet"
    pick(MODELS, model, what="model")
    pick(LOSSES, settings.loss or "dice_ce", what="loss")
    if settings.steps is not None and settings.steps < 1:
        raise BudgetError(f"steps must be 1 or more, not {settings.steps}. Correct --steps.")
    dataset = open_data(settings)
    path = settings.out / FILE
    former = _former(path, dataset)
    _warn(dataset, settings.data)
    machine = _machine(settings)
    ids = dataset.ids()
    fingerprint = take_fingerprint(
        track(_cases(dataset, ids), "looking at the cases", len(ids)),
        dataset.labels,
        seed=settings.seed,
    )
    decided = make_plan(
        fingerprint,
        dataset=dataset.name,
        layout=dataset.layout,
        labels=dataset.labels,
        machine=machine,
        model=model,
        by_hand=_by_hand(settings),
        task="regions" if dataset.case(ids[0]).load_instances is None else "instances",
    )
    decided = _with_folds(decided, dataset, ids, settings.seed)
    if former is not None and former.to_yaml() != decided.to_yaml():
        former.save(settings.out / FORMER)
    decided.save(path)
    return Planned(plan=decided, path=path, text=describe_plan(decided))


class Data(Protocol):
    """Settings that name datasets."""

    @property
    def data(self) -> Path:
        """The first dataset."""
        ...

    @property
    def more(self) -> tuple[Path, ...]:
        """Further ones."""
        ...

    @property
    def layout(self) -> str | None:
        """How the first is laid out, None to look."""
        ...

    @property
    def mpp(self) -> float | None:
        """Micrometres to a pixel, None for the files' own."""
        ...


def open_data(settings: Data) -> Dataset:
    """Open the dataset, or several as one, to learn from.

    Args:
        settings: Which ones.

    Returns:
        The dataset, its truth where the pictures have it.
    """
    options = {} if settings.mpp is None else {"mpp": settings.mpp}
    paths = (settings.data, *settings.more)
    source = paths if settings.more else settings.data
    return open_dataset(source, settings.layout, **options).aligned()


def _machine(settings: PlanSettings) -> Machine:
    from delineate.learn.resources import find_machine  # torch, which --help does without

    return find_machine(
        settings.device,
        budget_s=Budget.parse(settings.budget).seconds,
        num_steps=settings.steps,
        is_measured=settings.measure,
    )


def _warn(dataset: Dataset, folder: Path) -> None:
    problems = dataset.problems()
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        mend = f"Add what is absent; `delineate describe {folder}` lists all."
        log.warning("%s%s %s", problems[0], more, mend)


def _former(path: Path, dataset: Dataset) -> Plan | None:
    if not path.exists():
        return None
    former = Plan.load(path)
    if former.dataset != dataset.name or former.labels != dataset.labels:
        raise PlanError(
            f"{path} is the plan of dataset {former.dataset!r} with the labels "
            f"{', '.join(former.labels.names)}, not of {dataset.name!r}. Choose another --out."
        )
    return former


def _cases(dataset: Dataset, ids: list[str]) -> Iterator[Case]:
    return (dataset.case(case_id) for case_id in ids)


def _by_hand(settings: PlanSettings) -> dict[str, Any]:
    values = {
        "dims": settings.dims,
        "slices": settings.slices,
        "slice_step": settings.slice_step,
        FUSION: settings.slice_fusion,
        "spacing_mm": settings.spacing,
        "patch": settings.patch,
        "batch_size": settings.batch_size,
        "loss": settings.loss,
        "learning_rate": settings.learning_rate,
        "num_folds": settings.folds,
    }
    return {name: value for name, value in values.items() if value is not None}


def _with_folds(decided: Plan, dataset: Dataset, ids: list[str], seed: int) -> Plan:
    if decided.num_folds < 2:
        return decided
    patients = {case_id: dataset.patient(case_id) for case_id in ids}
    reason = f"Drawn with seed {seed}; all cases of a patient stand in one fold."
    return decided.deciding(reason, folds=make_folds(patients, decided.num_folds, seed))
