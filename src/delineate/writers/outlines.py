"""Outlines of many objects, traced some hundreds at a time.

Each object is cut out and set under the one before, a row of background between, so that one
pass over that tall strip traces them all: forty thousand take seconds, and little memory.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.encodings import mask_to_polygons

Ring = NDArray[np.float64]
Box = tuple[slice, slice]
MOST_PIXELS = 1 << 19
"""Pixels of a strip; each takes some dozens of bytes while it is traced."""


def outline_objects(ids: NDArray[np.int32]) -> Iterator[tuple[int, list[Ring]]]:
    """Trace every object that has pixels.

    Args:
        ids: Id map, (Y, X), 0 outside.

    Yields:
        Id and rings, as `mask_to_polygons` makes them of the whole picture, by ascending id.
    """
    from scipy.ndimage import find_objects  # outlines alone need it

    batch: list[tuple[int, Box]] = []
    height = width = 0
    for place, box in enumerate(find_objects(ids)):
        if box is None:
            continue
        rows, columns = (side.stop - side.start for side in box)
        if batch and (height + rows + 1) * max(width, columns) > MOST_PIXELS:
            yield from _trace(ids, batch, (height, width))
            batch, height, width = [], 0, 0
        batch.append((place + 1, box))
        height, width = height + rows + 1, max(width, columns)
    yield from _trace(ids, batch, (height, width))


def _trace(
    ids: NDArray[np.int32], batch: list[tuple[int, Box]], shape: tuple[int, int]
) -> Iterator[tuple[int, list[Ring]]]:
    strip = np.zeros(shape, dtype=bool)
    tops, top = [], 0
    for number, box in batch:
        part = ids[box] == number
        strip[top : top + len(part), : part.shape[1]] = part
        tops.append(top)
        top += len(part) + 1
    rings = mask_to_polygons(strip)
    owners = np.searchsorted(tops, [ring[0, 1] + 0.5 for ring in rings], side="right") - 1
    found: list[list[Ring]] = [[] for _ in batch]
    for ring, owner in zip(rings, owners.tolist(), strict=True):
        number, (down, across) = batch[owner]
        found[owner].append(ring + np.array([across.start, down.start - tops[owner]]))
    yield from ((number, parts) for (number, _), parts in zip(batch, found, strict=True))


def geometry_of(rings: list[Ring]) -> dict[str, Any]:
    """Join rings to a GeoJSON geometry: outer rings with their holes, all closed.

    GeoJSON as QuPath reads it counts from the corner of the first pixel, so half a pixel is added.

    Args:
        rings: Rings of one object, corners (x, y), (V, 2), the centre of the first pixel at (0, 0).

    Returns:
        A Polygon if the object is in one piece, else a MultiPolygon.
    """
    outer: list[tuple[Ring, float, list[Ring]]] = []
    holes = []
    for ring in rings:
        area = 1.0 if len(rings) == 1 else _area(ring)
        if area > 0:
            outer.append((ring, area, []))
        else:
            holes.append(ring)
    low = np.array([ring.min(0) for ring, _, _ in outer])
    high = np.array([ring.max(0) for ring, _, _ in outer])
    for hole in holes:
        # The edge of a hole runs along its ring, so the ring around it is the least that holds it.
        fits = ((low <= hole.min(0)) & (high >= hole.max(0))).all(axis=1)
        around = [outer[row] for row in np.flatnonzero(fits) if _holds(outer[row][0], hole)]
        min(around, key=lambda entry: entry[1])[2].append(hole)
    parts = [[_closed(ring) for ring in (shell, *inner)] for shell, _, inner in outer]
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def _closed(ring: Ring) -> list[list[int]]:
    points: list[list[int]] = (ring + 0.5).astype(np.int64).tolist()  # whole: corners of pixels
    return [*points, points[0]]


def _area(ring: Ring) -> float:
    """Signed area: positive for outer rings, which run clockwise with y downwards."""
    x, y = ring.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _holds(ring: Ring, hole: Ring) -> bool:
    # A point within the hole, a quarter pixel to the inner side of its first edge.
    (x0, y0), (x1, y1) = hole[0], hole[1]
    length = max(abs(x1 - x0), abs(y1 - y0))
    px = (x0 + x1) / 2 + (y1 - y0) / length / 4
    py = (y0 + y1) / 2 - (x1 - x0) / length / 4
    ends = np.roll(ring, -1, axis=0)
    crosses = (ring[:, 1] > py) != (ends[:, 1] > py)
    return bool(np.count_nonzero(crosses & (ring[:, 0] > px)) % 2)
