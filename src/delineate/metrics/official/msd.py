"""Medical Segmentation Decathlon: Dice and NSD of each class, averaged over the cases."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import LabelError
from delineate.metrics.elements import area_surface_dice, element_distances
from delineate.metrics.official.outcome import Mean, Outcome, mean_of
from delineate.metrics.overlap import dice
from delineate.metrics.surface import surface_dice, surface_distances

Mask = NDArray[np.bool_]
MeasureNsd = Callable[[Mask, Mask, tuple[float, ...], float], float]
"""NSD of prediction, truth, spacing in mm and tolerance in mm."""


def nsd_by_area(
    prediction: Mask, truth: Mask, spacing_mm: tuple[float, ...], tolerance_mm: float
) -> float:
    """NSD by area of surface elements, as the challenge's code has it.

    Args:
        prediction: Mask, (Y, X) or (Z, Y, X), bool.
        truth: Mask of the same shape, bool.
        spacing_mm: Voxel size in array order, in mm.
        tolerance_mm: How far apart two surfaces may lie and still agree, in mm.

    Returns:
        NSD in [0, 1]; nan if both masks are empty, 0 if one is.
    """
    return area_surface_dice(element_distances(prediction, truth, spacing_mm), tolerance_mm)


def nsd_by_voxels(
    prediction: Mask, truth: Mask, spacing_mm: tuple[float, ...], tolerance_mm: float
) -> float:
    """NSD by counts of border voxels, as this package's scoreboard has it.

    Args:
        prediction: Mask, (*S), bool.
        truth: Mask, (*S), bool.
        spacing_mm: Voxel size in array order, in mm.
        tolerance_mm: How far apart two borders may lie and still agree, in mm.

    Returns:
        NSD in [0, 1]; nan if both masks are empty, 0 if one is.
    """
    return surface_dice(surface_distances(prediction, truth, spacing_mm), tolerance_mm)


@dataclass
class MSD:
    """Scores cases one by one, each class by its own tolerance."""

    tolerances_mm: Mapping[str, float]
    """Tolerance of each class by name, in mm; the organisers set one a task and class."""
    classes: Mapping[str, int]
    """Label id of each class by name."""
    measure_nsd: MeasureNsd = nsd_by_area
    """How NSD is measured; counts of voxels (`nsd_by_voxels`) differ where spacing is uneven."""
    nsd_convention: str = "by area of surface elements"
    """What `measure_nsd` does, for the reader."""
    _dice: dict[str, Mean] = field(default_factory=dict, repr=False)
    _nsd: dict[str, Mean] = field(default_factory=dict, repr=False)
    _counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("cases", "both_empty", "one_empty"), 0), repr=False
    )

    def __post_init__(self) -> None:
        """Check that every class has a tolerance.

        Raises:
            LabelError: If the names differ.
        """
        if set(self.tolerances_mm) != set(self.classes) or not self.classes:
            raise LabelError(
                f"tolerances_mm must name the classes {sorted(self.classes)}, not "
                f"{sorted(self.tolerances_mm)}. Give each class its tolerance."
            )

    @property
    def convention(self) -> str:
        """How exactly it computes, in a sentence."""
        limits = ", ".join(f"{name} {limit:g} mm" for name, limit in self.tolerances_mm.items())
        return (
            "MSD: Dice, and NSD (share of both borders within the tolerance, "
            f"{self.nsd_convention}; {limits}) of each class, averaged over the cases and then "
            "over the classes; 0 where one mask is empty, left out where both are."
        )

    def add(
        self, prediction: NDArray[Any], truth: NDArray[Any], spacing_mm: tuple[float, ...]
    ) -> None:
        """Score one case.

        Args:
            prediction: Label ids, (*S).
            truth: Label ids, (*S).
            spacing_mm: Voxel size in array order, in mm.

        Raises:
            ShapeError: If the maps differ in shape.
            GeometryError: If a spacing or a tolerance is no positive number.
        """
        self._counts["cases"] += 1
        for name, label in self.classes.items():
            said, true = prediction == label, truth == label
            limit = self.tolerances_mm[name]
            self._dice.setdefault(name, Mean()).add(dice(said, true))
            self._nsd.setdefault(name, Mean()).add(self.measure_nsd(said, true, spacing_mm, limit))
            num_empty = 2 - bool(said.any()) - bool(true.any())
            self._counts["both_empty"] += num_empty == 2
            self._counts["one_empty"] += num_empty == 1

    def result(self) -> Outcome:
        """Average the cases so far.

        Returns:
            `dice` and `nsd`, and `dice_CLASS` and `nsd_CLASS`; empties are counted by class.
        """
        overlaps = {name: self._dice.get(name, Mean()).value for name in self.classes}
        borders = {name: self._nsd.get(name, Mean()).value for name in self.classes}
        return Outcome(
            scorer="msd",
            convention=self.convention,
            scores={
                "dice": mean_of(overlaps.values()),
                "nsd": mean_of(borders.values()),
                **{f"dice_{name}": value for name, value in overlaps.items()},
                **{f"nsd_{name}": value for name, value in borders.items()},
            },
            counts=dict(self._counts),
        )
