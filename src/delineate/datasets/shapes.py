"""Shapes as distances to their surface: ellipsoids, tubes along curves, and smooth chance."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

FloatArray = NDArray[np.float32]
Point = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class Space:
    """Where each voxel lies in the body, in mm of a patient of average size."""

    left: FloatArray
    """Distance from the middle plane to the patient's left, (Z, Y, X)."""
    back: FloatArray
    """Distance from the body's axis to the back, (Z, Y, X)."""
    up: FloatArray
    """Distance from the navel's level to the head, (Z, Y, X)."""
    step_mm: float
    """Width of the soft edge, about one voxel."""

    @cached_property
    def points(self) -> FloatArray:
        """All voxels, (Z * Y * X, 3) in the order left, back, up."""
        return np.stack([self.left.ravel(), self.back.ravel(), self.up.ravel()], axis=1)


def ellipsoid(
    space: Space, centre: Point, radii: Point, *, power: float = 2.0, tilt: float = 0.0
) -> FloatArray:
    """Measure the distance to an ellipsoid along rays from its centre.

    Args:
        space: The voxels.
        centre: Left, back, up in mm.
        radii: Half axes in mm.
        power: 2 is an ellipsoid, more is boxier.
        tilt: Radians by which its long axis leans to the left as it goes up.

    Returns:
        Distance in mm, negative inside, (Z, Y, X).
    """
    x, y, z = space.left - centre[0], space.back - centre[1], space.up - centre[2]
    if tilt:
        x, z = x * np.cos(tilt) - z * np.sin(tilt), x * np.sin(tilt) + z * np.cos(tilt)
    length = np.sqrt(x * x + y * y + z * z)
    size = (
        np.abs(x / radii[0]) ** power
        + np.abs(y / radii[1]) ** power
        + np.abs(z / radii[2]) ** power
    ) ** np.float32(1 / power)
    distance: FloatArray = length - length / np.maximum(size, 1e-3)
    return distance


def pillar(space: Space, centre: tuple[float, float], radii: tuple[float, float]) -> FloatArray:
    """Measure the distance to an upright elliptic cylinder without ends.

    Args:
        space: The voxels.
        centre: Left and back in mm.
        radii: Half axes in mm.

    Returns:
        Distance in mm, negative inside, (Z, Y, X).
    """
    x, y = space.left - centre[0], space.back - centre[1]
    length = np.sqrt(x * x + y * y)
    size = np.sqrt((x / radii[0]) ** 2 + (y / radii[1]) ** 2)
    distance: FloatArray = length - length / np.maximum(size, 1e-3)
    return distance


@dataclass(frozen=True, kw_only=True, eq=False)
class Tube:
    """A tube around a curve, seen from each voxel."""

    distance: FloatArray
    """To the outer surface in mm, negative inside; 99 far away; (Z, Y, X)."""
    along: FloatArray
    """Way from the curve's start to its nearest point in mm, (Z, Y, X)."""
    back: FloatArray
    """How far the voxel lies to the back of that point in mm, (Z, Y, X)."""


def smooth_curve(knots: NDArray[np.floating], step_mm: float = 2.5) -> NDArray[np.float64]:
    """Draw a smooth curve through knots.

    Args:
        knots: Points and any further columns such as a radius, (n, 3 + m), in mm.
        step_mm: Distance between the curve's points.

    Returns:
        Points along the curve, (k, 3 + m).
    """
    gaps = np.linalg.norm(np.diff(knots[:, :3], axis=0), axis=1)
    way = np.concatenate([[0.0], np.cumsum(np.sqrt(gaps))])  # centripetal: no loops at bends
    fine = CubicSpline(way, knots)(np.linspace(0, way[-1], 30 * len(knots)))
    length = np.concatenate(
        [[0.0], np.cumsum(np.linalg.norm(np.diff(fine[:, :3], axis=0), axis=1))]
    )
    even = np.arange(0, length[-1], step_mm)
    return np.stack([np.interp(even, length, column) for column in fine.T], axis=1)


def tube(space: Space, curve: NDArray[np.float64], radius: NDArray[np.float64]) -> Tube:
    """Find for every voxel near a curve how far the tube's surface is.

    Args:
        space: The voxels.
        curve: Points 2.5 mm apart, (k, 3).
        radius: Outer radius at each point in mm, (k,).

    Returns:
        Distances and places along the tube.
    """
    reach = float(radius.max()) + 12
    low, high = curve.min(axis=0) - reach, curve.max(axis=0) + reach
    inside = np.flatnonzero(((space.points > low) & (space.points < high)).all(axis=1))
    near = space.points[inside]
    gap, index = cKDTree(curve).query(near, distance_upper_bound=reach)
    found = np.isfinite(gap)
    inside, near, index = inside[found], near[found], index[found]
    distance, along, back = (np.full(space.left.size, fill, np.float32) for fill in (99, -1, 0))
    distance[inside] = gap[found] - radius[index]
    along[inside] = index * 2.5
    back[inside] = near[:, 1] - curve[index, 1]
    shape = space.left.shape
    return Tube(
        distance=distance.reshape(shape), along=along.reshape(shape), back=back.reshape(shape)
    )


def smooth_field(
    rng: np.random.Generator, shape: tuple[int, ...], cells: tuple[int, ...]
) -> FloatArray:
    """Draw a smooth random field of mean about 0 and deviation about 1.

    Args:
        rng: Source of chance.
        shape: Its shape.
        cells: Random control points along each axis; more are finer.

    Returns:
        Field of the given shape: cubic B-splines over the control points.
    """
    field = rng.standard_normal([cell + 3 for cell in cells]).astype(np.float32)
    for axis, (size, cell) in enumerate(zip(shape, cells, strict=True)):
        place = np.linspace(0, cell, size, endpoint=False, dtype=np.float32)
        knot = np.arange(cell + 3, dtype=np.float32) - 1
        gap = np.abs(place[:, None] - knot[None, :])
        weight = np.where(
            gap < 1, 2 / 3 - gap**2 + gap**3 / 2, np.where(gap < 2, (2 - gap) ** 3 / 6, 0)
        )
        weight /= np.sqrt((weight**2).sum(axis=1, keepdims=True))
        field = np.moveaxis(np.tensordot(weight, field, axes=(1, axis)), 0, axis)
    return np.asarray(field, dtype=np.float32)
