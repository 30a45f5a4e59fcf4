"""UW-Madison GI tract: 0.4 Dice + 0.6 (1 - normalised 3-D Hausdorff), by named readings.

The challenge's code was never published. Public readings differ in what is averaged and in
what a distance is divided by, so each has a name and no number is compared across names.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import ShapeError, pick
from delineate.metrics.official.outcome import Mean, Outcome
from delineate.metrics.overlap import check_shapes, dice
from delineate.metrics.surface import surface_distances

Mask = NDArray[np.bool_]
Variant = Literal["unit_cube", "volume", "mle_bench"]
TOO_MUCH = 10
"""A prediction of more than so many times the truth's voxels is at distance 1 for MLE-bench."""
_CONVENTIONS = {
    "unit_cube": (
        "UW-like, unit_cube: Dice of each slice and organ, left out where both are empty; "
        "symmetric Hausdorff of each scan and organ between sets of voxels, coordinates divided "
        "by the shape and distances by sqrt(3), 1 if one is empty, left out if both are"
    ),
    "volume": (
        "UW-like, volume: Dice of each scan and organ, left out where both are empty; Hausdorff "
        "of each scan and organ from the prediction's border to the truth's only, in voxels by "
        "the diagonal of the volume, 1 if one is empty, 0 if both are"
    ),
    "mle_bench": (
        "UW-like, mle_bench: Dice of each slice and organ, left out where both are empty; "
        "symmetric Hausdorff of each scan with all organs in one mask, coordinates divided by "
        "the shape and distances by sqrt(3), 1 if one is empty or the prediction has more than "
        "10 times the truth's voxels, left out if both are empty"
    ),
}
"""What each reading computes."""


@dataclass
class UWMadison:
    """Scores scans one by one."""

    variant: Variant = "unit_cube"
    """Which reading of the challenge's text."""
    _dice: Mean = field(default_factory=Mean, repr=False)
    _distance: Mean = field(default_factory=Mean, repr=False)
    _counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("scans", "dice_left_out", "one_empty"), 0),
        repr=False,
    )

    def __post_init__(self) -> None:
        """Check the variant.

        Raises:
            UnknownNameError: If there is no such variant.
        """
        pick(_CONVENTIONS, self.variant, what="variant of the UW-Madison score")

    @property
    def convention(self) -> str:
        """How exactly it computes, in a sentence."""
        return (
            f"{_CONVENTIONS[self.variant]}; score = 0.4 mean Dice + 0.6 (1 - mean Hausdorff). "
            "The challenge's own code is not public."
        )

    def add(self, prediction: NDArray[Any], truth: NDArray[Any]) -> None:
        """Score one scan.

        Args:
            prediction: A mask for each organ, (K, Z, Y, X), bool; organs may overlap.
            truth: A mask for each organ, (K, Z, Y, X), bool.

        Raises:
            ShapeError: If the masks differ in shape or have not four axes.
        """
        check_shapes(prediction, truth)
        if truth.ndim != 4:
            raise ShapeError(
                f"Masks must be (K, Z, Y, X), not of shape {truth.shape}. Put organs first."
            )
        said, true = np.asarray(prediction, dtype=bool), np.asarray(truth, dtype=bool)
        self._counts["scans"] += 1
        for one, two in self._overlaps(said, true):
            score = dice(one, two)
            self._counts["dice_left_out"] += math.isnan(score)
            self._dice.add(score)
        if self.variant == "mle_bench":
            said, true = (np.logical_or.reduce(masks, keepdims=True) for masks in (said, true))
        for one, two in zip(said, true, strict=True):
            self._counts["one_empty"] += bool(one.any()) != bool(two.any())
            self._distance.add(distance(one, two, self.variant))

    def result(self) -> Outcome:
        """Average the scans so far.

        Returns:
            `score`, `dice` and `hausdorff` (normalised, in [0, 1]).
        """
        overlap, apart = self._dice.value, self._distance.value
        return Outcome(
            scorer="uw_madison",
            convention=self.convention,
            scores={
                "score": 0.4 * overlap + 0.6 * (1 - apart),
                "dice": overlap,
                "hausdorff": apart,
            },
            counts=dict(self._counts),
        )

    def _overlaps(self, said: Mask, true: Mask) -> Iterator[tuple[Mask, Mask]]:
        """Go over scans and organs, or over slices and organs."""
        for one, two in zip(said, true, strict=True):
            if self.variant == "volume":
                yield one, two
            else:
                yield from zip(one, two, strict=True)


def distance(prediction: Mask, truth: Mask, variant: Variant = "unit_cube") -> float:
    """Normalised Hausdorff distance of two volumes.

    Args:
        prediction: Mask, (Z, Y, X), bool.
        truth: Mask, (Z, Y, X), bool.
        variant: The reading.

    Returns:
        Distance in [0, 1]; 1 if one mask is empty; if both are, 0 for "volume", else nan.
    """
    pick(_CONVENTIONS, variant, what="variant of the UW-Madison score")
    num_said, num_true = int(prediction.sum()), int(truth.sum())
    if not num_said and not num_true:
        return 0.0 if variant == "volume" else float("nan")
    if not num_said or not num_true:
        return 1.0
    if variant == "mle_bench" and num_said > TOO_MUCH * num_true:
        return 1.0
    if variant == "volume":
        measured = surface_distances(prediction, truth, (1.0,) * truth.ndim)
        return min(1.0, float(measured.to_truth_mm.max()) / measured.diagonal_mm)
    size = tuple(1 / side for side in truth.shape)
    both = max(_directed(prediction, truth, size), _directed(truth, prediction, size))
    return both / math.sqrt(truth.ndim)


def _directed(source: Mask, goal: Mask, size: tuple[float, ...]) -> float:
    """Farthest that a voxel of the source lies from the nearest of the goal.

    The goal's border is enough to be nearest, but the source's is not to be farthest: a voxel
    deep inside it may lie in the middle of a hole of the goal.

    Returns:
        The distance in units of `size`.
    """
    from scipy.ndimage import binary_erosion  # the metrics' face stays light
    from scipy.spatial import cKDTree

    apart = np.argwhere(source & ~goal)
    if not len(apart):
        return 0.0
    border = np.argwhere(goal & ~binary_erosion(goal))
    tree = cKDTree(border * np.asarray(size), balanced_tree=False, compact_nodes=False)
    return float(tree.query(apart * np.asarray(size))[0].max())
