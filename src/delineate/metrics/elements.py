"""Surfaces as small pieces of known area, one where eight voxels meet.

Counting border voxels overrates slanted surfaces and thick slices. Here each point where 2 x 2
(x 2) voxels meet carries the length (area) of the surface that a marching cube would draw
between their centres, so that a percentile or a share is one of area, as in Nikolov et al.,
2021, doi:10.2196/26151. The areas are computed from geometry when first needed.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import ShapeError
from delineate.metrics.surface import bounding_box, check_grid, nearest_distances

FloatArray = NDArray[np.float64]
Corner = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class ElementDistances:
    """Distance and area of each surface element of two masks, sorted by distance, then area."""

    to_truth_mm: FloatArray
    """From each element of the prediction to the truth's surface, (P,); inf if truth is empty."""
    to_prediction_mm: FloatArray
    """From each element of the truth to the prediction's surface, (T,); inf if that is empty."""
    prediction_areas: FloatArray
    """Area of each element of the prediction, (P,); mm in 2-D, mm² in 3-D."""
    truth_areas: FloatArray
    """Area of each element of the truth, (T,); mm in 2-D, mm² in 3-D."""

    @cached_property
    def directed(self) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
        """Distances and areas of the truth's elements, then of the prediction's."""
        return (
            (self.to_prediction_mm, self.truth_areas),
            (self.to_truth_mm, self.prediction_areas),
        )


def element_distances(
    prediction: NDArray[Any], truth: NDArray[Any], spacing_mm: tuple[float, ...]
) -> ElementDistances:
    """Measure the distances between the surface elements of two masks.

    Args:
        prediction: Mask, (Y, X) or (Z, Y, X), bool; outside the array nothing is inside.
        truth: Mask of the same shape, bool.
        spacing_mm: Voxel size in array order, in mm.

    Returns:
        Distances and areas in both directions; empty arrays for an empty mask.

    Raises:
        ShapeError: If the shapes differ or have neither two nor three axes.
        GeometryError: If a spacing is not positive and finite, or there are too few or many.
    """
    spacing = check_grid(prediction, truth, spacing_mm)
    if truth.ndim not in (2, 3):
        raise ShapeError(
            f"prediction and truth must have 2 or 3 axes, not {truth.ndim}. "
            "Pass one class of one case."
        )
    masks = [np.asarray(mask, dtype=bool) for mask in (prediction, truth)]
    box = bounding_box(*masks)
    codes = [_codes(mask[box]) if box else np.zeros((0,) * truth.ndim, np.uint8) for mask in masks]
    last = 2**2**truth.ndim - 1
    ours, theirs = ((code != 0) & (code != last) for code in codes)
    areas = element_areas(tuple(spacing.tolist()))
    there, back = nearest_distances(ours, theirs, spacing)
    to_truth, our_areas = _sorted(there, areas[codes[0][ours]])
    to_prediction, their_areas = _sorted(back, areas[codes[1][theirs]])
    return ElementDistances(
        to_truth_mm=to_truth, to_prediction_mm=to_prediction,
        prediction_areas=our_areas, truth_areas=their_areas,
    )  # fmt: skip


def percentile_distance(distances: ElementDistances, percent: float) -> float:
    """The larger of the two distances that the given share of each surface stays within.

    Args:
        distances: What `element_distances` measured.
        percent: Share of the area, in (0, 100]; 100 is the Hausdorff distance, 95 HD95.

    Returns:
        Distance in mm, at least 0; inf if either mask is empty.
    """
    found = []
    for each, areas in distances.directed:
        if each.size == 0:
            return float("inf")
        share = np.cumsum(areas) / areas.sum()
        place = min(int(np.searchsorted(share, percent / 100)), each.size - 1)
        found.append(float(each[place]))
    return max(found)


def one_way_means(distances: ElementDistances) -> tuple[float, float]:
    """Mean distance over the truth's area, and over the prediction's.

    Args:
        distances: What `element_distances` measured.

    Returns:
        Two distances in mm: truth to prediction, prediction to truth; nan for an empty mask,
        inf for the other if exactly one is empty.
    """
    there, back = (
        float((each * areas).sum() / areas.sum()) if each.size else float("nan")
        for each, areas in distances.directed
    )
    return there, back


