"""Labels brought from one grid onto another through their places in the patient."""

from typing import Any

import numpy as np

from delineate.core.errors import GeometryError
from delineate.core.geometry import Geometry
from delineate.core.image import AnyArray, Mask

MAX_POINTS = 2**21
"""Voxels whose places are worked out at once."""


def regrid_labels(mask: Mask, grid: Geometry) -> Mask:
    """Take for each voxel of a grid the nearest label of a mask; outside of it is background.

    Where one of both knows no millimetres, they are taken to cover the same field.

    Args:
        mask: Ids (*S) or layers (L, *S) on any grid.
        grid: Where the labels shall lie.

    Returns:
        The same labels on that grid, same dtype.

    Raises:
        GeometryError: If one has two axes and the other three.
    """
    own = mask.geometry
    if own.dims != grid.dims:
        raise GeometryError(
            f"{mask.source} has {own.dims} axes, shape {own.shape}, and cannot be resampled onto "
            f"the shape {grid.shape}. Give a mask with as many axes as its truth."
        )
    if not (own.is_physical and grid.is_physical):
        own = grid.resampled(own.shape)
    matrix = np.linalg.inv(own.affine) @ grid.affine  # index there to index here
    source = mask.array
    lead = () if mask.num_layers is None else (mask.num_layers,)
    target = np.zeros((*lead, *grid.shape), dtype=source.dtype)
    step = max(1, MAX_POINTS // int(np.prod(grid.shape[1:])))
    for start in range(0, grid.shape[0], step):
        slab = slice(start, min(start + step, grid.shape[0]))
        part = target[:, slab] if lead else target[slab]
        part[...] = _nearest(
            source, own.shape, matrix, (slab, *(slice(0, size) for size in grid.shape[1:]))
        )
    return Mask.of(target, grid, is_stack=mask.num_layers is not None, source=mask.source)


def _nearest(
    source: AnyArray, shape: tuple[int, ...], matrix: AnyArray, part: tuple[slice, ...]
) -> AnyArray:
    axes = [np.arange(span.start, span.stop, dtype=np.float64) for span in part]
    inside = np.ones([len(axis) for axis in axes], dtype=bool)
    places = []
    for row, size in zip(matrix[:-1], shape, strict=True):
        index = np.full(inside.shape, row[-1])
        for place, axis in enumerate(axes):
            index += row[place] * axis.reshape(
                [-1 if at == place else 1 for at in range(len(axes))]
            )
        # Half a step rounds up everywhere, so that a tie never depends on even or odd.
        nearest = np.floor(index + 0.5 + 1e-6).astype(np.intp)
        inside &= (nearest >= 0) & (nearest < size)
        places.append(np.clip(nearest, 0, size - 1))
    lead = (slice(None),) * (source.ndim - len(shape))  # layers, if there are any, come along
    where: tuple[Any, ...] = (*lead, *places)
    found: AnyArray = source[where]
    return np.where(inside, found, np.zeros((), dtype=source.dtype))
