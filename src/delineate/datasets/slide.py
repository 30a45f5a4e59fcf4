"""One tile from a seed: laid out, settled, painted, stained and scanned, with its truth."""

import numpy as np
from numpy.typing import NDArray

from delineate.core.instances import Instances
from delineate.core.rasters import rasterise
from delineate.datasets.architecture import Style, lay_out
from delineate.datasets.chromatin import Brush, Manner
from delineate.datasets.laboratory import Laboratory
from delineate.datasets.population import Cell, populate
from delineate.datasets.stroma import paint_tissue

SMALLEST_UM2 = 1.0
"""A nucleus of which less is in sight is not there."""
SMALLEST_PX = 4
"""The same in pixels."""


def paint_slide(
    seed: int, shape: tuple[int, int], mpp: float, pattern: str
) -> tuple[NDArray[np.uint8], Instances]:
    """Make one tile.

    Args:
        seed: Any whole number of at least 0.
        shape: Pixels (Y, X).
        mpp: Micrometres per pixel.
        pattern: Key of `PATTERNS`.

    Returns:
        Red, green and blue, (3, Y, X), and the nuclei.
    """
    build, land, folk, paint, look, light = (np.random.default_rng([seed, k]) for k in range(6))
    style = Style.of(build, pattern)
    ground = lay_out(land, style, shape, mpp)
    instances, cells = tell_apart(populate(folk, ground, style), shape, mpp)
    dyes = paint_tissue(paint, ground, style, cells)
    manner = Manner.of(look, style.vesicle)
    brush = Brush(look, shape, mpp)
    for cell in reversed(cells):
        brush.paint(dyes, cell, manner.look(look, cell.type))
    return Laboratory.of(light).photograph(dyes, mpp, light), instances


def tell_apart(
    cells: list[Cell], shape: tuple[int, int], mpp: float
) -> tuple[Instances, list[Cell]]:
    """Give every nucleus in sight an id; of those above each other the first has the pixels.

    Args:
        cells: All cells, the uppermost first.
        shape: Pixels (Y, X).
        mpp: Micrometres per pixel.

    Returns:
        The nuclei, and the cells that they belong to in the order of the ids; those of which
        too little is in sight are left out of both.
    """
    fewest = max(SMALLEST_PX, SMALLEST_UM2 / mpp**2)
    kept = cells
    while True:
        outlines = [cell.shape.outline(mpp) for cell in kept]
        ids = rasterise(outlines, shape, order="first", centre="skimage")
        is_seen = np.bincount(ids.ravel(), minlength=len(kept) + 1)[1:] >= fewest
        if is_seen.all():
            break
        kept = [cell for cell, is_there in zip(kept, is_seen, strict=True) if is_there]
    types = np.array([cell.type for cell in kept], dtype=np.int16)
    return Instances(ids=ids, types=types, outlines=tuple(outlines)), kept
