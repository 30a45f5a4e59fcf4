"""How much two masks overlap, counted in voxels.

Where both masks are empty nothing was asked and nothing answered: every function returns
nan, which the scoreboard counts as absent. Where exactly one is empty, every one returns 0, but
specificity, which has no worst case there.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import ShapeError

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Voxels that two masks share, and those that only one of them has."""

    both: int
    """True positives."""
    only_prediction: int
    """False positives."""
    only_truth: int
    """False negatives."""

    @property
    def prediction(self) -> int:
        """Voxels of the prediction."""
        return self.both + self.only_prediction

    @property
    def truth(self) -> int:
        """Voxels of the truth."""
        return self.both + self.only_truth

    @property
    def dice(self) -> float:
        """See `dice`."""
        return _share(2 * self.both, self.prediction + self.truth)

    @property
    def iou(self) -> float:
        """See `iou`."""
        return _share(self.both, self.both + self.only_prediction + self.only_truth)

    @property
    def precision(self) -> float:
        """See `precision`."""
        return _share(self.both, self.prediction or self.truth)

    @property
    def recall(self) -> float:
        """See `recall`."""
        return _share(self.both, self.truth or self.prediction)


def count(prediction: NDArray[Any], truth: NDArray[Any]) -> Counts:
    """Count the voxels of two masks once, for all overlap metrics.

    Args:
        prediction: Mask, (*S), bool.
        truth: Mask, (*S), bool.

    Returns:
        The three counts.

    Raises:
        ShapeError: If the shapes differ.
    """
    check_shapes(prediction, truth)
    inside, true = np.asarray(prediction, dtype=bool), np.asarray(truth, dtype=bool)
    both = int(np.count_nonzero(inside & true))
    return Counts(
        both=both,
        only_prediction=int(np.count_nonzero(inside)) - both,
        only_truth=int(np.count_nonzero(true)) - both,
    )


def dice(prediction: NDArray[Any], truth: NDArray[Any]) -> float:
    """Twice the shared voxels over the voxels of both masks: 2TP / (2TP + FP + FN).

    Args:
        prediction: Mask, (*S), bool.
        truth: Mask, (*S), bool.

    Returns:
        Dice in [0, 1]; nan if both masks are empty, 0 if one is.

    Source:
        Dice, 1945, doi:10.2307/1932409.

    Example:
        >>> dice(np.array([1, 1, 0]), np.array([0, 1, 0]))
        0.6666666666666666
    """
    return count(prediction, truth).dice


def iou(prediction: NDArray[Any], truth: NDArray[Any]) -> float:
    """Shared voxels over the voxels of the union: TP / (TP + FP + FN).

    Args:
        prediction: Mask, (*S), bool.
        truth: Mask, (*S), bool.

    Returns:
        Jaccard index in [0, 1]; nan if both masks are empty, 0 if one is.

    Source:
        Jaccard, 1912, doi:10.1111/j.1469-8137.1912.tb05611.x.
    """
    return count(prediction, truth).iou


def precision(prediction: NDArray[Any], truth: NDArray[Any]) -> float:
    """Share of the predicted voxels that are true: TP / (TP + FP).

    Args:
        prediction: Mask, (*S), bool.
        truth: Mask, (*S), bool.

    Returns:
        Precision in [0, 1]; nan if both masks are empty, 0 if one is.
    """
    return count(prediction, truth).precision


def recall(prediction: NDArray[Any], truth: NDArray[Any]) -> float:
    """Share of the true voxels that were found: TP / (TP + FN).

    Args:
        prediction: Mask, (*S), bool.
        truth: Mask, (*S), bool.

    Returns:
        Recall (sensitivity) in [0, 1]; nan if both masks are empty, 0 if one is.
    """
    return count(prediction, truth).recall


def specificity(prediction: NDArray[Any], truth: NDArray[Any]) -> float:
    """Share of the voxels outside the truth that the prediction leaves out: TN / (TN + FP).

    It depends on how much background the image shows, so compare it only on equal images.

    Args:
        prediction: Mask, (*S), bool.
        truth: Mask, (*S), bool.

    Returns:
        Specificity in [0, 1]; nan if both masks are empty or nothing is outside the truth.
    """
    counts = count(prediction, truth)
    outside = truth.size - counts.truth
    if not counts.prediction + counts.truth:
        return float("nan")
    return _share(outside - counts.only_prediction, outside)


def check_shapes(prediction: NDArray[Any], truth: NDArray[Any]) -> None:
    """Refuse two masks that do not lie on one grid.

    Args:
        prediction: Mask, (*S).
        truth: Mask, (*S).

    Raises:
        ShapeError: If the shapes differ.
    """
    if prediction.shape != truth.shape:
        raise ShapeError(
            f"prediction and truth must have one shape, not {prediction.shape} and {truth.shape}. "
            "Resample the prediction to the grid of the truth."
        )


def _share(part: int, total: int) -> float:
    return part / total if total else float("nan")
