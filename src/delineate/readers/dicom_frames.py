"""A slice as the parent process knows it: values of its header, checked and typed."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.findings import Finding, Severity
from delineate.core.series import SourceSlice
from delineate.readers.dicom_sources import SourceFile
from delineate.readers.dicom_tags import Values

FloatArray = NDArray[np.float64]
AIR = -1024.0
"""What padding becomes in a CT, in HU; elsewhere it becomes 0."""
PIXEL_VALUES = (
    "syntax",
    "rows",
    "columns",
    "allocated",
    "stored",
    "high",
    "is_signed",
    "padding",
    "offset",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """One slice: a file of one, a frame of an enhanced file, or a tile of a mosaic."""

    file: SourceFile
    """Where it is."""
    index: int
    """Which frame of its file, from 0."""
    values: Mapping[str, Any]
    """Values of its file, as `dicom_header` found them."""
    plane: Mapping[str, Any]
    """Values of this slice alone."""

    @property
    def sop_uid(self) -> str:
        """SOPInstanceUID."""
        return str(self.values["sop_uid"])

    @property
    def num_frames(self) -> int:
        """Frames of its file."""
        return int(self.values["num_frames"])

    @property
    def modality(self) -> str:
        """CT, MR, PT, ..."""
        return str(self.values["modality"])

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the slice."""
        tile = self.plane.get("tile")
        return (tile[2], tile[3]) if tile else (self.values["rows"], self.values["columns"])

    @cached_property
    def position(self) -> FloatArray:
        """Centre of the first pixel, LPS mm, (3,); NaN where it is unknown."""
        return _array(self.plane.get("position"), 3)

    @cached_property
    def orientation(self) -> FloatArray:
        """Row cosines, then column cosines, (6,); NaN where they are unknown."""
        return _array(self.plane.get("orientation"), 6)

    @cached_property
    def normal(self) -> FloatArray:
        """Direction across the slice, (3,)."""
        return np.cross(self.orientation[:3], self.orientation[3:])

    @cached_property
    def spacing(self) -> FloatArray:
        """Distance between rows and between columns in mm, (2,)."""
        return _array(self.plane.get("spacing"), 2)

    @property
    def has_geometry(self) -> bool:
        """False if the file does not say where the slice lies."""
        return all(self.plane.get(name) for name in ("position", "orientation", "spacing"))

    @property
    def is_sound(self) -> bool:
        """True if what it says of its place can be: finite, positive, at right angles."""
        numbers = [*self.position, *self.orientation, *self.spacing]
        if not np.isfinite(numbers).all() or self.spacing.min() <= 0:
            return False
        row, column = self.orientation[:3], self.orientation[3:]
        lengths = [float(np.linalg.norm(side)) for side in (row, column)]
        return max(abs(length - 1) for length in lengths) < 0.02 and abs(float(row @ column)) < 0.02

    @property
    def keys(self) -> Mapping[str, str]:
        """What may tell it from another slice at its position."""
        return self.plane.get("keys") or {}

    @property
    def words(self) -> set[str]:
        """The words of ImageType."""
        return {*self.values["image_type"], *self.keys.get("FrameType", "").split("\\")}

    def rescaling(self) -> tuple[float, float]:
        """Slope and intercept.

        Returns:
            Both; 1 and 0 where they are absent or 0 as a slope.
        """
        told = (self.plane.get("slope"), self.plane.get("intercept"))
        slope, intercept = (
            float(value) if value is not None and math.isfinite(value) else None for value in told
        )
        return slope or 1.0, intercept or 0.0

    def pixel_item(self) -> Values:
        """Say how its pixels are read, for `dicom_pixels.fill`.

        Returns:
            JSON values.
        """
        slope, intercept = self.rescaling()
        is_whole = float(slope).is_integer() and float(intercept).is_integer()
        return {
            **{name: self.values.get(name) for name in PIXEL_VALUES},
            "path": self.file.path,
            "member": self.file.member,
            "frame": 0 if self.plane.get("tile") else self.index,
            "tile": self.plane.get("tile"),
            "slope": int(slope) if is_whole else slope,
            "intercept": int(intercept) if is_whole else intercept,
            "air": AIR if self.modality == "CT" else 0.0,
        }

    def source(self) -> SourceSlice:
        """Make the noun that writers refer to.

        Returns:
            The slice.
        """
        x, y, z = (float(value) for value in self.position)
        rows, columns = self.size
        is_many = (self.num_frames > 1 or self.values["is_enhanced"]) and not self.plane.get("tile")
        return SourceSlice(
            sop_uid=self.sop_uid,
            sop_class_uid=str(self.values["sop_class"]),
            position_mm=(x, y, z),
            orientation=tuple(float(value) for value in self.orientation),
            spacing_mm=(float(self.spacing[0]), float(self.spacing[1])),
            rows=rows,
            columns=columns,
            frame=self.index + 1 if is_many else None,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Group:
    """Slices that may be one volume, and what was found while parting them."""

    frames: tuple[Frame, ...]
    """Slices, in no order; those of a refused group as they were."""
    volume: str = ""
    """What tells it from others of its series."""
    findings: tuple[Finding, ...] = field(default=())
    """What was found."""

    @property
    def is_refused(self) -> bool:
        """True if a finding ended it."""
        return any(finding.severity == "refusal" for finding in self.findings)

    def noting(
        self, code: str, severity: Severity, sentence: str, mend: str, frames: Iterable[Frame]
    ) -> "Group":
        """Add a finding.

        Args:
            code: Its code.
            severity: How grave it is.
            sentence: What is so.
            mend: What to do.
            frames: The slices that it concerns.

        Returns:
            A group with one finding more.
        """
        uids = tuple(dict.fromkeys(frame.sop_uid for frame in frames))
        finding = Finding(code=code, severity=severity, sentence=sentence, mend=mend, sop_uids=uids)
        return replace(self, findings=(*self.findings, finding))


def frames_of(file: SourceFile, values: Values) -> list[Frame]:
    """Spread a file into its slices.

    Args:
        file: Where it is.
        values: What `dicom_header.read_header` answered, of the kind "image".

    Returns:
        Its slices, in the order of the file.
    """
    planes = values["frames"]
    shared = {name: value for name, value in values.items() if name != "frames"}
    return [
        Frame(file=file, index=place, values=shared, plane=plane)
        for place, plane in enumerate(planes)
    ]


def _array(values: list[float] | None, count: int) -> FloatArray:
    return np.array(values if values else [math.nan] * count, dtype=np.float64)
