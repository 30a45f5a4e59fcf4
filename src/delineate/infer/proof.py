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
from delineate.infer.report_proof import prove_report
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


def check_objects(formats: Sequence[str], model: str) -> None:
    """Refuse DICOM formats for a model of nuclei, whose slides come from no DICOM series.

    Args:
        formats: Rows of `WRITERS`.
        model: What the model is called.

    Raises:
        FileError: If a format must refer to a series.
    """
    bound = [name for name in formats if name in FROM_DICOM]
    if bound:
        raise FileError(
            f"{model} counts nuclei, and {' and '.join(bound)} must refer to a DICOM series; "
            "slides and tiles are read from PNG and TIFF, which name neither patient nor study. "
            "Choose geojson or csv: both give the type of every nucleus."
        )


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


def prove_all(
    paths: Mapping[str, Path], prediction: Prediction, series: Series
) -> dict[str, dict[str, Any]]:
    """Read back all files of a prediction that can be.

    Args:
        paths: The files by their rows of `WRITERS`.
        prediction: What they were made of.
        series: The source.

    Returns:
        What was compared and how much of it differs, by row of `WRITERS`.
    """
    proofs = {
        name: prove(path, name, prediction, series).to_dict()
        for name, path in paths.items()
        if name in PROVEN
    }
    if "sr" in paths:
        proofs["sr"] = {"segments": prove_report(paths["sr"], series), "different": 0}
    return proofs


@dataclass(frozen=True, kw_only=True, eq=False)
class _Truth:
    """What the prediction says on the source slices."""

    ids: Mapping[int, tuple[int, ...]]
    """Values of each label, by its id; or the place of its layer."""
    stack: NDArray[Any]
    """Values (n, rows, columns), or layers (L, n, rows, columns)."""

    def here(self, id: int, place: int) -> NDArray[np.bool_]:
        """Cut one label out of one slice, (rows, columns)."""
        if self.stack.ndim == 4:
            return np.asarray(self.stack[self.ids[id][0], place], dtype=bool)
        plane, values = self.stack[place], self.ids[id]
        return np.asarray(plane == values[0]) if len(values) == 1 else np.isin(plane, values)

    def totals(self) -> dict[int, int]:
        """Count the voxels of each label."""
        if self.stack.ndim == 4:
            return {id: int(self.stack[rows[0]].sum()) for id, rows in self.ids.items()}
        size = int(self.stack.max(initial=0)) + 1
        counts = sum(np.bincount(plane.reshape(-1), minlength=size) for plane in self.stack)
        known = np.atleast_1d(counts)
        return {
            id: sum(int(known[value]) for value in values if value < size)
            for id, values in self.ids.items()
        }


def _expected(prediction: Prediction, series: Series, *, is_fractional: bool) -> _Truth:
    """Look every label up at the places of the source slices' pixels."""
    mask, labels = prediction.mask, prediction.labels.labels
    places = {label.id: (place,) for place, label in enumerate(labels)}
    given = prediction.probabilities
    if is_fractional and given is not None:
        steps = np.rint(np.asarray(given[len(given) - len(labels) :], np.float32) * TOP)
        return _Truth(ids=places, stack=_layers(steps >= TOP / 2, mask.geometry, series))
    if mask.num_layers is not None:
        return _Truth(ids=places, stack=_layers(mask.array, mask.geometry, series))
    stack = at_slices(mask.array, mask.geometry, series)
    return _Truth(ids={label.id: label.ids for label in labels}, stack=stack)


def _layers(stack: NDArray[Any], geometry: Geometry, series: Series) -> NDArray[Any]:
    return np.stack([at_slices(layer, geometry, series) for layer in stack])


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


def _segments(path: Path, expected: _Truth, series: Series) -> Proof:
    dataset = read_segmentation(path)
    ids = {
        int(item.SegmentNumber): int(str(item.SegmentDescription).split()[-1])
        for item in dataset.SegmentSequence
        if int(item.SegmentNumber) > 0
    }
    total, met, different = sum(expected.totals().values()), 0, 0
    for frame in frames_of(dataset):
        place = place_of(frame, series)
        is_map = frame.number == 0
        inside = np.unique(frame.pixels[frame.pixels > 0]).tolist() if is_map else []
        if place is None:
            different += int((frame.pixels > 0).sum())
            continue
        for number in inside if is_map else [frame.number]:
            here = expected.here(ids[number], place)
            met += int(here.sum())
            different += int(((frame.pixels == number if is_map else frame.pixels) != here).sum())
    return Proof(voxels=total, different=different + total - met)


def _structures(path: Path, expected: _Truth, series: Series) -> Proof:
    total, met, different = sum(expected.totals().values()), 0, 0
    for part in read_structures(path, series).parts():
        here = expected.here(part.label.id, part.place)
        inside = np.zeros_like(here)
        inside[part.window] = part.inside
        met += int(here.sum())
        different += int((inside != here).sum())
    return Proof(voxels=total, different=different + total - met)
