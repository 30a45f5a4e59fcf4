"""How far two surfaces lie apart, in mm; distances are measured once for all metrics.

The convention is that of MONAI and Metrics Reloaded: a surface is the voxels of a mask that
erosion by one face-neighbour removes (the edge of the image counts as outside), every border
voxel weighs the same, and HD95 is the larger of the two directed 95th percentiles with linear
interpolation. Tools that weigh surface elements by area (DeepMind) or pool both directions
(MedPy) give other numbers for the same masks.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import GeometryError
from delineate.metrics.overlap import check_shapes

FloatArray = NDArray[np.float64]
SLACK = 1e-4
"""Share by which a tolerance is widened, so that rounding in a header decides nothing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SurfaceDistances:
    """Distance of each border voxel to the other border, in both directions."""

    to_truth_mm: FloatArray
    """From each border voxel of the prediction to the truth's border, (P,); in mm."""
    to_prediction_mm: FloatArray
    """From each border voxel of the truth to the prediction's border, (T,); in mm."""
    diagonal_mm: float
    """Diagonal of the image: stands for a distance where one mask is empty."""
    num_empty: int
    """How many of the two masks are empty: 0, 1 or 2."""

    @cached_property
    def missing(self) -> float | None:
        """What a distance is where a mask is empty: nan (both), the diagonal (one) or None."""
        return {0: None, 1: self.diagonal_mm, 2: float("nan")}[self.num_empty]


def surface_distances(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    spacing_mm: tuple[float, ...],
    *,
    edge_is_border: bool = True,
) -> SurfaceDistances:
    """Measure the distances between the borders of two masks.

    Args:
        prediction: Mask, (*S), bool.
        truth: Mask, (*S), bool.
        spacing_mm: Voxel size in array order, in mm; it has no default, since a forgotten
            spacing silently gives voxels.
        edge_is_border: Whether a mask ends where the image does; the CHAOS challenge lets it go on.

    Returns:
        The distances in both directions; empty arrays if a mask is empty.

    Raises:
        GeometryError: If a spacing is not positive and finite, or there are too few or many.
    """
    spacing = check_grid(prediction, truth, spacing_mm)
    masks = [np.asarray(mask, dtype=bool) for mask in (prediction, truth)]
    num_empty = sum(not mask.any() for mask in masks)
    none = np.zeros(0)
    there, back = none, none
    if not num_empty:
        box = bounding_box(*masks)
        if edge_is_border:
            ours, theirs = (border(mask[box]) for mask in masks)
        else:
            ours, theirs = (_border_within(mask)[box] for mask in masks)
        there, back = nearest_distances(ours, theirs, spacing)
    return SurfaceDistances(
        to_truth_mm=there,
        to_prediction_mm=back,
        diagonal_mm=float(np.linalg.norm(spacing * truth.shape)),
        num_empty=num_empty,
    )


def hausdorff(distances: SurfaceDistances) -> float:
    """Largest distance from a border voxel of either mask to the other border.

    Args:
        distances: What `surface_distances` measured.

    Returns:
        Distance in mm, at least 0; nan if both masks are empty, the image's diagonal if one is.
    """
    if distances.missing is not None:
        return distances.missing
    return float(max(distances.to_truth_mm.max(), distances.to_prediction_mm.max()))


def hausdorff95(distances: SurfaceDistances) -> float:
    """The larger of the two directed 95th percentiles of border distances.

    Args:
        distances: What `surface_distances` measured.

    Returns:
        Distance in mm, at least 0; nan if both masks are empty, the image's diagonal if one is.

    Source:
        Maier-Hein et al., 2024, doi:10.1038/s41592-023-02151-z (Metrics Reloaded).
    """
    if distances.missing is not None:
        return distances.missing
    directed = (distances.to_truth_mm, distances.to_prediction_mm)
    return max(float(np.percentile(each, 95)) for each in directed)


def average_surface_distance(distances: SurfaceDistances) -> float:
    """Mean of all border distances of both directions together (ASSD).

    Args:
        distances: What `surface_distances` measured.

    Returns:
        Distance in mm, at least 0; nan if both masks are empty, the image's diagonal if one is.
    """
    if distances.missing is not None:
        return distances.missing
    total = distances.to_truth_mm.sum() + distances.to_prediction_mm.sum()
    return float(total / (distances.to_truth_mm.size + distances.to_prediction_mm.size))


def mean_surface_distance(distances: SurfaceDistances) -> float:
    """Mean of the two directed mean border distances (MASD).

    Unlike ASSD, both borders weigh the same, however long each is.

    Args:
        distances: What `surface_distances` measured.

    Returns:
        Distance in mm, at least 0; nan if both masks are empty, the image's diagonal if one is.

    Source:
        Beneš and Zitová, 2015, doi:10.1111/jmi.12186.
    """
    if distances.missing is not None:
        return distances.missing
    return float(distances.to_truth_mm.mean() + distances.to_prediction_mm.mean()) / 2


