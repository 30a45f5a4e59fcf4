"""Distances to the borders of the truth, by exact transforms on the CPU, outside the gradient."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from delineate.losses.pair import IGNORED

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def distance_to(mask: BoolArray, spacing: Sequence[float] | None = None) -> FloatArray:
    """Measure how far each voxel is from the nearest one of a mask.

    Args:
        mask: Any shape (*S).
        spacing: Size of a voxel along each axis; None means 1, distances in voxels.

    Returns:
        Distances between centres, (*S), >= 0; infinite everywhere if the mask is empty.
    """
    from scipy import ndimage

    if not mask.any():
        return np.full(mask.shape, np.inf)
    distances: FloatArray = ndimage.distance_transform_edt(~mask, sampling=spacing)
    return distances


def signed_distance(
    mask: BoolArray, known: BoolArray, spacing: Sequence[float] | None = None
) -> FloatArray:
    """Measure how far each voxel is from the other side of a mask's border, inside negative.

    Args:
        mask: What is inside, (*S).
        known: False where the truth is ignored, (*S); nothing is there to be near to.
        spacing: Size of a voxel along each axis; None means 1.

    Returns:
        (*S), never 0; infinite where there is no other side.
    """
    outside = distance_to(mask & known, spacing)
    inside = distance_to(known & ~mask, spacing)
    return np.where(mask, -inside, outside)


def signed_distances(
    target: Tensor,
    num_classes: int,
    *,
    layers: bool = False,
    spacing: Sequence[float] | None = None,
) -> Tensor:
    """Measure `signed_distance` for each image and class of a batch.

    Args:
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        num_classes: K.
        layers: True if the target holds layers.
        spacing: Size of a voxel along each axis; None means 1.

    Returns:
        (N, K, *S), float64, on the CPU, without gradient.
    """
    labels = target.detach().cpu().numpy()
    fields = [
        signed_distance(mask, known, spacing)
        for image in labels
        for mask, known in _masks(image, num_classes, layers=layers)
    ]
    space = target.shape[2:] if layers else target.shape[1:]
    return torch.from_numpy(np.stack(fields)).reshape(len(labels), num_classes, *space)


def _masks(
    image: NDArray[np.int64], num_classes: int, *, layers: bool
) -> Iterator[tuple[BoolArray, BoolArray]]:
    for place in range(num_classes):
        mine = image[place] if layers else image
        yield (mine > 0 if layers else mine == place), mine != IGNORED


def border_distance(ids: NDArray[np.int64], spacing: Sequence[float] | None = None) -> FloatArray:
    """Measure how far each voxel is from the nearest one with another label.

    Args:
        ids: Labels, (*S); -1 is ignored and no border.
        spacing: Size of a voxel along each axis; None means 1.

    Returns:
        Distances, (*S), > 0; infinite where there is one label only.
    """
    distances = np.full(ids.shape, np.inf)
    known = ids != IGNORED
    for label in np.unique(ids[known]):
        mine = ids == label
        distances[mine] = distance_to(known & ~mine, spacing)[mine]
    return distances
