"""Init: write a project folder to start from, filled with facts, a plan and a script a step."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from delineate.core.budget import Budget
from delineate.core.errors import BudgetError, DatasetError, FileError, pick
from delineate.core.files import whole_folder
from delineate.core.plan import Plan
from delineate.datasets.phantoms import write_dataset
from delineate.datasets.tissue import write_tiles
from delineate.infer.bundle import build_network
from delineate.models import MODELS
from delineate.project import Project, write_project
from delineate.steps.describe import DescribeSettings, DicomDescription, describe
from delineate.steps.plan import PlanSettings, plan

NAME = re.compile(r"\w[\w.-]{0,99}")
"""What a project may be called."""
TRAIN, TEST = "data/train", "data/test"
"""Where synthetic data lie in a project."""
UNSEEN = 1000
"""Distance of the seeds of the test set, so that no seed is on both sides."""
FEWEST = 3
"""Synthetic cases: one tests, one validates, one trains."""


def _make_patients(folder: Path, number: int, seed: int, size: int | None) -> None:
    side = size or 96
    write_dataset(folder, number, seed, shape=(max(8, side // 4), side, side))


def _make_tiles(folder: Path, number: int, seed: int, size: int | None) -> None:
    write_tiles(folder, number, seed, shape=(size or 256, size or 256))


SYNTHETIC: dict[str, Callable[[Path, int, int, int | None], None]] = {
    "phantoms": _make_patients,
    "tissue": _make_tiles,
}
"""Datasets that are made in the project: abdominal MR scans, and tiles of stained tissue."""


@dataclass(frozen=True, kw_only=True)
class InitSettings:
    """What a new project is called, and what it works on."""

    name: Path
    """Folder of the project, which must not exist."""
    dataset: str = "phantoms"
    """Folder or zip of a dataset, which stays where it is; or phantoms (abdominal MR) or tissue
    (nuclei), which are made in the project."""
    layout: str | None = None
    """How the dataset is laid out; recognised by looking if left out."""
    mpp: float | None = None
    """Micrometres to a pixel of images of tissue; the files' own if left out."""
    model: str | None = None
    """Network; the plan chooses if left out."""
    budget: str = "10m"
    """Time that training may take, such as 90s, 30m or 2h."""
    steps: int | None = None
    """Training steps, instead of a time."""
    cases: int = 12
    """Synthetic cases, of which a fifth is the test set."""
    size: int | None = None
    """Pixels along the sides of synthetic images; 96 for scans and 256 for tiles if left out."""
    seed: int = 0
    """Seed of synthetic data, folds and weights."""


@dataclass(frozen=True, kw_only=True)
class Initiated:
    """A project that was written."""

    folder: Path
    """Where it is."""
    plan: Plan
    """Its plan."""
    num_problems: int
    """Problems of the dataset."""

    @property
    def text(self) -> str:
        """What to tell the user."""
        many = f" {self.num_problems} problems of the dataset stand there." * bool(
            self.num_problems
        )
        return (
            f"Wrote {self.folder}: README.md, plan.yaml and five scripts.{many}\n"
            f"Read  {self.folder / 'README.md'}\n"
            f"Run   cd {self.folder} && make     (or each script in order, 1_describe.py first)"
        )


def init(settings: InitSettings) -> Initiated:
    """Write a project folder: README, plan with reasons, and one script for each step.

    The folder is written whole or not at all.

    Args:
        settings: What the project is called, and what it works on.

    Returns:
        The project.

    Raises:
        FileError: If the name cannot be used, or something stands there already.
        DatasetError: If the dataset does not exist, or cannot be read or planned for.
    """
    is_made = settings.dataset in SYNTHETIC and not Path(settings.dataset).exists()
    _check(settings, is_made=is_made)
    with whole_folder(settings.name) as draft:
        data = draft / TRAIN if is_made else Path(settings.dataset).resolve()
        if is_made:
            _make(settings, draft)
        project = _look(settings, draft, data, is_made=is_made)
        write_project(project, draft)
    return Initiated(
        folder=settings.name, plan=project.plan,
        num_problems=len(project.description.audit.problems),
    )  # fmt: skip


def _check(settings: InitSettings, *, is_made: bool) -> None:
    """Refuse what cannot work before anything is read or made."""
    target = settings.name
    if not NAME.fullmatch(target.name):
        raise FileError(
            "name must begin with a letter, a digit or _, and hold only these, - and ., not "
            f"{str(target)!r}. Choose one such as liver-ct."
        )
    if target.exists() or target.is_symlink():
        raise FileError(f"{target} exists already. Choose another name, or move it away.")
    if not target.parent.is_dir():
        raise FileError(f"{target.parent} is no folder. Make it first, or choose another place.")
    if not is_made and not Path(settings.dataset).exists():
        raise DatasetError(
            f"dataset must be {' or '.join(SYNTHETIC)}, or a folder or zip that exists, not "
            f"{settings.dataset!r}. Correct --dataset."
        )
    if settings.cases < FEWEST:
        raise DatasetError(f"cases must be at least {FEWEST}, not {settings.cases}. Pass more.")
    if settings.model is not None:
        pick(MODELS, settings.model, what="model")
    if settings.steps is not None and settings.steps < 1:
        raise BudgetError(f"steps must be 1 or more, not {settings.steps}. Correct --steps.")
    Budget.parse(settings.budget)


def _make(settings: InitSettings, draft: Path) -> None:
    make, held_out = SYNTHETIC[settings.dataset], max(1, settings.cases // 5)
    make(draft / TRAIN, settings.cases - held_out, settings.seed, settings.size)
    make(draft / TEST, held_out, settings.seed + UNSEEN, settings.size)


def _look(settings: InitSettings, draft: Path, data: Path, *, is_made: bool) -> Project:
    """Describe the data, plan for them, and build the network once for its parts."""
    found = describe(DescribeSettings(data=data, layout=settings.layout, mpp=settings.mpp))
    if isinstance(found, DicomDescription):
        raise DatasetError(
            f"{data} holds DICOM series but no labels, so there is nothing to learn from. Put "
            "RTSTRUCT or SEG of the same series beside them, or name a folder of labelled cases."
        )
    decided = plan(
        PlanSettings(
            data=data, out=draft, layout=settings.layout, mpp=settings.mpp, model=settings.model,
            budget=settings.budget, steps=settings.steps, seed=settings.seed,
        )
    ).plan  # fmt: skip
    network = build_network(decided)
    made = f"synthetic {settings.dataset}, made by Delineate with seed {settings.seed}"
    return Project(
        name=settings.name.name,
        source=f"{made} into `{TRAIN}` and `{TEST}`" if is_made else f"`{data}`",
        data=TRAIN if is_made else str(data),
        test=TEST if is_made else None,
        layout=settings.layout, mpp=settings.mpp, budget=settings.budget, steps=settings.steps,
        seed=settings.seed, description=found, plan=decided, network=network,
    )  # fmt: skip
