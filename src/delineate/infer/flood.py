"""Watershed: markers grow over a landscape from its lowest level to its highest.

scipy's own `watershed_ift` weighs steps between neighbours instead of heights and is slower;
this one floods level by level, and within a level ring by ring, in whole arrays of pixels.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Flat = NDArray[np.signedinteger[Any]]

LEVELS = 64
"""Heights that are told apart."""


def flood(
    height: NDArray[np.float32], markers: NDArray[np.int32], inside: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Give every pixel that markers reach within the mask to one of them.

    A pixel goes to the marker that reaches it over the lowest pass; of equal ones to the nearer,
    then to the one above, left, right, below.

    Args:
        height: Landscape, (Y, X), in [0, 1].
        markers: Where the water starts, (Y, X), 1 to N, 0 elsewhere.
        inside: What may be flooded, (Y, X).

    Returns:
        Id of each pixel, (Y, X), 0 where no marker comes.
    """
    stride = markers.shape[1] + 2
    ids = np.pad(np.where(inside, markers, 0), 1).ravel()
    level = np.pad((height * (LEVELS - 1)).astype(np.uint8), 1).ravel()
    is_dry = np.pad(inside & (markers == 0), 1).ravel()
    steps = np.array([-stride, -1, 1, stride])
    stamps = np.zeros(ids.size, np.int32)
    shores = np.flatnonzero(ids)
    waiting: list[list[Flat]] = [[] for _ in range(LEVELS)]
    _queue(shores, 0, waiting, steps=steps, level=level, is_dry=is_dry, stamps=stamps)
    for depth in range(LEVELS):
        while waiting[depth]:
            ring = np.concatenate(waiting[depth])
            waiting[depth] = []
            around = ids[ring + steps[:, None]]
            ids[ring] = around[(around > 0).argmax(axis=0), np.arange(len(ring))]
            _queue(ring, depth, waiting, steps=steps, level=level, is_dry=is_dry, stamps=stamps)
    return np.ascontiguousarray(ids.reshape(-1, stride)[1:-1, 1:-1])


def _queue(
    wet: Flat,
    depth: int,
    waiting: list[list[Flat]],
    *,
    steps: Flat,
    level: NDArray[np.uint8],
    is_dry: NDArray[np.bool_],
    stamps: NDArray[np.int32],
) -> None:
    """Let the dry neighbours of wet pixels wait for their level, each once."""
    near = (wet + steps[:, None]).ravel()
    near = near[is_dry[near]]
    order = np.arange(len(near), dtype=np.int32)
    stamps[near] = order
    near = near[stamps[near] == order]
    is_dry[near] = False
    due = np.maximum(level[near], depth)
    for place in np.flatnonzero(np.bincount(due, minlength=LEVELS)).tolist():
        waiting[place].append(near[due == place])
