"""DICOM SEG: one segment an organ, on the very planes of the source slices.

Pixels are packed here, since a segment is kept as the box around it and not as thousands of full
frames. Frames are kept from the first to the last slice of an organ, also empty ones between:
some viewers put frames on the wrong slices otherwise.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Prediction
from delineate.core.codes import codes_of
from delineate.core.errors import LabelError, ShapeError
from delineate.core.files import whole
from delineate.core.formats import Writer
from delineate.core.image import Image
from delineate.core.labels import CodedConcept
from delineate.core.series import Series
from delineate.writers.dicom_frames import number_maps, packed_bits, run_lengths
from delineate.writers.dicom_identity import Identity
from delineate.writers.dicom_layout import lay_out
from delineate.writers.dicom_segments import AnyArray, Segment, nothing, overlap, segments_of
from delineate.writers.dicom_source import check_volume, series_of

if TYPE_CHECKING:
    from pydicom import Dataset

Kind = Literal["BINARY", "FRACTIONAL", "LABELMAP"]
SUFFIXES = {"BINARY": ".seg.dcm", "FRACTIONAL": ".fractional.dcm", "LABELMAP": ".labelmap.dcm"}
"""Ending of each kind's files."""
TOP = 255
"""Value of a probability of 1."""
ByteArray = NDArray[np.uint8]


class DicomSegWriter(Writer):
    """Writes a DICOM Segmentation of the source series: BINARY, FRACTIONAL or LABELMAP."""

    def __init__(self, kind: Kind = "BINARY", category: CodedConcept | None = None) -> None:
        """Choose the kind of segmentation.

        Args:
            kind: "BINARY", one bit a pixel and organ, which every archive takes; "LABELMAP", one
                number a pixel, far smaller, which old archives refuse; "FRACTIONAL", the
                probability of each organ in 255 steps.
            category: Category of organs instead of 91723000, Anatomical Structure.
        """
        self.kind: Kind = kind
        self.category = category
        self.suffix = SUFFIXES[kind]  # type: ignore[misc]

    def write(self, prediction: Prediction, path: Path, *, image: Image | None = None) -> None:
        """Write the segments that were found; if there is none, one empty frame of the first.

        Args:
            prediction: What to write; a fractional one needs its probabilities.
            path: The file.
            image: The image that was predicted, from a DICOM series.

        Raises:
            LabelError: If labels overlap and the kind has one number a pixel.
            ShapeError: If probabilities are needed and were not kept.
        """
        check_volume(prediction, "DICOM SEG")
        series = series_of(image, prediction.case_id, "DICOM SEG")
        if self.kind == "FRACTIONAL":
            dataset = self._fractional(prediction, series)
        else:
            segments = segments_of(prediction, series)
            are_stacked = overlap(segments)
            if self.kind == "LABELMAP" and are_stacked:
                raise LabelError(
                    f"{prediction.case_id} has labels that overlap, and a LABELMAP holds one "
                    "number a pixel. Choose the format dicom-seg, which keeps them apart."
                )
            fill = self._map if self.kind == "LABELMAP" else self._binary
            dataset = fill(prediction, series, segments or [nothing(prediction)])
            dataset.SegmentsOverlap = "YES" if are_stacked else "NO"
        with whole(path) as draft:
            dataset.save_as(draft, enforce_file_format=True)

    def _binary(
        self, prediction: Prediction, series: Series, segments: Sequence[Segment]
    ) -> "Dataset":
        """Pack one bit a pixel; frames from the first to the last slice of each organ."""
        dataset, frames = self._laid_out(prediction, series, segments)
        by_number = {part.number: part for part in segments}
        packed = packed_bits(
            [(by_number[number], place) for number, place in frames], _size(series)
        )
        dataset.PixelData = packed + b"\0" * (len(packed) % 2)
        return dataset

    def _map(
        self, prediction: Prediction, series: Series, segments: Sequence[Segment]
    ) -> "Dataset":
        """Write one frame a slice, whatever is on it."""
        dataset, frames = self._laid_out(prediction, series, segments)
        maps = list(number_maps(segments, len(series.slices), _size(series)))
        _compress(dataset, [maps[place] for _, place in frames])
        return dataset

    def _fractional(self, prediction: Prediction, series: Series) -> "Dataset":
        """Write probabilities in 255 steps, as far as they do not round to 0."""
        segments, chances = _chances(prediction, series)
        shown = segments or [nothing(prediction)]
        dataset, frames = self._laid_out(prediction, series, shown)
        by_number = {part.number: part for part in shown}

        def frame(number: int, place: int) -> ByteArray:
            full = np.zeros(_size(series), dtype=np.uint8)
            box = by_number[number].box
            if number in chances:
                full[box[1:]] = chances[number][place - box[0].start]
            return full

        _compress(dataset, [frame(number, place) for number, place in frames])
        dataset.SegmentsOverlap = "UNDEFINED"
        return dataset

    def _laid_out(
        self, prediction: Prediction, series: Series, segments: Sequence[Segment]
    ) -> tuple["Dataset", list[tuple[int, int]]]:
        presence = np.zeros((len(series.slices), len(segments)), dtype=np.uint8)
        for column, part in enumerate(segments):
            presence[part.planes, column] = 1
        if self.kind == "LABELMAP":
            presence = np.ones((len(series.slices), 1), dtype=np.uint8)
        named = [self._categorised(part) for part in segments]
        return lay_out(self.kind, presence, named, series, Identity.of(prediction, series))

    def _categorised(self, part: Segment) -> Segment:
        if self.category is None or part.coded.region is not None:
            return part
        return replace(part, coded=replace(part.coded, category=self.category))


def _size(series: Series) -> tuple[int, int]:
    return series.slices[0].rows, series.slices[0].columns


def _chances(prediction: Prediction, series: Series) -> tuple[list[Segment], dict[int, ByteArray]]:
    """Cut out where each label's probability is at least one step; output 0 is background."""
    from scipy import ndimage

    labels, codes = prediction.labels.labels, codes_of(prediction.labels)
    given = prediction.probabilities
    if given is None or len(given) - len(labels) not in (0, 1):
        raise ShapeError(
            f"{prediction.case_id} has no probabilities of its {len(labels)} labels, which a "
            "fractional SEG holds. Predict with probabilities=True."
        )
    segments: list[Segment] = []
    chances = {}
    for place, label in enumerate(labels):
        layer = given[place + len(given) - len(labels)]
        planes = series.to_planes(np.rint(np.asarray(layer, np.float32) * TOP).astype(np.uint8))
        (box,) = ndimage.find_objects((planes > 0).astype(np.uint8)) or [None]
        if box is None:
            continue
        number = len(segments) + 1
        chances[number] = planes[box]
        segments.append(
            Segment(
                number=number, label=label, place=place, coded=codes[place], box=box,
                crop=chances[number] > 0,
            )
        )  # fmt: skip
    return segments, chances


def _compress(dataset: "Dataset", frames: Sequence[AnyArray]) -> None:
    from pydicom.encaps import encapsulate

    dataset.PixelData = encapsulate([run_lengths(frame) for frame in frames])
    dataset["PixelData"].is_undefined_length = True
