"""Where an array lies in space: spacing, orientation and position, in array order.

Arrays run `(Z, Y, X)` or `(Y, X)`; world coordinates are millimetres in RAS+ (+x to the
patient's right, +y to the front, +z to the head), as in NIfTI. The affine's columns follow
the array's axes, its rows the world's: that is the only place where the two orders meet, and
only readers and writers convert.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import GeometryError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Geometry:
    """The grid of an array: shape, affine and whether its unit is the millimetre."""

    shape: tuple[int, ...]
    """Spatial shape `*S`, 2 or 3 numbers, each at least 1."""
    affine: FloatArray
    """Array index to world, (D + 1, D + 1); columns in array order, rows x, y(, z)."""
    is_physical: bool = True
    """False if the file said nothing of millimetres; then a unit is one pixel."""

    def __post_init__(self) -> None:
        """Check the shape and the affine, and freeze the affine.

        Raises:
            GeometryError: If the shape is not 2-D or 3-D, or the affine is singular.
        """
        if len(self.shape) not in (2, 3) or min(self.shape) < 1:
            raise GeometryError(
                f"shape must be two or three numbers of at least 1, not {self.shape}. "
                "Drop axes of length 0 and split a time axis into single images."
            )
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (self.dims + 1, self.dims + 1) or not np.isfinite(affine).all():
            raise GeometryError(
                f"affine must be {self.dims + 1} x {self.dims + 1} finite numbers, "
                f"not of shape {affine.shape}. Repair the file's header."
            )
        if abs(np.linalg.det(affine[:-1, :-1])) < 1e-12:
            raise GeometryError(
                "affine must be invertible, but an axis has spacing 0 or two axes are parallel. "
                "Repair the file's header."
            )
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "shape", tuple(int(size) for size in self.shape))

    @classmethod
    def of_spacing(cls, shape: Sequence[int], spacing: Sequence[float] | None = None) -> "Geometry":
        """Make an axis-aligned geometry at the origin.

        Args:
            shape: Spatial shape, (Y, X) or (Z, Y, X).
            spacing: Millimetres per step in array order; None means pixels of unit size.

        Returns:
            The geometry; physical only if a spacing was given.

        Raises:
            GeometryError: If a spacing is not positive and finite, or has another length.
        """
        steps = [1.0] * len(shape) if spacing is None else [float(value) for value in spacing]
        if len(steps) != len(shape) or not all(np.isfinite(steps)) or min(steps) <= 0:
            raise GeometryError(
                f"spacing_mm must be {len(shape)} positive numbers, not {tuple(steps)}. "
                "Pass --spacing, or repair the header."
            )
        affine = np.eye(len(shape) + 1)
        affine[:-1, :-1] = np.diag(steps)[:, ::-1].T
        return cls(shape=tuple(shape), affine=affine, is_physical=spacing is not None)

    @property
    def dims(self) -> int:
        """Number of spatial axes, 2 or 3."""
        return len(self.shape)

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """Length of one step along each array axis, in mm (pixels if not physical)."""
        lengths = np.linalg.norm(self.affine[:-1, :-1], axis=0)
        return tuple(float(length) for length in lengths)

    def agrees_with(self, other: "Geometry", *, tolerance_mm: float = 1e-3) -> bool:
        """Tell whether both grids put every voxel within a tolerance of the same point.

        Args:
            other: The other grid.
            tolerance_mm: Largest distance allowed between equal corners, in mm.

        Returns:
            True if shapes are equal and corners coincide; of two grids of which one knows no
            millimetres only the shapes are compared.
        """
        if self.shape != other.shape:
            return False
        if not (self.is_physical and other.is_physical):
            return True
        return self.corner_distance_mm(other) <= tolerance_mm

    def corner_distance_mm(self, other: "Geometry") -> float:
        """Measure the largest distance between equal corners of two grids of one shape.

        Args:
            other: A grid of the same number of axes.

        Returns:
            Distance in mm.
        """
        ends = np.array(np.meshgrid(*[(0, size - 1) for size in self.shape], indexing="ij"))
        corners = np.vstack([ends.reshape(self.dims, -1), np.ones(2**self.dims)])
        gap = ((self.affine - other.affine) @ corners)[:-1]
        return float(np.linalg.norm(gap, axis=0).max())

    def canonical_axes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Find the axis order and flips that bring an array nearest to (S, A, R).

        The result's last axis runs to the patient's right (+x), the one before to the front
        (+y), the first to the head (+z). Every permutation is tried, so oblique grids get
        the assignment with the largest total cosine.

        Returns:
            The permutation of the array's axes, and the permuted axes to flip.
        """
        cosines = self.affine[:-1, :-1] / np.asarray(self.spacing_mm)  # (world, axis)
        rows = range(self.dims - 1, -1, -1)  # z, y, x
        order = max(
            permutations(range(self.dims)),
            key=lambda axes: sum(
                abs(cosines[row, axis]) for row, axis in zip(rows, axes, strict=True)
            ),
        )
        flips = tuple(
            place
            for place, (row, axis) in enumerate(zip(rows, order, strict=True))
            if cosines[row, axis] < 0
        )
        return order, flips

    def rearranged(self, order: Sequence[int], flips: Sequence[int]) -> "Geometry":
        """Follow an array through `transpose(order)` and then a flip of axes.

        Args:
            order: Permutation of the axes, as for `numpy.transpose`.
            flips: Axes of the transposed array to reverse.

        Returns:
            The geometry of the rearranged array.
        """
        shape = tuple(self.shape[axis] for axis in order)
        affine = self.affine[:, [*order, self.dims]].copy()
        for axis in flips:
            affine[:, -1] += affine[:, axis] * (shape[axis] - 1)
            affine[:, axis] *= -1
        return Geometry(shape=shape, affine=affine, is_physical=self.is_physical)

    def resampled(self, shape: Sequence[int]) -> "Geometry":
        """Cover the same box with another number of voxels.

        Args:
            shape: The new spatial shape.

        Returns:
            A grid whose outer voxel faces coincide with this one's.
        """
        scale = np.asarray(self.shape, dtype=np.float64) / np.asarray(shape)
        affine = self.affine.copy()
        affine[:-1, -1] += affine[:-1, :-1] @ ((scale - 1) / 2)
        affine[:-1, :-1] *= scale
        return Geometry(shape=tuple(shape), affine=affine, is_physical=self.is_physical)
