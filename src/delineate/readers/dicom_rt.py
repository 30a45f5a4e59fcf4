"""RTSTRUCT read back: contours laid on their source slices and filled.

Makers disagree about holes. Here a contour wholly inside what the larger ones of its slice have
filled cuts a hole, a second copy of one changes nothing, and any other adds to it; keyholes and
contours that say XOR need no such rule.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import FileError
from delineate.core.labels import CodedConcept, Label
from delineate.core.rasters import rasterise
from delineate.core.series import Series, SourceSlice
from delineate.readers.dicom_parts import Part, Parts, named_labels
from delineate.readers.guard import guarded, present

STORAGE = "1.2.840.10008.5.1.4.1.1.481.3"
AREAS = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
"""Types of contours that enclose something."""
FEWEST = 3
CONTOUR_DATA = 0x30060050
OFF_PLANE = 0.5
"""Share of the distance between slices within which a contour belongs to one."""
FloatArray = NDArray[np.float64]


def read_structures(path: Path, series: Series) -> Parts:
    """Read a structure set onto the slices of its source.

    Args:
        path: The file.
        series: The source series.

    Returns:
        Its structures on the slices; notes say what was left out.

    Raises:
        FileError: If it is no structure set, or no contour lies on any slice.
    """
    dataset = open_structures(path)
    contours: dict[int, list[Any]] = {
        int(item.ReferencedROINumber): list(item.get("ContourSequence") or [])
        for item in dataset.get("ROIContourSequence") or []
    }
    rows = [
        (int(item.ROINumber), str(item.get("ROIName", "")), str(item.get("ROIDescription", "")),
         _colour(dataset, int(item.ROINumber)), _concept(dataset, int(item.ROINumber)))
        for item in dataset.get("StructureSetROISequence") or []
    ]  # fmt: skip
    labels = named_labels(rows)
    placed: dict[int, dict[int, list[tuple[bool, FloatArray]]]] = {}
    left: dict[str, int] = defaultdict(int)
    total = 0
    for number in labels:
        placed[number] = defaultdict(list)
        for contour in contours.get(number, []):
            total += 1
            reason = _lay(contour, series, placed[number])
            if reason:
                left[reason] += 1
    if total and not any(placed.values()):
        raise FileError(
            f"{path.name} is a structure set whose contours lie on no slice of "
            f"{f'series {series.series_uid}' if series.series_uid else 'the grid given'}. "
            "Give the images that it was drawn on."
        )
    return Parts(
        labels=tuple(labels.values()),
        parts=lambda: _parts(placed, labels, series),
        source=str(path),
        notes=tuple(f"{path.name}: {count} contours {why}." for why, count in left.items()),
    )


def open_structures(path: Path) -> Any:  # noqa: ANN401 - a pydicom dataset
    """Open an RTSTRUCT.

    Args:
        path: The file.

    Returns:
        The pydicom dataset.

    Raises:
        FileError: If it is none.
    """
    import pydicom

    with guarded(present(path), "DICOM"):
        dataset = pydicom.dcmread(path)
    if dataset.get("SOPClassUID") != STORAGE:
        raise FileError(f"{path} is no RTSTRUCT. Name the structure set itself.")
    return dataset


def plane_normal(path: Path) -> FloatArray:
    """Find the direction across the planes of a structure set's contours.

    Args:
        path: The file.

    Returns:
        Unit vector, LPS, (3,), of the contour that spans the largest area; along the patient if
        none spans any.
    """
    largest = np.array([0, 0, 1e-9])
    for item in open_structures(path).get("ROIContourSequence") or []:
        for contour in item.get("ContourSequence") or []:
            points = _numbers(contour)
            if points.size < 3 * FEWEST or points.size % 3:
                continue
            away = points.reshape(-1, 3) - points[:3]
            area = np.cross(away, np.roll(away, -1, axis=0)).sum(axis=0)
            if np.linalg.norm(area) > np.linalg.norm(largest):
                largest = area
    return np.asarray(largest / np.linalg.norm(largest))


def fill(
    outlines: Sequence[tuple[bool, FloatArray]], shape: tuple[int, int]
) -> tuple[tuple[int, int], NDArray[np.bool_]]:
    """Fill the contours of one structure on one slice.

    Args:
        outlines: Whether it says XOR, and corners (x, y) in pixels, the centre of the first at
            (0, 0), (V, 2), of each contour.
        shape: Rows and columns of the slice.

    Returns:
        Row and column of the window that holds them all, and what is inside, (Y, X).
    """
    corners = np.concatenate([outline for _, outline in outlines])
    low = np.clip(np.floor(corners.min(axis=0)), 0, None).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, (shape[1], shape[0]))
    size = (max(0, int(high[1] - low[1])), max(0, int(high[0] - low[0])))
    filled = np.zeros(size, dtype=bool)
    if 0 in size:
        return (0, 0), np.zeros((0, 0), dtype=bool)
    areas = [
        (toggles, rasterise([outline - low], size, centre="skimage") > 0)
        for toggles, outline in outlines
    ]
    seen: list[NDArray[np.bool_]] = []
    for toggles, area in sorted(areas, key=lambda entry: -int(entry[1].sum())):
        if toggles:
            filled ^= area
        elif not any(np.array_equal(area, other) for other in seen):
            is_hole = area.any() and bool(filled[area].all())
            filled = filled & ~area if is_hole else filled | area
            seen.append(area)
    return (int(low[1]), int(low[0])), filled


def _parts(
    placed: dict[int, dict[int, list[tuple[bool, FloatArray]]]],
    labels: dict[int, Label],
    series: Series,
) -> Iterator[Part]:
    shape = (series.slices[0].rows, series.slices[0].columns)
    for number, by_slice in placed.items():
        for place, outlines in by_slice.items():
            corner, inside = fill(outlines, shape)
            if inside.any():
                yield Part(label=labels[number], place=place, corner=corner, inside=inside)


def _lay(
    contour: Any,  # noqa: ANN401
    series: Series,
    placed: dict[int, list[tuple[bool, FloatArray]]],
) -> str:
    """Put a contour on its slice; returns why it was left out, empty if it was not."""
    kind = str(contour.get("ContourGeometricType", ""))
    if kind not in AREAS:
        return f"of type {kind or 'unknown'} were left out"
    points = _numbers(contour)
    if points.size < 3 * FEWEST or points.size % 3:
        return "of fewer than three corners were left out"
    points = points.reshape(-1, 3)
    place = _slice_of(contour, points, series)
    if place is None:
        return "lie on no slice and were left out"
    entry = series.slices[place]
    away = points - entry.position_mm
    down, across = entry.spacing_mm
    x = away @ np.array(entry.orientation[:3]) / across
    y = away @ np.array(entry.orientation[3:]) / down
    placed[place].append((kind != "CLOSED_PLANAR", np.column_stack([x, y])))
    return ""


def _numbers(contour: Any) -> FloatArray:  # noqa: ANN401
    """Read coordinates from their text, since pydicom looks at numbers one by one."""
    if CONTOUR_DATA not in contour:
        return np.zeros(0)
    element = contour.get_item(CONTOUR_DATA)
    if isinstance(element.value, bytes):
        text = element.value.decode("ascii").strip(" \0\\")
        return np.array(text.split("\\") if text else [], dtype=np.float64)
    return np.array(element.value or [], dtype=np.float64)


def _slice_of(contour: Any, points: FloatArray, series: Series) -> int | None:  # noqa: ANN401
    """Find the slice whose plane is nearest, and near enough at all corners."""
    first = series.slices[0]
    normal = np.cross(first.orientation[:3], first.orientation[3:])
    heights = series.affines[:, :3, 2] @ normal
    gaps = np.abs(heights[:, None] - (points @ normal)[None]).max(axis=1)
    step = float(np.median(np.abs(np.diff(heights)))) if len(heights) > 1 else 1.0
    near = [
        place
        for place in np.argsort(gaps, kind="stable").tolist()
        if gaps[place] < OFF_PLANE * step
    ]
    named = _named(contour)
    same = [place for place in near if _is_named(series.slices[place], named)]
    return next(iter([*same, *near]), None)


def _named(contour: Any) -> set[tuple[str, int | None]]:  # noqa: ANN401
    return {
        (
            str(item.get("ReferencedSOPInstanceUID", "")),
            None if item.get("ReferencedFrameNumber") is None else int(item.ReferencedFrameNumber),
        )
        for item in contour.get("ContourImageSequence") or []
    }


def _is_named(entry: SourceSlice, named: set[tuple[str, int | None]]) -> bool:
    return (entry.sop_uid, entry.frame) in named


def _colour(dataset: Any, number: int) -> tuple[int, int, int] | None:  # noqa: ANN401
    for item in dataset.get("ROIContourSequence") or []:
        if int(item.ReferencedROINumber) == number and item.get("ROIDisplayColor"):
            red, green, blue = (int(part) for part in item.ROIDisplayColor)
            return red, green, blue
    return None


def _concept(dataset: Any, number: int) -> CodedConcept | None:  # noqa: ANN401
    for item in dataset.get("RTROIObservationsSequence") or []:
        codes = item.get("RTROIIdentificationCodeSequence")
        if int(item.get("ReferencedROINumber", -1)) == number and codes:
            code = codes[0]
            return CodedConcept(
                value=str(code.get("CodeValue", "")),
                scheme=str(code.get("CodingSchemeDesignator", "")),
                meaning=str(code.get("CodeMeaning", "")),
            )
    return None
