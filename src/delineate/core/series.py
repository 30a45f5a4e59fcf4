"""A DICOM series beside its image: where each source slice truly lies, and the way back to it.

The model sees a regular grid. Source slices may be sheared, unevenly spaced or absent here and
there, so a mask goes back to the true planes slice by slice, never by flips or by counting.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import ShapeError
from delineate.core.findings import Finding
from delineate.core.geometry import Geometry

AnyArray = NDArray[Any]
OWN_MODEL = "Delineate"
"""ManufacturerModelName of everything that we write, by which readers know our own output."""


@dataclass(frozen=True, kw_only=True)
class SourceSlice:
    """One slice as the scanner stored it: a single-frame file, or a frame of an enhanced one."""

    sop_uid: str
    """SOPInstanceUID; frames of one file share it."""
    sop_class_uid: str
    """SOPClassUID, which references to the slice must state."""
    position_mm: tuple[float, float, float]
    """Centre of its first pixel in the patient, LPS mm (ImagePositionPatient)."""
    orientation: tuple[float, ...]
    """Direction of increasing columns, then of increasing rows, six cosines, LPS."""
    spacing_mm: tuple[float, float]
    """Distance between rows, then between columns, in mm (PixelSpacing)."""
    rows: int
    """Number of rows."""
    columns: int
    """Number of columns."""
    frame: int | None = None
    """Frame number from 1 in a multi-frame file; None for a file of one slice."""

    @property
    def affine(self) -> AnyArray:
        """Index (row, column) of the slice to LPS mm, (4, 3): two steps and the origin."""
        cosines = np.array(self.orientation, dtype=np.float64)
        matrix = np.zeros((4, 3))
        matrix[:3, 0] = cosines[3:] * self.spacing_mm[0]
        matrix[:3, 1] = cosines[:3] * self.spacing_mm[1]
        matrix[:3, 2] = self.position_mm
        matrix[3, 2] = 1
        return matrix


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """The slices of one volume in order along their normal, and the regular grid laid over them."""

    study_uid: str
    """StudyInstanceUID."""
    series_uid: str
    """SeriesInstanceUID."""
    slices: tuple[SourceSlice, ...]
    """Source slices, sorted as the first axis of the grid runs; all of one size and spacing."""
    regular: Geometry
    """The grid of the image that the model sees, (Z, Y, X)."""
    header: Callable[[SourceSlice], Any]
    """Reads the file of a slice again, without pixels: a pydicom Dataset whose text is untouched
    bytes until it is looked at. It holds names; keep it out of logs."""
    frame_of_reference_uid: str = ""
    """FrameOfReferenceUID; empty if the source has none."""
    modality: str = ""
    """CT, MR, PT, ..."""
    volume: str = ""
    """Which volume of the series; empty where there is only one."""
    findings: tuple[Finding, ...] = ()
    """What the reader found and mended."""

    @cached_property
    def places(self) -> AnyArray:
        """Index of each slice's first pixel on the regular grid, fractional, (n, 3): z, y, x."""
        positions = np.array([entry.position_mm for entry in self.slices], dtype=np.float64)
        world = np.c_[positions * (-1, -1, 1), np.ones(len(positions))]  # LPS to RAS
        found: AnyArray = (np.linalg.inv(self.regular.affine) @ world.T)[:3].T
        return found

    @cached_property
    def affines(self) -> AnyArray:
        """Index (row, column) of each slice to LPS mm, (n, 4, 3); see `SourceSlice.affine`."""
        return np.stack([entry.affine for entry in self.slices])

    @cached_property
    def is_plain(self) -> bool:
        """True if plane k of the grid is source slice k, all of them and no other."""
        expected = np.zeros((len(self.slices), 3), dtype=np.intp)
        expected[:, 0] = np.arange(len(self.slices))
        first = self.slices[0]
        same_shape = self.regular.shape == (len(self.slices), first.rows, first.columns)
        return same_shape and np.array_equal(_nearest(self.places), expected)

    def to_planes(self, mask: AnyArray) -> AnyArray:
        """Take labels from the regular grid to the true planes of the source slices.

        Each slice takes the nearest plane of the grid, shifted in its plane to the nearest pixel.
        What the grid does not cover is background.

        Args:
            mask: Labels (Z, Y, X) on the regular grid, or (L, Z, Y, X) with layers before.

        Returns:
            Labels (n, rows, columns), or (L, n, rows, columns), same dtype; slice k of the result
            belongs to `slices[k]`. For a plain series it is the mask itself, not a copy.
        """
        self._check(mask, self.regular.shape, "grid")
        if self.is_plain:
            return mask
        first = self.slices[0]
        planes = np.zeros(
            (*mask.shape[:-3], len(self.slices), first.rows, first.columns), dtype=mask.dtype
        )
        for place, (z, y, x) in enumerate(_nearest(self.places)):
            if 0 <= z < mask.shape[-3]:
                _copy_shifted(mask[..., z, :, :], planes[..., place, :, :], (-y, -x))
        return planes

    def to_regular(self, planes: AnyArray) -> AnyArray:
        """Take labels from the true planes to the regular grid, such as truth for training.

        Args:
            planes: Labels (n, rows, columns), or (L, n, rows, columns), slice k on `slices[k]`.

        Returns:
            Labels (Z, Y, X), or (L, Z, Y, X), same dtype; each plane takes the nearest slice.
        """
        first = self.slices[0]
        self._check(planes, (len(self.slices), first.rows, first.columns), "slices")
        if self.is_plain:
            return planes
        grid = np.zeros((*planes.shape[:-3], *self.regular.shape), dtype=planes.dtype)
        shifts = _nearest(self.places)
        for z in range(self.regular.shape[0]):
            place = int(np.argmin(np.abs(self.places[:, 0] - z)))
            shift = (int(shifts[place, 1]), int(shifts[place, 2]))
            _copy_shifted(planes[..., place, :, :], grid[..., z, :, :], shift)
        return grid

    def _check(self, array: AnyArray, expected: tuple[int, ...], what: str) -> None:
        if array.ndim < 3 or array.shape[-3:] != expected:
            raise ShapeError(
                f"The mask of series {self.series_uid} has the shape {array.shape}, but its {what} "
                f"have {expected}. Give the mask on the grid that was predicted."
            )


def _nearest(places: AnyArray) -> NDArray[np.intp]:
    """Round half up everywhere, so that a tie never depends on even or odd."""
    return np.floor(places + 0.5 + 1e-6).astype(np.intp)


def _copy_shifted(source: AnyArray, target: AnyArray, shift: tuple[int, int]) -> None:
    """Write a plane into another, so that its pixel (0, 0) falls on the pixel `shift`."""
    spans = []
    for axis, offset in zip((-2, -1), shift, strict=True):
        start = max(0, offset)
        stop = min(target.shape[axis], source.shape[axis] + offset)
        if stop <= start:
            return
        spans.append((slice(start - offset, stop - offset), slice(start, stop)))
    (from_y, to_y), (from_x, to_x) = spans
    target[..., to_y, to_x] = source[..., from_y, from_x]
