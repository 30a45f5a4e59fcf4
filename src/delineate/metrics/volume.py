"""How much larger one mask is than the other, whatever their places."""

from typing import Any

from numpy.typing import NDArray

from delineate.metrics.overlap import count
from delineate.metrics.surface import check_grid

MM3_PER_ML = 1000.0


def volume_difference_ml(
    prediction: NDArray[Any], truth: NDArray[Any], spacing_mm: tuple[float, ...]
) -> float:
    """Volume of the prediction minus that of the truth.

    Args:
        prediction: Mask, (*S), bool.
        truth: Mask, (*S), bool.
        spacing_mm: Voxel size in array order, in mm; a picture counts as 1 mm thick.

    Returns:
        Difference in mL, positive if too much was predicted; nan if both masks are empty.

    Raises:
        ShapeError: If the shapes differ.
        GeometryError: If a spacing is not positive and finite, or there are too few or many.

    Example:
        >>> import numpy as np
        >>> volume_difference_ml(np.ones((10, 10, 10)), np.zeros((10, 10, 10)), (1, 2, 2))
        4.0
    """
    spacing = check_grid(prediction, truth, spacing_mm)
    counts = count(prediction, truth)
    if not counts.prediction + counts.truth:
        return float("nan")
    return float((counts.prediction - counts.truth) * spacing.prod() / MM3_PER_ML)


def volume_difference_percent(prediction: NDArray[Any], truth: NDArray[Any]) -> float:
    """Volume of the prediction minus that of the truth, in percent of the truth.

    Args:
        prediction: Mask, (*S), bool.
        truth: Mask, (*S), bool.

    Returns:
        Difference in percent, at least -100; nan if both masks are empty, inf if only the truth is.

    Raises:
        ShapeError: If the shapes differ.
    """
    counts = count(prediction, truth)
    if not counts.truth:
        return float("inf") if counts.prediction else float("nan")
    return 100.0 * (counts.prediction - counts.truth) / counts.truth
