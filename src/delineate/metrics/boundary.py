"""Overlap of the rims of two masks: large inner parts do not hide a wrong outline."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import GeometryError
from delineate.metrics.overlap import iou
from delineate.metrics.surface import SLACK, border, bounding_box, check_grid


def boundary_iou(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    spacing_mm: tuple[float, ...],
    *,
    width_mm: float,
) -> float:
    """IoU of those voxels of each mask that lie within a distance of its own border.

    Args:
        prediction: Mask, (*S), bool.
        truth: Mask, (*S), bool.
        spacing_mm: Voxel size in array order, in mm.
        width_mm: How far inside the border voxels a voxel may lie, in mm, at least 0; 0 compares
            the border voxels alone.

    Returns:
        Boundary IoU in [0, 1]; nan if both masks are empty, 0 if one is.

    Raises:
        ShapeError: If the shapes differ.
        GeometryError: If a spacing or the width cannot be.

    Source:
        Cheng et al., 2021, arXiv:2103.16562, here in mm and measured from border voxels.
    """
    spacing = check_grid(prediction, truth, spacing_mm)
    if not width_mm >= 0:
        raise GeometryError(
            f"width_mm must be a number of at least 0, not {width_mm}. "
            "Pass how thick a rim shall count."
        )
    masks = [np.asarray(mask, dtype=bool) for mask in (prediction, truth)]
    box = bounding_box(*masks)
    if box is None:
        return float("nan")
    ours, theirs = (_rim(mask[box], spacing, width_mm * (1 + SLACK)) for mask in masks)
    return iou(ours, theirs)


def _rim(
    mask: NDArray[np.bool_], spacing: NDArray[np.float64], limit_mm: float
) -> NDArray[np.bool_]:
    edge = border(mask)
    if limit_mm < spacing.min() or not edge.any():
        return edge  # no other voxel's centre lies as near
    from scipy.ndimage import distance_transform_edt  # the metrics' face stays light

    depth = distance_transform_edt(~edge, sampling=spacing)
    return np.asarray(mask & (depth <= limit_mm))
