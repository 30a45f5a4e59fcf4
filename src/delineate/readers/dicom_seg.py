"""DICOM SEG read back: frame by frame at the level of pydicom, each laid on its source slice.

No library of segmentations has a hand in it, so that what one of them wrote can be judged by it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.codes import cielab_to_colour
from delineate.core.errors import FileError
from delineate.core.labels import CodedConcept
from delineate.core.series import Series
from delineate.readers.dicom_parts import Part, Parts, named_labels
from delineate.readers.guard import guarded, present

CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""Segmentation Storage and Label Map Segmentation Storage."""
NEAR_MM = 0.1
"""Distance up to which a frame lies on a slice."""
HALF = 0.5
"""Share of the largest fraction from which a pixel of a fractional SEG is inside."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """One frame of a segmentation."""

    number: int
    """Segment; 0 for a map of all of them."""
    affine: NDArray[np.float64]
    """Index (row, column) to LPS mm, (4, 3)."""
    source: tuple[str, int | None] | None
    """Instance and frame that it was made from, if it says so."""
    pixels: NDArray[Any]
    """True inside the segment; or numbers of segments, (Y, X)."""


def read_segmentation(path: Path) -> Any:  # noqa: ANN401 - a pydicom dataset
    """Open a DICOM SEG.

    Args:
        path: The file.

    Returns:
        The pydicom dataset.

    Raises:
        FileError: If it is no segmentation or has no frames.
    """
    import pydicom

    with guarded(present(path), "DICOM"):
        dataset = pydicom.dcmread(path)
    if dataset.get("SOPClassUID") not in CLASSES or "PixelData" not in dataset:
        raise FileError(f"{path} is no DICOM SEG. Name the segmentation itself.")
    return dataset


def frames_of(dataset: Any) -> Iterator[Frame]:  # noqa: ANN401 - a pydicom dataset
    """Decode a segmentation frame by frame.

    Args:
        dataset: What `read_segmentation` gave.

    Yields:
        Its frames in their order.
    """
    shared = dataset.SharedFunctionalGroupsSequence[0]
    is_map = dataset.SegmentationType == "LABELMAP"
    for own, pixels in zip(dataset.PerFrameFunctionalGroupsSequence, _pixels(dataset), strict=True):
        number = 0
        if not is_map:
            found = _group(own, shared, "SegmentIdentificationSequence")
            number = int(found.ReferencedSegmentNumber)
        yield Frame(number=number, affine=_affine(own, shared), source=_source(own), pixels=pixels)


def read_segments(path: Path, series: Series) -> Parts:
    """Read a segmentation onto the slices of its source.

    Args:
        path: The file.
        series: The source series.

    Returns:
        Its segments on the slices of the series.

    Raises:
        FileError: If a frame that is not empty lies on none of the slices.
    """
    dataset = read_segmentation(path)
    rows = [
        (int(item.SegmentNumber), str(item.SegmentLabel), str(item.get("SegmentDescription", "")),
         _colour(item), _concept(item))
        for item in dataset.SegmentSequence if int(item.SegmentNumber) > 0
    ]  # fmt: skip
    labels = named_labels(rows)

    def parts() -> Iterator[Part]:
        for frame in frames_of(dataset):
            if not frame.pixels.any():
                continue
            place = place_of(frame, series)
            if place is None:
                raise FileError(_astray(path, dataset, series))
            for number, label in labels.items():
                inside = frame.pixels == number if frame.number == 0 else frame.pixels
                if frame.number in (0, number) and inside.any():
                    yield Part(label=label, place=place, corner=(0, 0), inside=inside)

    return Parts(labels=tuple(labels.values()), parts=parts, source=str(path))


def frame_axes(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read how the frames of a segmentation lie in the patient.

    Args:
        path: The file.

    Returns:
        Directions of increasing columns and of increasing rows of its first frame, LPS, (3,).
    """
    dataset = read_segmentation(path)
    with guarded(path, "DICOM SEG"):
        own = dataset.PerFrameFunctionalGroupsSequence[0]
        shared = dataset.SharedFunctionalGroupsSequence[0]
        matrix = _affine(own, shared)
    lengths = np.linalg.norm(matrix[:3, :2], axis=0)
    return matrix[:3, 1] / lengths[1], matrix[:3, 0] / lengths[0]