def surface_dice(distances: SurfaceDistances, tolerance_mm: float) -> float:
    """Share of the border voxels of both masks within a tolerance of the other border (NSD).

    Args:
        distances: What `surface_distances` measured.
        tolerance_mm: How far apart two borders may lie and still agree, in mm, at least 0.

    Returns:
        Normalised surface Dice in [0, 1]; nan if both masks are empty, 0 if one is.

    Raises:
        GeometryError: If the tolerance is negative or not a number.

    Source:
        Nikolov et al., 2021, doi:10.2196/26151, here with voxel counts for areas.
    """
    if not tolerance_mm >= 0:
        raise GeometryError(
            f"tolerance_mm must be a number of at least 0, not {tolerance_mm}. "
            "Pass the distance that two readers of your organ differ by."
        )
    if distances.missing is not None:
        return float("nan") if distances.num_empty == 2 else 0.0
    limit = tolerance_mm * (1 + SLACK)
    near = sum(
        int(np.count_nonzero(each <= limit))
        for each in (distances.to_truth_mm, distances.to_prediction_mm)
    )
    return near / (distances.to_truth_mm.size + distances.to_prediction_mm.size)


def check_grid(
    prediction: NDArray[Any], truth: NDArray[Any], spacing_mm: tuple[float, ...]
) -> FloatArray:
    """Refuse masks of two shapes, and a spacing that cannot be theirs.

    Args:
        prediction: Mask, (*S).
        truth: Mask, (*S).
        spacing_mm: Voxel size in array order, in mm.

    Returns:
        The spacing as an array, (len(S),), in mm.

    Raises:
        ShapeError: If the shapes differ.
        GeometryError: If a spacing is not positive and finite, or there are too few or many.
    """
    check_shapes(prediction, truth)
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    if spacing.shape != (truth.ndim,) or not np.isfinite(spacing).all() or spacing.min() <= 0:
        raise GeometryError(
            f"spacing_mm must be {truth.ndim} positive numbers, not {tuple(spacing_mm)}. "
            "Repair the header of the file."
        )
    return spacing


def bounding_box(*masks: NDArray[np.bool_]) -> tuple[slice, ...] | None:
    """Find the smallest box that holds every mask.

    Args:
        *masks: Masks of one shape, (*S), bool.

    Returns:
        A slice for each axis; None if all masks are empty.
    """
    found = [box for box in map(_box, masks) if box is not None]
    if not found:
        return None
    return tuple(
        slice(min(each.start for each in axis), max(each.stop for each in axis))
        for axis in zip(*found, strict=True)
    )


def _border_within(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find voxels with a face-neighbour outside; beyond the array all is as at its edge."""
    inner = (slice(1, -1),) * mask.ndim
    return border(np.pad(mask, 1, mode="edge"))[inner]


def border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find voxels with a face-neighbour outside; beyond the array all is outside.

    Args:
        mask: Mask, (*S), bool.

    Returns:
        What one erosion takes away, (*S), bool.
    """
    core = mask.copy()
    for axis in range(mask.ndim):
        here, mine = np.moveaxis(core, axis, 0), np.moveaxis(mask, axis, 0)
        here[0] = here[-1] = False
        here[1:-1] &= mine[:-2] & mine[2:]
    return mask & ~core


def nearest_distances(
    ours: NDArray[np.bool_], theirs: NDArray[np.bool_], spacing: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Measure from each voxel of one set to the nearest of the other, both ways.

    Args:
        ours: One set of voxels, (*S), bool.
        theirs: The other, (*S), bool.
        spacing: Voxel size in array order, (len(S),), in mm.

    Returns:
        Distances from ours to theirs, and from theirs to ours, each in array order and in mm;
        inf where the other set is empty.
    """
    return _distances(ours, theirs, spacing), _distances(theirs, ours, spacing)


def _box(mask: NDArray[np.bool_]) -> tuple[slice, ...] | None:
    box: list[slice] = []
    for axis in range(mask.ndim):  # each axis looks only at what the axes before left over
        rest = mask[tuple(box)]
        others = tuple(place for place in range(mask.ndim) if place != axis)
        inside = np.flatnonzero(rest.any(axis=others))
        if inside.size == 0:
            return None
        box.append(slice(int(inside[0]), int(inside[-1]) + 1))
    return tuple(box)


def _distances(
    start: NDArray[np.bool_], goal: NDArray[np.bool_], spacing: FloatArray
) -> FloatArray:
    from scipy.spatial import cKDTree  # the metrics' face stays light

    shared = goal[start]
    distances = np.zeros(shared.size)
    if shared.all():
        return distances
    places, apart = np.argwhere(goal), np.argwhere(start & ~goal)
    if not len(places):
        return np.full(shared.size, np.inf)
    # Distance transforms of the box took 2 to 13 times as long: organs near and far, and noise.
    tree = cKDTree(places * spacing, leafsize=32, balanced_tree=False, compact_nodes=False)
    nearest = tree.query(apart * spacing)[1]
    # Steps of the grid times the spacing, since a difference of two products is inexact.
    steps = (places[nearest] - apart) * spacing
    distances[~shared] = np.sqrt(np.einsum("ij,ij->i", steps, steps))
    return distances
