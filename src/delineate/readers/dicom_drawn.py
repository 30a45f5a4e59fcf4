"""SEG and RTSTRUCT alike: what a file is and was drawn on, and its labels on a grid of voxels.

A SEG says nothing of slices on which nothing is drawn, and an RTSTRUCT nothing of pixels. Both need
the slices of their source, or a grid that has the same planes, such as that of a NIfTI file.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import FileError
from delineate.core.geometry import Geometry
from delineate.core.image import Mask
from delineate.core.labels import LabelTable
from delineate.core.series import OWN_MODEL, Series, SourceSlice
from delineate.readers.dicom_parts import Part, Parts
from delineate.readers.dicom_rt import STORAGE, plane_normal, read_structures
from delineate.readers.dicom_seg import CLASSES, frame_axes, read_segments
from delineate.readers.guard import guarded

MARK = 132
"""Bytes at the start of a file that hold its mark."""
TAGS = ["SOPClassUID", "PatientID", "StudyInstanceUID", "FrameOfReferenceUID",
        "ManufacturerModelName", "ReferencedSeriesSequence",
        "ReferencedFrameOfReferenceSequence"]  # fmt: skip
TO_LPS = np.diag([-1.0, -1, 1, 1])
Order = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A SEG or RTSTRUCT, and what it says it was drawn on; UIDs are empty where it says nothing."""

    path: Path
    """The file."""
    is_contours: bool
    """True for an RTSTRUCT."""
    is_own: bool
    """True if we wrote it."""
    patient: str
    """A digest that tells patients apart and says nothing of them."""
    study_uid: str
    """The study that it belongs to."""
    series_uid: str
    """The series that it was drawn on."""
    reference_uid: str
    """The frame of reference of its coordinates."""
    instances: frozenset[str]
    """Slices that it names."""

    def check_source(self, series: Series) -> None:
        """Make sure that it was drawn on a series, or in the same frame of reference.

        Args:
            series: The series.

        Raises:
            FileError: If it names another series and another frame of reference.
        """
        same_reference = self.reference_uid and self.reference_uid == series.frame_of_reference_uid
        is_silent = not self.series_uid and not self.reference_uid
        if self.series_uid == series.series_uid or same_reference or is_silent:
            return
        if self.instances & {entry.sop_uid for entry in series.slices}:
            return
        study = "another study" if self.study_uid != series.study_uid else "the same study"
        raise FileError(
            f"{self.path.name} was drawn on series {self.series_uid or 'unknown'} of {study}, "
            f"not on series {series.series_uid}, and shares no frame of reference with it. "
            "Give the file of this series, or take this one out."
        )

    def parts(self, series: Series) -> Parts:
        """Read it onto the slices of a series.

        Args:
            series: The series.

        Returns:
            Its labels on the slices.

        Raises:
            FileError: If the file is damaged, now or when its parts are read, or lies elsewhere.
        """
        kind = "RTSTRUCT" if self.is_contours else "SEG"
        with guarded(self.path, kind):
            found = (read_structures if self.is_contours else read_segments)(self.path, series)

        def parts() -> Iterator[Part]:
            with guarded(self.path, kind):
                yield from found.parts()

        return replace(found, parts=parts)

    def on_grid(self, grid: Geometry) -> tuple[Mask, LabelTable]:
        """Read it onto a grid that has the planes and pixels of its source, in any order.

        Args:
            grid: The grid, (Z, Y, X), such as that of a NIfTI file made from the source.

        Returns:
            Ids, or layers where labels overlap; and the table that goes with them.

        Raises:
            FileError: If the grid knows no millimetres, or planes or pixels are others.
        """
        if grid.dims != 3 or not grid.is_physical:
            raise FileError(
                f"{self.path.name} lies in the patient, but the grid of shape {grid.shape} is "
                "a picture or knows no millimetres. Give a volume with its spacing."
            )
        order, flips = self._order(grid)
        series = series_of_grid(grid.rearranged(order, flips))
        parts = self.parts(series)
        planes, is_stack = parts.on_slices(series)
        array = put_back(planes, order, flips)
        labels = LabelTable(labels=parts.labels, overlapping=is_stack)
        mask = Mask.of(array, grid, is_stack=is_stack, source=parts.source)
        return replace(mask, notes=parts.notes), labels

    def _order(self, grid: Geometry) -> Order:
        """Find how a grid is turned so that its first axis runs across the planes."""
        cosines = (TO_LPS @ grid.affine)[:3, :3] / np.asarray(grid.spacing_mm)
        if self.is_contours:
            across = int(np.argmax(np.abs(plane_normal(self.path) @ cosines)))
            rest = [axis for axis in range(3) if axis != across]
            return (across, *rest), ()
        along_row, along_column = frame_axes(self.path)
        row = int(np.argmax(np.abs(along_row @ cosines)))
        column = int(np.argmax(np.abs(along_column @ cosines)))
        flips = [1] if along_column @ cosines[:, column] < 0 else []
        flips += [2] if along_row @ cosines[:, row] < 0 else []
        return (3 - row - column, column, row), tuple(flips)


