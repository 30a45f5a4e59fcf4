"""Space: resample to a shape, turn to an axis order and back, warp with one resample.

`resample` keeps the outer voxel faces in place (as `Geometry.resampled` says), so that
going there and back ends on the same grid.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

AnyArray = NDArray[Any]


def rearrange(array: AnyArray, order: Sequence[int], flips: Sequence[int]) -> AnyArray:
    """Permute the last axes and then reverse some of them.

    Args:
        array: Any array whose last axes are spatial, (..., *S).
        order: Permutation of the spatial axes.
        flips: Spatial axes, counted after the permutation, to reverse.

    Returns:
        A view of the array.
    """
    lead = array.ndim - len(order)
    turned = np.transpose(array, [*range(lead), *(lead + axis for axis in order)])
    return np.flip(turned, tuple(lead + axis for axis in flips)) if flips else turned


def arrange_back(array: AnyArray, order: Sequence[int], flips: Sequence[int]) -> AnyArray:
    """Undo `rearrange` with the same arguments.

    Args:
        array: What `rearrange` made, (..., *S).
        order: The permutation that was used.
        flips: The flips that were used.

    Returns:
        A view of the array in its first axis order.
    """
    lead = array.ndim - len(order)
    straight = np.flip(array, tuple(lead + axis for axis in flips)) if flips else array
    return np.transpose(straight, [*range(lead), *(lead + int(axis) for axis in np.argsort(order))])


def resample(image: Tensor, shape: Sequence[int]) -> Tensor:
    """Interpolate linearly to another shape; shrinking axes are averaged, not skipped.

    Args:
        image: Batch, (N, C, *S), float.
        shape: The new spatial shape.

    Returns:
        Batch of that shape, (N, C, *shape).
    """
    for axis, size in enumerate(shape):
        length = image.shape[2 + axis]
        if length >= 2 * size:  # a plain linear step would skip voxels
            image = _average_axis(image, 2 + axis, length // size)
    if tuple(image.shape[2:]) == tuple(shape):
        return image
    mode = "bilinear" if len(shape) == 2 else "trilinear"
    return functional.interpolate(image, tuple(shape), mode=mode, align_corners=False)


def _average_axis(image: Tensor, axis: int, step: int) -> Tensor:
    # Repeating the last slice to a whole number of steps keeps the outer faces within a voxel.
    whole = math.ceil(image.shape[axis] / step) * step
    if whole == image.shape[axis]:
        shape = (*image.shape[:axis], whole // step, step, *image.shape[axis + 1 :])
        return image.reshape(shape).mean(axis + 1)
    kernel = torch.full((step,), 1 / step, dtype=image.dtype)
    moved = image.movedim(axis, -1)
    flat = functional.pad(
        moved.reshape(-1, 1, moved.shape[-1]), (step // 2, step - 1 - step // 2), mode="replicate"
    )
    soft = functional.conv1d(flat, kernel[None, None])
    return soft.reshape(moved.shape).movedim(-1, axis)


def resample_labels(array: AnyArray, shape: Sequence[int]) -> AnyArray:
    """Take the nearest label for each voxel of another shape.

    Args:
        array: Labels whose last axes are spatial, (..., *S).
        shape: The new spatial shape.

    Returns:
        Labels, (..., *shape), same dtype.
    """
    for axis, size in enumerate(shape):
        place = array.ndim - len(shape) + axis
        length = array.shape[place]
        if length != size:
            nearest = ((np.arange(size) + 0.5) * length / size).astype(np.intp)
            array = np.take(array, np.minimum(nearest, length - 1), axis=place)
    return array


def warp(
    image: Tensor,
    labels: Tensor,
    matrix: Tensor,
    centre: Tensor,
    shape: Sequence[int],
    *,
    displacement: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Cut one patch out of a volume through an affine and an elastic map, in one resample.

    Args:
        image: The source, (C, *S), float.
        labels: Its labels, (L, *S), any dtype.
        matrix: Patch offset (voxels from the patch's centre) to source offset, (D, D), in
            array order.
        centre: Source voxel at the patch's centre, (D,).
        shape: Spatial shape of the patch.
        displacement: Elastic shift in source voxels on a few points, (D, *T), or None.

    Returns:
        The patch (C, *shape), its outside continued from the edge, and its labels
        (L, *shape), float, -1 outside the source.
    """
    axes = [torch.arange(size, dtype=torch.float32) - (size - 1) / 2 for size in shape]
    offsets = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    points = offsets @ matrix.T + centre
    if displacement is not None:
        mode = "bilinear" if len(shape) == 2 else "trilinear"
        smooth = functional.interpolate(
            displacement[None], tuple(shape), mode=mode, align_corners=True
        )
        points = points + smooth[0].movedim(0, -1)
    size = torch.tensor(image.shape[1:], dtype=torch.float32)
    unit = ((points + 0.5) * (2 / size) - 1).flip(-1)[None]  # grid_sample wants x, y, z
    patch = functional.grid_sample(
        image[None], unit, mode="bilinear", padding_mode="border", align_corners=False
    )
    # Labels are shifted by one so that zero padding can stand for "outside".
    shifted = functional.grid_sample(
        labels[None].float() + 1, unit, mode="nearest", padding_mode="zeros", align_corners=False
    )
    return patch[0], shifted[0] - 1