def place_of(frame: Frame, series: Series) -> int | None:
    """Find the source slice that a frame lies on, by where it is and not by what it names.

    Args:
        frame: The frame.
        series: The slices.

    Returns:
        Place in `series.slices`; None if none is within 0.1 mm at all corners.
    """
    first = series.slices[0]
    if frame.pixels.shape != (first.rows, first.columns):
        return None
    ends = np.array([[0, 0, 1], [first.rows, 0, 1], [0, first.columns, 1]]).T
    corners = frame.affine @ ends
    gaps = np.abs(series.affines @ ends - corners).max(axis=(1, 2))
    near = np.flatnonzero(gaps < NEAR_MM)
    nearest = near[np.argsort(gaps[near], kind="stable")].tolist()
    same = [
        place
        for place in nearest
        if (series.slices[place].sop_uid, series.slices[place].frame) == frame.source
    ]
    return next(iter([*same, *nearest]), None)


def _astray(path: Path, dataset: Any, series: Series) -> str:  # noqa: ANN401
    """Say that a frame lies on none of the slices."""
    named = dataset.get("ReferencedSeriesSequence") or [{}]
    others = f"those of series {series.series_uid}" if series.series_uid else "the planes given"
    return (
        f"{path.name} is a segmentation of series "
        f"{named[0].get('SeriesInstanceUID', 'unknown')}, whose slices of {dataset.Rows} x "
        f"{dataset.Columns} are not among {others}. Give the images that it was made from, or "
        "resample it."
    )


def _pixels(dataset: Any) -> Iterator[NDArray[Any]]:  # noqa: ANN401
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    count, size = int(dataset.NumberOfFrames), rows * columns
    if dataset.SegmentationType == "BINARY":
        packed = np.frombuffer(dataset.PixelData, dtype=np.uint8)
        for place in range(count):
            first, last = place * size, (place + 1) * size
            bits = np.unpackbits(packed[first // 8 : -(-last // 8)], bitorder="little")
            yield bits[first % 8 : first % 8 + size].reshape(rows, columns).astype(bool)
        return
    from pydicom.pixels.utils import iter_pixels

    top = float(dataset.get("MaximumFractionalValue", 1))
    for frame in iter_pixels(dataset, raw=True):
        is_map = dataset.SegmentationType == "LABELMAP"
        yield frame if is_map else np.asarray(frame >= HALF * top)


def _group(own: Any, shared: Any, keyword: str) -> Any:  # noqa: ANN401
    return (own if keyword in own else shared)[keyword].value[0]


def _affine(own: Any, shared: Any) -> NDArray[np.float64]:  # noqa: ANN401
    orientation = _group(own, shared, "PlaneOrientationSequence").ImageOrientationPatient
    cosines = np.array(orientation, dtype=np.float64)
    down, across = (
        float(step) for step in _group(own, shared, "PixelMeasuresSequence").PixelSpacing
    )
    matrix = np.zeros((4, 3))
    matrix[:3, 0], matrix[:3, 1] = cosines[3:] * down, cosines[:3] * across
    position = _group(own, shared, "PlanePositionSequence").ImagePositionPatient
    matrix[:3, 2] = np.array(position, dtype=np.float64)
    matrix[3, 2] = 1
    return matrix


def _source(own: Any) -> tuple[str, int | None] | None:  # noqa: ANN401
    for derivation in own.get("DerivationImageSequence") or []:
        for item in derivation.get("SourceImageSequence") or []:
            number = item.get("ReferencedFrameNumber")
            return str(item.ReferencedSOPInstanceUID), None if number is None else int(number)
    return None


def _colour(item: Any) -> tuple[int, int, int] | None:  # noqa: ANN401
    values = item.get("RecommendedDisplayCIELabValue")
    return (
        None if not values else cielab_to_colour((int(values[0]), int(values[1]), int(values[2])))
    )


def _concept(item: Any) -> CodedConcept | None:  # noqa: ANN401
    for code in item.get("SegmentedPropertyTypeCodeSequence") or []:
        if code.get("CodeValue"):
            scheme = str(code.get("CodingSchemeDesignator", ""))
            meaning = str(code.get("CodeMeaning", ""))
            return CodedConcept(value=str(code.CodeValue), scheme=scheme, meaning=meaning)
    return None
