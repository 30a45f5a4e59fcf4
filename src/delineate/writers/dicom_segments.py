"""A prediction as segments on the true planes of its source slices, each in a tight box."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Prediction
from delineate.core.codes import Coded, codes_of
from delineate.core.labels import Label
from delineate.core.series import Series

AnyArray = NDArray[Any]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True, kw_only=True, eq=False)
class Segment:
    """One label that is there, cut out of the stack of source slices."""

    number: int
    """Number in the object, from 1 without gaps."""
    label: Label
    """The label."""
    place: int
    """Its place in the label table."""
    coded: Coded
    """Its codes."""
    box: Box
    """Where it is: slices, rows, columns; the slices between are its extent."""
    crop: NDArray[np.bool_]
    """True inside it, of the box's shape."""

    @property
    def planes(self) -> range:
        """Source slices from the first to the last that it is on, those between included."""
        return range(self.box[0].start, self.box[0].stop)


def segments_of(prediction: Prediction, series: Series) -> list[Segment]:
    """Find the labels that are there, on the source slices.

    Args:
        prediction: Ids or layers on the regular grid.
        series: The slices.

    Returns:
        Segments in the order of the label table, numbered from 1; empty if nothing was found.
    """
    found: list[Segment] = []
    codes = codes_of(prediction.labels)
    for place, box, crop in _crops(prediction, series):
        label = prediction.labels.labels[place]
        found.append(
            Segment(
                number=len(found) + 1, label=label, place=place, coded=codes[place], box=box,
                crop=crop,
            )
        )  # fmt: skip
    return found


def nothing(prediction: Prediction) -> Segment:
    """Make one empty segment of the first label, since objects must hold one.

    Args:
        prediction: What found nothing.

    Returns:
        A segment on the first slice, without a pixel.
    """
    return Segment(
        number=1,
        label=prediction.labels.labels[0],
        place=0,
        coded=codes_of(prediction.labels)[0],
        box=(slice(0, 1), slice(0, 1), slice(0, 1)),
        crop=np.zeros((1, 1, 1), dtype=bool),
    )


def overlap(segments: list[Segment]) -> bool:
    """Tell whether any pixel belongs to two segments.

    Args:
        segments: The segments of one prediction.

    Returns:
        True if so.
    """
    if not segments:
        return False
    total = np.zeros(
        tuple(max(part.box[axis].stop for part in segments) for axis in range(3)), bool
    )
    for part in segments:
        if np.logical_and(total[part.box], part.crop).any():
            return True
        total[part.box] |= part.crop
    return False


def slab_mm(series: Series) -> NDArray[np.float64]:
    """Say how thick a slab of the patient each source slice stands for.

    It reaches half-way to its neighbours; the first and the last as far outwards as inwards.

    Args:
        series: The slices.

    Returns:
        Thickness in mm, (n,); of a single slice that of the grid.
    """
    if len(series.slices) == 1:
        return np.array([series.regular.spacing_mm[0]])
    cosines = np.array(series.slices[0].orientation, dtype=np.float64)
    normal = np.cross(cosines[:3], cosines[3:])
    heights = np.array([entry.position_mm for entry in series.slices]) @ normal
    steps = np.abs(np.diff(heights))
    return np.asarray((np.r_[steps[:1], steps] + np.r_[steps, steps[-1:]]) / 2)


def volume_ml(segment: Segment, series: Series) -> float:
    """Measure a segment: its pixels on each slice, times what the slice stands for.

    Args:
        segment: The segment.
        series: The slices.

    Returns:
        Volume in ml.
    """
    row_mm, column_mm = series.slices[0].spacing_mm
    counts = np.count_nonzero(segment.crop, axis=(1, 2))
    return float(counts @ slab_mm(series)[segment.box[0]]) * row_mm * column_mm / 1000


def _crops(prediction: Prediction, series: Series) -> Iterator[tuple[int, Box, AnyArray]]:
    """Cut out every label that has a pixel on a source slice."""
    from scipy import ndimage

    labels, mask = prediction.labels, prediction.mask
    stack = series.to_planes(mask.array)
    if mask.num_layers is not None:
        for place, layer in enumerate(stack):
            (box,) = ndimage.find_objects(np.asarray(layer, dtype=np.uint8)) or [None]
            if box is not None:
                yield place, box, np.asarray(layer[box], dtype=bool)
        return
    boxes = ndimage.find_objects(stack)
    for place, label in enumerate(labels.labels):
        parts = [boxes[value - 1] for value in label.ids if value <= len(boxes)]
        known = [part for part in parts if part is not None]
        if known:
            box = _around(known)
            yield place, box, np.isin(stack[box], label.ids)


def _around(boxes: list[Box]) -> Box:
    first, second, third = (
        slice(min(box[axis].start for box in boxes), max(box[axis].stop for box in boxes))
        for axis in range(3)
    )
    return first, second, third
