"""Plan: look at every case once, decide everything, and write it down with the reasons."""

import logging
import os
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from delineate.core.budget import Budget
from delineate.core.case import Case
from delineate.core.errors import BudgetError, PlanError, pick
from delineate.core.plan import Plan
from delineate.core.progress import track
from delineate.datasets import open_dataset
from delineate.datasets.base import Dataset
from delineate.datasets.splits import make_folds
from delineate.losses import LOSSES
from delineate.models import MODELS
from delineate.planning import Machine, StepCost, make_plan, take_fingerprint

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
    machine = find_machine(settings)
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


def find_machine(settings: PlanSettings) -> Machine:
    """Look at the device that the plan is for.

    Args:
        settings: Device, budget and steps that were asked for.

    Returns:
        The machine, with a way to try a step unless that was declined.
    """
    import torch  # planning needs it only here, and --help not at all

    from delineate.infer.device import choose_device, has_bf16
    from delineate.learn.cost import measure_step

    device = choose_device(settings.device)

    def measure(candidate: Plan) -> StepCost:
        seconds, peak_bytes = measure_step(candidate, device)
        return StepCost(seconds=seconds, peak_bytes=peak_bytes)

    memory = _ram_bytes()
    if device.type == "cuda":
        memory = torch.cuda.get_device_properties(device).total_memory
    return Machine(
        device=str(device),
        memory_bytes=memory,
        num_threads=torch.get_num_threads(),
        has_bf16=has_bf16(device),
        budget_s=Budget.parse(settings.budget).seconds,
        num_steps=settings.steps,
        measure=measure if settings.measure else None,
    )


def describe_plan(decided: Plan) -> str:
    """Lay a plan out as a table of decision, value and reason.

    Args:
        decided: The plan.

    Returns:
        Lines of at most 100 characters.
    """
    lines = []
    for name, reason in decided.reasons.items():
        value = getattr(decided, name)
        if name == "folds" or value in ({}, None):
            continue
        left = textwrap.wrap(_said(value), 34, break_on_hyphens=False) or ["none"]
        right = textwrap.wrap(reason, 46)
        height = max(len(left), len(right))
        left += [""] * (height - len(left))
        right += [""] * (height - len(right))
        for row, (what, why) in enumerate(zip(left, right, strict=True)):
            lines.append(f"{'' if row else name:14}  {what:34}  {why}".rstrip())
    head = f"{'decision':14}  {'value':34}  why"
    rule = f"{'-' * 14}  {'-' * 34}  {'-' * 46}"
    return "\n".join([head, rule, *lines])


def _said(value: Any) -> str:  # noqa: ANN401 - any field of a plan
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(entry)}" for name, entry in value.items())
    if isinstance(value, tuple):
        parts = [_said(entry) for entry in value]
        if len(set(parts)) == 1 < len(parts) and isinstance(value[0], dict):
            return f"for each of {len(parts)} channels: {parts[0]}"
        is_numbers = all(isinstance(entry, (int, float)) for entry in value)
        return (" x " if is_numbers else "; ").join(parts)
    if isinstance(value, list):
        return f"[{', '.join(_said(entry) for entry in value)}]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


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


def _ram_bytes() -> int:
    # A container may be allowed less than the machine has.
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return physical
    return min(physical, int(limit)) if limit.isdigit() else physical
