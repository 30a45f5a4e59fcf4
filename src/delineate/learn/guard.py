"""A watch over losses: single ones that are not finite are skipped, ten in a row end the run."""

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from delineate.core.errors import TrainingError
from delineate.learn.batches import Batch
from delineate.learn.checkpoint import Checkpoint, save_checkpoint

log = logging.getLogger("delineate")

PATIENCE = 10
"""Steps in a row without a finite loss after which there is nothing left to hope for."""


class Guard:
    """Says which steps may be taken; counts the others, and stops when there are only those."""

    def __init__(self, folder: Path, *, rank: int = 0, patience: int = PATIENCE) -> None:
        """Begin with nothing skipped.

        Args:
            folder: Where the batch that ends a run is kept.
            rank: This process's number.
            patience: Skipped steps in a row that end the run, >= 1.
        """
        self.folder = folder
        self.rank = rank
        self.patience = patience
        self.skipped = 0
        self.in_row = 0

    def check(self, value: float | Tensor, batch: Batch, step: int) -> bool:
        """Look at the loss or the norm of the gradient of a step.

        Args:
            value: The number, or a tensor () of it.
            batch: What the step trained on.
            step: Number of the step, from 0.

        Returns:
            True if the step may be taken.

        Raises:
            TrainingError: If this was one too many in a row; the batch is on disk then.
        """
        if math.isfinite(float(value)):
            self.in_row = 0
            return True
        self.skipped += 1
        self.in_row += 1
        log.warning("Step %d was left out: its loss or gradient is %s.", step, float(value))
        if self.in_row >= self.patience:
            path = self._keep(batch, step)
            raise TrainingError(
                f"The loss must be a finite number, but was {float(value)} in {self.in_row} steps "
                f"in a row, the last of them step {step}. Its batch is in {path}: look there for "
                "wrong intensities, or train with a lower learning_rate in plan.yaml, or without "
                "bf16."
            )
        return False

    def _keep(self, batch: Batch, step: int) -> Path:
        path = self.folder / f"not_finite_step{step}_rank{self.rank}.safetensors"
        tensors = {"image": batch.image, "target": batch.target}
        save_checkpoint(path, Checkpoint(tensors=tensors, facts={"step": step, "rank": self.rank}))
        return path

    def state(self) -> dict[str, Any]:
        """Collect what the next step depends on, as plain values.

        Returns:
            Values for `restore`, which JSON can hold.
        """
        return {"skipped": self.skipped, "in_row": self.in_row}

    def restore(self, facts: Mapping[str, Any]) -> None:
        """Go on from what `state` collected.

        Args:
            facts: Its values.
        """
        self.skipped, self.in_row = int(facts["skipped"]), int(facts["in_row"])
