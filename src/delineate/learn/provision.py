"""What a run learns from and is judged by: cases divided, prepared, and images without labels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from delineate.core.plan import Plan
from delineate.datasets.base import Dataset
from delineate.learn.selection import choose_cases, keep_labelled, tell_tissues
from delineate.learn.store import Store, check_names
from delineate.learn.unlabelled import Unlabelled


class Asked(Protocol):
    """What a user says of it; `steps.train.TrainSettings` explains each."""

    @property
    def out(self) -> Path:
        """Folder of the run."""
        ...

    @property
    def fold(self) -> str:
        """Fold that validates, or "all"."""
        ...

    @property
    def hold_out(self) -> str | None:
        """Tissues that validate instead."""
        ...

    @property
    def leave_out(self) -> str | None:
        """Tissues that do neither."""
        ...

    @property
    def labelled(self) -> float | None:
        """Share of the training cases that keep their labels."""
        ...

    @property
    def unlabelled(self) -> Path | None:
        """Folder of images without labels."""
        ...

    @property
    def mpp(self) -> float | None:
        """Micrometres to a pixel of pictures of tissue."""
        ...

    @property
    def seed(self) -> int:
        """Seed of the run."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Provision:
    """Who trains, who validates, and where their prepared cases are."""

    plan: Plan
    """The plan; of a division by tissue it tells both parts."""
    store: Store
    """Prepared cases."""
    training: tuple[str, ...]
    """Ids of the cases that train with their labels."""
    validation: tuple[str, ...]
    """Ids of the cases that validate."""
    images: Unlabelled
    """Images that train without labels, maybe none."""
    told: Path | None = None
    """Where the plan is to be written anew; None where it has not changed."""

    def fill(self, dataset: Dataset) -> None:
        """Write a division by tissue into the plan's file, and prepare what is not prepared yet.

        Args:
            dataset: The dataset that the ids are of.

        Raises:
            DelineateError: If a case cannot train.
        """
        if self.told is not None:
            self.plan.save(self.told)
        ids = [*self.training, *self.images.hidden, *self.validation]
        check_names(ids)
        self.store.fill(map(dataset.case, ids), len(ids))
        self.images.fill()


def provide(asked: Asked, plan: Plan, dataset: Dataset) -> Provision:
    """Divide a dataset as a user wants it; nothing is prepared yet.

    Args:
        asked: Folds, tissues, share of labels, further images.
        plan: The plan with its folds.
        dataset: The dataset.

    Returns:
        Who does what.

    Raises:
        DatasetError: If there is no such fold, tissue or share.
        FileError: If the folder of images holds none.
    """
    parts = choose_cases(plan, dataset, asked.fold, asked.hold_out, asked.leave_out)
    plan = tell_tissues(plan, asked.hold_out, asked.leave_out, *parts)
    training, hidden = keep_labelled(parts[0], dataset.patients(), asked.labelled, asked.seed)
    store = Store(asked.out / "cache", plan)
    images = Unlabelled(store, hidden, asked.unlabelled, unwanted=parts[1], mpp=asked.mpp)
    return Provision(
        plan=plan,
        store=store,
        training=tuple(training),
        validation=tuple(parts[1]),
        images=images,
        told=None if asked.hold_out is None else asked.out / "plan.yaml",
    )
