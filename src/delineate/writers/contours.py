"""Outlines of a mask as closed contours, each hole joined to its outline by a narrow channel.

RTSTRUCT has no word for a hole. A separate inner contour is a hole for readers that toggle and
solid for those that unite (plastimatch by default), so one contour goes in along a channel without
width and out again, which DICOM PS3.3 C.8.8.6.3 calls the keyhole technique: filling by the
even-odd rule gives the mask with either kind of reader. Contours follow pixel edges, not centres.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from delineate.core.encodings import mask_to_polygons

FloatArray = NDArray[np.float64]
Corner = tuple[float, float]
Joint = tuple[int, Corner, int]


def closed_outlines(mask: NDArray[np.bool_]) -> list[FloatArray]:
    """Trace a mask along the edges of its pixels, holes joined to what surrounds them.

    Args:
        mask: Foreground, (Y, X), bool.

    Returns:
        Corners (x, y) of each contour, (V, 2), the centre of the first pixel at (0, 0), one
        contour for every part of the mask that holds together by edges.
    """
    rings = mask_to_polygons(mask)
    areas = [_doubled_area(ring) for ring in rings]
    holes = [place for place, area in enumerate(areas) if area < 0]
    if not holes:
        return rings
    for place in holes:
        rings[place] = np.roll(rings[place], -_tip(rings[place]), axis=0)
    edges = _upright(rings)
    joints: dict[int, list[Joint]] = defaultdict(list)
    for place in holes:
        host, edge, x = _met(edges, rings[place][0])
        joints[host].append((edge, (x, float(rings[place][0][1])), place))
    walks: dict[int, list[Corner]] = {}
    # What a hole meets reaches further to the left, so from the right each finds its guests ready.
    for place in sorted(holes, key=lambda hole: -rings[hole][0][0]):
        walks[place] = _walked(rings[place], joints[place], walks)
    outer = [place for place, area in enumerate(areas) if area > 0]
    return [np.array(_walked(rings[place], joints[place], walks)) for place in outer]


def _doubled_area(ring: FloatArray) -> float:
    """Twice the area of a ring, negative where it runs as holes do."""
    x, y = ring.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1))


def _tip(ring: FloatArray) -> int:
    """The corner furthest to the left, of those the upper one."""
    return int(np.lexsort((ring[:, 1], ring[:, 0]))[0])


def _upright(rings: Sequence[FloatArray]) -> FloatArray:
    """List all vertical edges: ring, number of the edge, x, upper y, lower y, (E, 5)."""
    rows = []
    for place, ring in enumerate(rings):
        after = np.roll(ring, -1, axis=0)
        edges = np.flatnonzero(ring[:, 0] == after[:, 0])
        ends = np.stack([ring[edges, 1], after[edges, 1]])
        owner = np.full(len(edges), place)
        rows.append(np.stack([owner, edges, ring[edges, 0], ends.min(0), ends.max(0)], axis=1))
    return np.concatenate(rows)


def _met(edges: FloatArray, tip: FloatArray) -> tuple[int, int, float]:
    """Go left from a hole's tip to the first edge beside its pixel: ring, edge and x."""
    x, y = tip
    beside = edges[(edges[:, 2] < x) & (edges[:, 3] <= y) & (edges[:, 4] >= y + 1)]
    host, edge, at = beside[np.argmax(beside[:, 2]), :3]
    return int(host), int(edge), float(at)


def _walked(
    ring: FloatArray, joints: Sequence[Joint], walks: Mapping[int, list[Corner]]
) -> list[Corner]:
    """Walk round a ring, and on the way into every hole that is joined to it and back."""
    corners: list[Corner] = [(float(x), float(y)) for x, y in ring]
    by_edge: dict[int, list[tuple[Corner, int]]] = defaultdict(list)
    for edge, corner, guest in joints:
        by_edge[edge].append((corner, guest))
    if not by_edge:
        return corners
    walk: list[Corner] = []
    for place, corner in enumerate(corners):
        walk.append(corner)
        met = by_edge.get(place, [])
        for joint, guest in sorted(met, key=lambda entry: abs(entry[0][1] - corner[1])):
            walk += [joint, *walks[guest], walks[guest][0], joint]
    return walk
