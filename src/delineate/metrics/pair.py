"""A prediction beside its truth, measured at most once, and what a metric is."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from delineate.metrics.elements import ElementDistances, element_distances
from delineate.metrics.overlap import Counts, count
from delineate.metrics.surface import SurfaceDistances, surface_distances

Status = Literal["scored", "missed", "spurious", "absent"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """Two masks of one class on one grid; distances are measured when first asked for."""

    prediction: NDArray[np.bool_]
    """What the model says, (*S), bool."""
    truth: NDArray[np.bool_]
    """What is so, (*S), bool."""
    spacing_mm: tuple[float, ...]
    """Voxel size in array order, in mm."""
    tolerance_mm: float = 1.0
    """How far apart two borders may lie and still agree, in mm."""

    @cached_property
    def counts(self) -> Counts:
        """Voxels that both masks have, and that only one has."""
        return count(self.prediction, self.truth)

    @cached_property
    def distances(self) -> SurfaceDistances:
        """Border distances in both directions."""
        return surface_distances(self.prediction, self.truth, self.spacing_mm)

    @cached_property
    def elements(self) -> ElementDistances:
        """Distances and areas of surface elements in both directions."""
        return element_distances(self.prediction, self.truth, self.spacing_mm)

    @cached_property
    def status(self) -> Status:
        """What happened: scored, missed (only in the truth), spurious (only said) or absent."""
        said, true = self.counts.prediction > 0, self.counts.truth > 0
        if said and true:
            return "scored"
        return "missed" if true else "spurious" if said else "absent"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A row of `METRICS`: how to measure, in what unit, and which way is better."""

    measure: Callable[[Pair], float]
    """From two masks to a number; nan if both are empty, unless the convention says otherwise."""
    title: str
    """What a table writes above the column."""
    unit: Literal["", "mm", "mL", "%"]
    """Unit of the number; "" for shares in [0, 1]."""
    better: Literal["higher", "lower"]
    """Direction of improvement."""
    convention: str
    """How exactly it is computed, one sentence for the reader of a report."""

    def __call__(
        self,
        prediction: NDArray[Any],
        truth: NDArray[Any],
        spacing_mm: tuple[float, ...],
        *,
        tolerance_mm: float = 1.0,
    ) -> float:
        """Measure two masks.

        Args:
            prediction: Mask, (*S), bool.
            truth: Mask, (*S), bool.
            spacing_mm: Voxel size in array order, in mm.
            tolerance_mm: How far apart two borders may lie and still agree, in mm.

        Returns:
            The metric; nan if both masks are empty, unless the convention says otherwise.
        """
        pair = Pair(
            prediction=np.asarray(prediction, dtype=bool),
            truth=np.asarray(truth, dtype=bool),
            spacing_mm=spacing_mm,
            tolerance_mm=tolerance_mm,
        )
        return self.measure(pair)
