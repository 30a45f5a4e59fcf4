"""Read back what was written as DICOM, and compare it with the prediction in the patient.

The prediction is looked up at the place in the patient where each written pixel lies, by the
image's own affine: neither the writers' way to the slices nor a library of segmentations has a hand
in it. Only then a file counts as delivered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Case, Prediction
from delineate.core.errors import FileError
from delineate.core.geometry import Geometry
from delineate.core.series import Series
from delineate.readers.dicom_rt import read_structures
from delineate.readers.dicom_seg import frames_of, place_of, read_segmentation
from delineate.writers.dicom_source import series_of

SEG_FORMATS = ("dicom-seg", "dicom-seg-labelmap", "dicom-seg-fractional")
"""Formats of segmentations."""
PROVEN = (*SEG_FORMATS, "rtstruct")
"""Formats whose files are read back."""
FROM_DICOM = (*PROVEN, "sr")
"""Formats that need a DICOM series."""
FRACTIONAL = "dicom-seg-fractional"
TOP = 255
"""Steps of a fractional segmentation."""
HAIR = 1e-6
"""What is added before rounding, so that ties go one way."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """How a file compares with the prediction that it was made of."""

    voxels: int
    """Voxels inside any label, on all source slices."""
    different: int
    """Voxels that the file has and the prediction has not, or the other way round."""

    def to_dict(self) -> dict[str, Any]:
        """Lay it out for the record of a run.

        Returns:
            Both numbers by name.
        """
        return {"voxels": self.voxels, "different": self.different}


def order_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """Put the report after the segments that it refers to.

    Args:
        formats: Rows of `WRITERS`.

    Returns:
        The same, "sr" last.

    Raises:
        FileError: If a report is wanted without segments.
    """
    if "sr" in formats and not {"dicom-seg", "dicom-seg-labelmap"} & set(formats):
        raise FileError(
            "The format sr is a report on segments, and no segments are to be written. "
            "Pass --format dicom-seg,sr."
        )
    return tuple(sorted(formats, key=lambda name: name == "sr"))


def check_source(case: Case, formats: Sequence[str]) -> None:
    """Refuse a case before anything is computed, if the files that are wanted cannot refer to it.

    Args:
        case: The case.
        formats: Rows of `WRITERS`.
    """
    for name in formats:
        if name in FROM_DICOM:
            series_of(case.image, case.id, name)


def prove(path: Path, name: str, prediction: Prediction, series: Series) -> Proof:
    """Read a file back and compare it with the prediction, voxel by voxel.

    Args:
        path: The file.
        name: Row of `WRITERS`, one of `PROVEN`.
        prediction: What it was made of.
        series: The source.

    Returns:
        How many voxels there are and how many differ.

    Raises:
        FileError: If any differs; the file is then removed.
    """
    expected = _expected(prediction, series, is_fractional=name == FRACTIONAL)
    found = _structures if name == "rtstruct" else _segments
    proof = found(path, expected, series)
    if proof.different:
        path.unlink(missing_ok=True)
        raise FileError(
            f"{path} was removed, since reading it back gave {proof.different} voxels of "
            f"{proof.voxels} that differ from the prediction. Please report this series' geometry."
        )
    return proof


def _expected(
    prediction: Prediction, series: Series, *, is_fractional: bool
) -> Mapping[int, NDArray[np.bool_]]:
    """Look up every label at the places of the source slices' pixels, by label id."""
    mask, labels = prediction.mask, prediction.labels.labels
    layers: dict[int, NDArray[Any]] = {}
    given = prediction.probabilities
    if is_fractional and given is not None:
        first = len(given) - len(labels)
        for place, label in enumerate(labels):
            steps = np.rint(np.asarray(given[first + place], np.float32) * TOP)
            layers[label.id] = at_slices(steps >= TOP / 2, mask.geometry, series)
    elif mask.num_layers is not None:
        for place, label in enumerate(labels):
            layers[label.id] = at_slices(mask.array[place], mask.geometry, series)
    else:
        stack = at_slices(mask.array, mask.geometry, series)
        for label in labels:
            single = len(label.ids) == 1
            layers[label.id] = stack == label.ids[0] if single else np.isin(stack, label.ids)
    return layers


def at_slices(array: NDArray[Any], geometry: Geometry, series: Series) -> NDArray[Any]:
    """Look an array up where the pixels of the source slices lie in the patient.

    Args:
        array: Values on a grid, (Z, Y, X).
        geometry: The grid.
        series: The slices.

    Returns:
        The value of the nearest voxel, 0 outside the grid, (n, rows, columns).
    """
    first = series.slices[0]
    found = np.zeros((len(series.slices), first.rows, first.columns), dtype=array.dtype)
    to_index = np.linalg.inv(np.diag([-1.0, -1, 1, 1]) @ geometry.affine)
    rows, columns = np.arange(first.rows), np.arange(first.columns)
    for target, entry in zip(found, series.slices, strict=True):
        step = (to_index @ entry.affine)[:3]
        depth, down, across = (
            np.floor(base + HAIR + 0.5 + along * index).astype(np.intp)
            for base, along, index in (
                (step[0, 2], 0.0, rows[:1]),
                (step[1, 2], step[1, 0], rows),
                (step[2, 2], step[2, 1], columns),
            )
        )
        if 0 <= depth[0] < array.shape[0]:
            has_row = (down >= 0) & (down < array.shape[1])
            has_column = (across >= 0) & (across < array.shape[2])
            cut = array[depth[0]][np.ix_(down[has_row], across[has_column])]
            target[np.ix_(has_row, has_column)] = cut
    return found


def _segments(path: Path, expected: Mapping[int, NDArray[np.bool_]], series: Series) -> Proof:
    dataset = read_segmentation(path)
    ids = {
        int(item.SegmentNumber): int(str(item.SegmentDescription).split()[-1])
        for item in dataset.SegmentSequence
        if int(item.SegmentNumber) > 0
    }
    total = {id: int(layer.sum()) for id, layer in expected.items()}
    met = dict.fromkeys(expected, 0)
    different = 0
    for frame in frames_of(dataset):
        place = place_of(frame, series)
        for number, id in ids.items():
            if frame.number not in (0, number):
                continue
            inside = frame.pixels == number if frame.number == 0 else frame.pixels
            if place is None:
                different += int(inside.sum())
                continue
            here = expected[id][place]
            met[id] += int(here.sum())
            different += int((inside != here).sum())
    missed = sum(total[id] - met[id] for id in total)
    return Proof(voxels=sum(total.values()), different=different + missed)


def _structures(path: Path, expected: Mapping[int, NDArray[np.bool_]], series: Series) -> Proof:
    total = sum(int(layer.sum()) for layer in expected.values())
    met = different = 0
    for part in read_structures(path, series).parts():
        here = expected[part.label.id][part.place]
        met += int(here.sum())
        beside = int(here.sum()) - int(here[part.window].sum())
        different += beside + int((part.inside != here[part.window]).sum())
    return Proof(voxels=total, different=different + total - met)
