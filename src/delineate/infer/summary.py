"""What is said of each found object: how sure its pixels are of it and of its type.

Sums run in float64 over the object's pixels in row-major order, whatever else a window holds;
so they are the same to the last bit in every tile.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.infer.decoders import Found, Maps


def keep_sure(found: Found, least: float) -> Found:
    """Leave out objects of which the network is less sure; the others move up.

    Args:
        found: Objects of a window.
        least: Lowest confidence that stays, in [0, 1].

    Returns:
        The objects that stay, in their order.
    """
    kept = found.confidence >= least
    if kept.all():
        return found
    table = np.concatenate([[0], np.where(kept, np.cumsum(kept), 0)]).astype(np.int32)
    return Found(
        ids=table[found.ids],
        centres=found.centres[kept],
        types=found.types[kept],
        confidence=found.confidence[kept],
        type_probability=found.type_probability[kept],
    )


def sum_up(
    maps: Maps,
    centres: NDArray[Any],
    pixels: NDArray[Any],
    owners: NDArray[np.intp],
) -> Found:
    """Average foreground and types over the pixels of each object.

    Args:
        maps: What the network said.
        centres: Pixel that names each object, (N, 2).
        pixels: Flat places of foreground pixels, ascending, (P,).
        owners: Object of each of them, (P,), 0 for none.

    Returns:
        The objects.
    """
    count = len(centres)
    ids = np.zeros(maps.foreground.size, np.int32)
    ids[pixels] = owners
    area = np.maximum(np.bincount(owners, minlength=count + 1)[1:], 1)

    def mean(values: NDArray[np.float32]) -> NDArray[np.float64]:
        weights = values.ravel().take(pixels)
        total = np.bincount(owners, weights=weights.astype(np.float64), minlength=count + 1)[1:]
        share: NDArray[np.float64] = total / area
        return share

    confidence = mean(maps.foreground).astype(np.float32)
    types = np.ones(count, np.int16)
    chance = np.ones(count, np.float32)
    if maps.types is not None and count:
        shares = np.stack([mean(kind) for kind in maps.types])
        types = (shares.argmax(axis=0) + 1).astype(np.int16)
        chance = shares.max(axis=0).astype(np.float32)
    return Found(
        ids=ids.reshape(maps.foreground.shape),
        centres=centres.astype(np.int64),
        types=types,
        confidence=confidence,
        type_probability=chance,
    )
