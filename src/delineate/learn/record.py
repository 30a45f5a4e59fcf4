"""What a run was: its data, who trained and who did not, seed, budget and machine."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from delineate.core.files import write_text


@dataclass(frozen=True, kw_only=True)
class Record:
    """Facts of a run that its plan does not hold."""

    dataset: str
    """Name of the dataset."""
    fold: str
    """Fold that validates."""
    seed: int
    """Seed of everything that is drawn."""
    budget: str
    """How long it may last, in words."""
    training: Sequence[str]
    """Ids of the cases that train."""
    validation: Sequence[str]
    """Ids of the cases that validate."""
    unlabelled: Sequence[str] = ()
    """Names of the images that train without labels."""

    def save(self, path: Path) -> None:
        """Write the facts, with those of this machine, whole or not at all.

        Args:
            path: A .json file.
        """
        facts = {
            "dataset": self.dataset,
            "fold": self.fold,
            "seed": self.seed,
            "budget": self.budget,
            "training_cases": sorted(self.training),
            "validation_cases": sorted(self.validation),
            **({"unlabelled_images": sorted(self.unlabelled)} if self.unlabelled else {}),
            "environment": {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "threads": torch.get_num_threads(),
                "processor": platform.processor() or platform.machine(),
                "cores": os.cpu_count(),
            },
        }
        write_text(path, json.dumps(facts, indent=1))