def look_at(path: Path) -> Drawn | None:
    """Read what a file is and what it refers to, without its pixels.

    Args:
        path: Any file.

    Returns:
        What was found; None if it is no SEG or RTSTRUCT, or cannot be read.
    """
    from pydicom import dcmread
    from pydicom.filereader import read_file_meta_info

    try:
        with path.open("rb") as stream:
            if stream.read(MARK)[128:] != b"DICM":
                return None
        kinds = (STORAGE, *CLASSES)
        if str(read_file_meta_info(path).get("MediaStorageSOPClassUID", STORAGE)) not in kinds:
            return None
        header = dcmread(path, stop_before_pixels=True, specific_tags=TAGS)
        kind = str(header.get("SOPClassUID", ""))
        if kind not in kinds:
            return None
        series_uid, reference_uid, instances = (_contours if kind == STORAGE else _segments)(header)
        patient = sha256(str(header.get("PatientID", "")).encode("utf-8")).hexdigest()[:12]
    except Exception:  # whatever a damaged file raises; who needs it names it
        return None
    return Drawn(
        path=path,
        is_contours=kind == STORAGE,
        is_own=str(header.get("ManufacturerModelName", "")).startswith(OWN_MODEL),
        patient=f"patient {patient}",
        study_uid=str(header.get("StudyInstanceUID", "")),
        series_uid=series_uid,
        reference_uid=reference_uid or str(header.get("FrameOfReferenceUID", "")),
        instances=instances,
    )


def series_of_grid(grid: Geometry) -> Series:
    """Take the planes of a grid for the slices of a series.

    Args:
        grid: A grid in mm, (Z, Y, X), whose first axis runs across the planes.

    Returns:
        A series without files.
    """
    affine = TO_LPS @ grid.affine
    down, across = grid.spacing_mm[1:]
    cosines = (*(affine[:3, 2] / across), *(affine[:3, 1] / down))
    slices = [
        SourceSlice(
            sop_uid=str(place), sop_class_uid="", spacing_mm=(down, across),
            position_mm=tuple(affine[:3, 3] + place * affine[:3, 0]),
            orientation=tuple(float(value) for value in cosines),
            rows=grid.shape[1], columns=grid.shape[2],
        )
        for place in range(grid.shape[0])
    ]  # fmt: skip
    return Series(
        study_uid="", series_uid="", slices=tuple(slices), regular=grid, header=_no_header
    )


def put_back(planes: NDArray[Any], order: tuple[int, ...], flips: tuple[int, ...]) -> NDArray[Any]:
    """Undo a transposition and flips of the last three axes.

    Args:
        planes: What lies on the rearranged grid, (*S) or (L, *S).
        order: As for `Geometry.rearranged`.
        flips: Axes of the rearranged grid that were reversed.

    Returns:
        The same on the grid as it was.
    """
    lead = planes.ndim - 3
    array = np.flip(planes, tuple(lead + axis for axis in flips))
    inverse = np.argsort(order) + lead
    return np.ascontiguousarray(array.transpose([*range(lead), *inverse.tolist()]))


def _no_header(entry: SourceSlice) -> Any:  # noqa: ANN401 - as `Series.header`
    raise FileError(f"Plane {entry.sop_uid} of a grid has no DICOM file. Give the series itself.")


def _contours(header: Any) -> tuple[str, str, frozenset[str]]:  # noqa: ANN401 - a dataset
    """Read which series, frame of reference and slices an RTSTRUCT names."""
    reference = ""
    for frame in header.get("ReferencedFrameOfReferenceSequence") or []:
        reference = reference or str(frame.get("FrameOfReferenceUID", ""))
        for study in frame.get("RTReferencedStudySequence") or []:
            for series in study.get("RTReferencedSeriesSequence") or []:
                found = _instances(series, "ContourImageSequence")
                return str(series.get("SeriesInstanceUID", "")), reference, found
    return "", reference, frozenset()


def _segments(header: Any) -> tuple[str, str, frozenset[str]]:  # noqa: ANN401 - a dataset
    """Read which series, frame of reference and slices a SEG names."""
    for series in header.get("ReferencedSeriesSequence") or []:
        found = _instances(series, "ReferencedInstanceSequence")
        return str(series.get("SeriesInstanceUID", "")), "", found
    return "", "", frozenset()


def _instances(series: Any, keyword: str) -> frozenset[str]:  # noqa: ANN401 - a dataset
    rows = series.get(keyword) or []
    return frozenset(str(row.get("ReferencedSOPInstanceUID", "")) for row in rows) - {""}
