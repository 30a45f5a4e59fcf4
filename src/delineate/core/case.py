"""What travels: a `Case` goes in, a `Prediction` comes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import DelineateError
from delineate.core.image import Image, Mask
from delineate.core.instances import Instances
from delineate.core.labels import LabelTable


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One patient's scan or one slide: image, truth, facts and what was done to it."""

    id: str
    """Unique name within its dataset; it also names output files."""
    patient: str
    """Whose it is; one patient's cases never stand on both sides of a split."""
    image: Image
    """All channels on one grid."""
    mask: Mask | None = None
    """The truth, on the image's grid, if it is known."""
    labels: LabelTable | None = None
    """What the mask's numbers mean."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Anything else known of it: scanner, tissue, day."""
    history: tuple[str, ...] = ()
    """What was done to it, oldest first, one sentence each."""
    load_instances: Callable[[], Instances] | None = None
    """Reads the objects, where the truth tells them apart; the mask then shows their types."""

    @cached_property
    def instances(self) -> Instances | None:
        """Objects of the truth, None where it only has regions."""
        return None if self.load_instances is None else self.load_instances()

    def noting(self, *sentences: str) -> "Case":
        """Add to the history.

        Args:
            *sentences: What was done.

        Returns:
            A case with a longer history.
        """
        return replace(self, history=(*self.history, *sentences))


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """What a model says of a case, on the case's own grid."""

    case_id: str
    """The case's id."""
    mask: Mask
    """Label ids, or layers where labels overlap, on the native grid."""
    labels: LabelTable
    """What the mask's numbers mean."""
    probabilities: NDArray[np.floating[Any]] | None = None
    """Probability of each output channel, (K, *S), if asked for."""
    entropy: NDArray[np.floating[Any]] | None = None
    """Entropy of the class probabilities in nats, (*S), if asked for."""
    uncertainty: NDArray[np.floating[Any]] | None = None
    """Doubt of each voxel by the measure that was asked for, (*S), from 0 (sure) to 1."""
    instances: Instances | None = None
    """Objects, where the model tells them apart; the mask then shows their types."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Model, weights' hash, versions and settings that made it."""
    hand: "Callable[[Prediction, Path], None] | None" = None
    """Writes it to a path; given by whoever made it, since values know no formats."""

    def save(self, path: str | Path) -> Path:
        """Write the mask to a file whose ending chooses the format.

        Args:
            path: Where to, such as "seg.nii.gz".

        Returns:
            The path.

        Raises:
            DelineateError: If this prediction was made without a hand that writes.
        """
        if self.hand is None:
            raise DelineateError(
                "This prediction cannot write itself, since no model made it. "
                "Pass it to delineate.writers.write_prediction instead."
            )
        self.hand(self, Path(path))
        return Path(path)
