"""Read a report back, and compare what it measured with the pixels of the segmentation it names.

The report is walked as the plain tree of items that it is, and volumes are counted anew from the
file of the segments, so neither the writer nor its library vouches for itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import FileError
from delineate.core.series import Series
from delineate.readers.dicom_seg import frames_of, place_of, read_segmentation

GROUP, SEGMENT, TRACKING, VOLUME = "125007", "121191", "112040", "118565006"
"""Codes of a measurement group, its referenced segment, its tracking UID and its volume."""
UNIT = "mL"
ENDINGS = (".seg.dcm", ".labelmap.dcm")
"""Files beside a report that it may refer to."""
SLACK_ML = 2e-6
"""What rounding to six decimals may cost."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a report says of one segment."""

    instance: str
    """SOPInstanceUID of the segmentation."""
    number: int
    """SegmentNumber."""
    tracking: str
    """TrackingUID."""
    volume_ml: float
    """Its volume."""


def prove_report(path: Path, series: Series) -> int:
    """Compare a report with the segments that it is of.

    Args:
        path: The report, its segmentation beside it.
        series: The source of both.

    Returns:
        How many segments were compared.

    Raises:
        FileError: If a segment or volume is absent or another; the report is then removed.
    """
    try:
        said = {entry.number: entry for entry in measured(path)}
        fault = _fault(said, path, series)
    except (AttributeError, KeyError, ValueError, IndexError, StopIteration) as error:
        said, fault = {}, f"cannot be understood ({type(error).__name__})"
    if fault:
        path.unlink(missing_ok=True)
        raise FileError(
            f"{path} was removed, since reading it back it {fault}. Please report this series."
        )
    return len(said)


def measured(path: Path) -> list[Measured]:
    """Read the groups of measurements of a report.

    Args:
        path: A TID 1500 report.

    Returns:
        One entry a group.
    """
    from pydicom import dcmread

    groups = [item for item in _items(dcmread(path)) if _concept(item) == GROUP]
    return [_of_group(group) for group in groups]


def _fault(said: dict[int, Measured], path: Path, series: Series) -> str:
    """Say what is wrong with a report; nothing if it is right."""
    stem = path.name.removesuffix(".sr.dcm")
    files = [path.with_name(stem + ending) for ending in ENDINGS]
    wanted = {entry.instance for entry in said.values()}
    datasets = [read_segmentation(file) for file in files if file.exists()]
    found = [dataset for dataset in datasets if {str(dataset.SOPInstanceUID)} == wanted]
    if not found:
        return "names no segmentation that lies beside it"
    described = {
        int(item.SegmentNumber): str(item.TrackingUID)
        for item in found[0].SegmentSequence
        if int(item.SegmentNumber) > 0
    }
    if described != {number: entry.tracking for number, entry in said.items()}:
        return "tells of other segments than the segmentation has"
    volumes = _volumes_ml(found[0], series)
    for number, entry in said.items():
        if abs(entry.volume_ml - volumes.get(number, 0.0)) > SLACK_ML:
            counted = f"{volumes.get(number, 0.0):.6f} ml"
            return (
                f"gives segment {number} {entry.volume_ml:.6f} ml where its pixels have {counted}"
            )
    return ""


def _volumes_ml(dataset: Any, series: Series) -> dict[int, float]:  # noqa: ANN401
    """Count pixels on each slice, times the area of a pixel and what the slice stands for."""
    thickness = _thickness_mm(series)
    volumes: dict[int, float] = {}
    for frame in frames_of(dataset):
        place = place_of(frame, series)
        if place is None:
            raise ValueError("a frame beside all slices")
        pixel_mm2 = float(np.prod(series.slices[place].spacing_mm))
        values = frame.pixels if frame.number == 0 else frame.pixels * frame.number
        numbers, counts = np.unique(values[values > 0], return_counts=True)
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            ml = count * pixel_mm2 * float(thickness[place]) / 1000
            volumes[int(number)] = volumes.get(int(number), 0.0) + ml
    return volumes


def _thickness_mm(series: Series) -> NDArray[np.float64]:
    """Say how far each slice reaches: from half-way to the one to half-way to the other."""
    if len(series.slices) == 1:
        return np.array([series.regular.spacing_mm[0]])
    across, down = np.split(np.array(series.slices[0].orientation, dtype=np.float64), 2)
    heights = np.array([entry.position_mm for entry in series.slices]) @ np.cross(across, down)
    borders = (heights[1:] + heights[:-1]) / 2
    ends = 2 * heights[[0, -1]] - borders[[0, -1]]
    return np.asarray(np.abs(np.diff(np.r_[ends[:1], borders, ends[1:]])))


def _of_group(group: Any) -> Measured:  # noqa: ANN401 - a pydicom item
    items = {_concept(item): item for item in group.ContentSequence}
    segment = items[SEGMENT].ReferencedSOPSequence[0]
    value = items[VOLUME].MeasuredValueSequence[0]
    if value.MeasurementUnitsCodeSequence[0].CodeValue != UNIT:
        raise ValueError("another unit")
    return Measured(
        instance=str(segment.ReferencedSOPInstanceUID),
        number=int(segment.ReferencedSegmentNumber),
        tracking=str(items[TRACKING].UID),
        volume_ml=float(value.NumericValue),
    )


def _items(item: Any) -> Iterator[Any]:  # noqa: ANN401 - pydicom items
    for child in item.get("ContentSequence") or []:
        yield child
        yield from _items(child)


def _concept(item: Any) -> str:  # noqa: ANN401 - a pydicom item
    names = item.get("ConceptNameCodeSequence")
    return str(names[0].CodeValue) if names else ""