def area_surface_dice(distances: ElementDistances, tolerance_mm: float) -> float:
    """Share of the area of both surfaces that lies within a tolerance of the other.

    Args:
        distances: What `element_distances` measured.
        tolerance_mm: How far apart two surfaces may lie and still agree, in mm, at least 0.

    Returns:
        Normalised surface Dice in [0, 1]; nan if both masks are empty, 0 if one is.
    """
    total = distances.truth_areas.sum() + distances.prediction_areas.sum()
    if total == 0:
        return float("nan")
    near = [areas[each <= tolerance_mm].sum() for each, areas in distances.directed]
    return float(sum(near) / total)


@cache
def element_areas(spacing_mm: tuple[float, ...]) -> FloatArray:
    """Compute the area of the surface within each kind of 2 x 2 (x 2) neighbourhood.

    Corners that share an edge hang together. Each group of the rarer kind (inside or outside) is
    cut off through the midpoints of the edges that leave it: by a line in 2-D, by the polygon
    through the midpoints in 3-D. A polygon that is not flat is cut into triangles in the way of
    the largest area among unit voxels, which leaves the least waist.

    Args:
        spacing_mm: Voxel size in array order, two or three numbers, in mm.

    Returns:
        Lengths in mm, (16,), or areas in mm², (256,); the first corner in array order is the
        highest bit of the index.
    """
    corners = list(product((0, 1), repeat=len(spacing_mm)))
    table = np.zeros(2 ** len(corners))
    for code in range(len(table)):
        inside = {corner for bit, corner in enumerate(reversed(corners)) if code >> bit & 1}
        rare = inside if 2 * len(inside) <= len(corners) else set(corners) - inside
        table[code] = sum(_cut_area(group, spacing_mm) for group in _groups(rare))
    table.setflags(write=False)  # the cache hands the same array to everyone
    return table


def _cut_area(group: set[Corner], spacing_mm: tuple[float, ...]) -> float:
    """Length of the line, or area of the polygon, that cuts a group of corners off."""
    midpoints = {
        (corner, other): (np.array(corner) + other) / 2
        for corner in group
        for other in _neighbours(corner)
        if other not in group
    }
    points = list(midpoints.values())
    if len(spacing_mm) == 2:
        return float(np.linalg.norm((points[0] - points[1]) * spacing_mm))
    ring = np.array(_ring(points))
    best = max(_triangulations(0, len(ring) - 1), key=lambda cut: _area(ring, cut))
    return _area(ring * spacing_mm, best)


def _area(points: FloatArray, triangles: list[Corner]) -> float:
    first, second, third = (points[list(places)] for places in zip(*triangles, strict=True))
    return float(np.linalg.norm(np.cross(second - first, third - first), axis=1).sum() / 2)


def _ring(points: list[FloatArray]) -> list[FloatArray]:
    """Order midpoints so that followers share a face: a coordinate that is 0 or 1 in both."""
    ring, rest = [points[0]], points[1:]
    while rest:
        place = next(
            place for place, point in enumerate(rest)
            if ((point == ring[-1]) & (point != 0.5)).any()
        )  # fmt: skip
        ring.append(rest.pop(place))
    return ring


def _triangulations(first: int, last: int) -> list[list[Corner]]:
    """List every way to cut the polygon first..last into triangles."""
    if last - first < 2:
        return [[]]
    return [
        [*left, *right, (first, middle, last)]
        for middle in range(first + 1, last)
        for left in _triangulations(first, middle)
        for right in _triangulations(middle, last)
    ]


def _neighbours(corner: Corner) -> list[Corner]:
    return [(*corner[:axis], 1 - corner[axis], *corner[axis + 1 :]) for axis in range(len(corner))]


def _groups(corners: set[Corner]) -> list[set[Corner]]:
    """Split corners into groups that hang together by edges."""
    rest, groups = set(corners), []
    while rest:
        group, border = set(), [rest.pop()]
        while border:
            corner = border.pop()
            group.add(corner)
            found = [other for other in _neighbours(corner) if other in rest]
            rest.difference_update(found)
            border.extend(found)
        groups.append(group)
    return groups


def _codes(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Number the neighbourhood of each corner of the voxels, (S + 1); outside is empty."""
    padded = np.pad(mask, 1).view(np.uint8)
    codes = np.zeros([size - 1 for size in padded.shape], np.uint8)
    for corner in product((0, 1), repeat=mask.ndim):
        codes <<= 1
        codes |= padded[
            tuple(slice(at, at + size) for at, size in zip(corner, codes.shape, strict=True))
        ]
    return codes


def _sorted(distances: FloatArray, areas: FloatArray) -> tuple[FloatArray, FloatArray]:
    order = np.lexsort((areas, distances))
    return distances[order], areas[order]
