"""What a prediction says of a case, from any kind of file, with the truth's grid and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from delineate.core.errors import DatasetError, LabelError
from delineate.core.geometry import Geometry
from delineate.core.image import AnyArray, Mask
from delineate.core.labels import Label, LabelTable
from delineate.core.regrid import regrid_labels
from delineate.core.series import Series
from delineate.readers import read_mask
from delineate.readers.dicom_drawn import Drawn, look_at
from delineate.truth import Answer, Truth

DICOM_ENDINGS = (".dcm", ".dicom", ".seg", ".ima", "")
"""Endings of files that may be a SEG or RTSTRUCT."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Said:
    """A prediction beside its truth."""

    mask: Mask
    """Ids or layers with the truth's numbers; on the truth's grid, if it could be brought there."""
    is_resampled: bool = False
    """Whether it lay on another grid."""
    named: frozenset[str] | None = None
    """Classes of the truth that the file names; None where files hold numbers without names."""
    remarks: tuple[str, ...] = ()
    """What a reader of the scores must know, such as labels that do not count."""


def read_said(
    path: Path, grid: Geometry, labels: LabelTable, *, series: Series | None = None,
    resample: bool = False,
) -> Said:  # fmt: skip
    """Read a prediction beside its truth.

    Labels of a SEG or RTSTRUCT are matched by name, whatever its case; by number only where
    the truth's names were made up. What else they hold does not count, and is told.

    Args:
        path: A mask, a DICOM SEG or an RTSTRUCT.
        grid: The truth's grid.
        labels: What the truth's numbers mean.
        series: The series that the truth was drawn on, if it is DICOM.
        resample: Whether a mask on another grid is brought onto the truth's.

    Returns:
        The prediction.

    Raises:
        FileError: If the file is of another series or lies beside the grid.
        LabelError: If it names no class of the truth.
    """
    drawn = look_at(path) if path.is_file() and path.suffix.lower() in DICOM_ENDINGS else None
    if drawn is not None:
        return _read_drawn(drawn, grid, labels, series)
    said = read_mask(path)
    tolerance = 0.1 * min(grid.spacing_mm)
    if not resample or said.geometry.agrees_with(grid, tolerance_mm=tolerance):
        return Said(mask=said)
    return Said(mask=replace(regrid_labels(said, grid), notes=said.notes), is_resampled=True)


def true_mask(truth: Truth, case: str) -> Mask:
    """Open the mask of a truth.

    Args:
        truth: What is so.
        case: The case's id.

    Returns:
        The mask.

    Raises:
        DatasetError: If it holds objects alone.
    """
    return mask_of(truth.open(case), case)


def mask_of(answer: Answer, case: str) -> Mask:
    """Take the mask of a truth that is open.

    Args:
        answer: The truth.
        case: The case's id, for messages.

    Returns:
        The mask.

    Raises:
        DatasetError: If it holds objects alone.
    """
    if answer.mask is None:
        raise DatasetError(f"The truth of {case} has no mask. Pass --task instances.")
    return answer.mask


def read_answer(truth: Truth, case: str, path: Path, *, resample: bool = False) -> Said:
    """Read the prediction of a case with the truth's grid and numbers.

    Args:
        truth: What is so.
        case: The case's id.
        path: The prediction.
        resample: Whether a mask on another grid is brought onto the truth's.

    Returns:
        The prediction.
    """
    answer = truth.open(case)
    series = answer.image.series if answer.image else None
    return read_said(path, answer.geometry, truth.labels, series=series, resample=resample)


def match_labels(said: Sequence[Label], labels: LabelTable, where: str) -> dict[int, Label]:
    """Find for each label of a file the class of the truth that it is.

    Args:
        said: Labels of the file.
        labels: Classes of the truth.
        where: The file, for messages.

    Returns:
        Class by the file's number; labels that are none are absent.

    Raises:
        LabelError: If none is a class of the truth.
    """
    exact = {label.id: labels.like(label.name) for label in said if label.name in labels.names}
    taken = {label.name for label in exact.values() if label}
    loose = {label.id: labels.like(label.name) for label in said if label.id not in exact}
    free = {
        id: label
        for id, label in loose.items()
        if label and label.name not in taken and list(loose.values()).count(label) == 1
    }
    found = {id: label for id, label in (exact | free).items() if label is not None}
    if not found and not labels.names_known:
        numbers = {label.id: label for label in labels.labels}
        found = {label.id: numbers[label.id] for label in said if label.id in numbers}
    if said and not found:
        raise LabelError(
            f"{where} names {_listed([label.name for label in said])}, and the truth "
            f"{_listed(labels.names)}. Give them the same names, for example in a labels.yaml "
            "beside the truth."
        )
    return found


def _read_drawn(drawn: Drawn, grid: Geometry, labels: LabelTable, series: Series | None) -> Said:
    if series is not None and series.regular.agrees_with(grid):
        drawn.check_source(series)
        mask, table = drawn.parts(series).mask(series)
    else:
        mask, table = drawn.on_grid(grid)
    found = match_labels(table.labels, labels, drawn.path.name)
    strange = [label.name for label in table.labels if label.id not in found]
    by_number = [
        label for label in table.labels if label.id in found and not _is_named(label, found)
    ]
    remarks = [*mask.notes]
    if strange:
        remarks.append(
            f"Labels without a counterpart in the truth do not count: {_listed(strange)}"
        )
    if by_number:
        told = ", ".join(f"{label.name} is {found[label.id].name}" for label in by_number)
        remarks.append(f"Labels were matched by number, since the truth names none: {told}")
    array = _renumbered(mask, table, found, labels)
    is_stack = array.ndim > grid.dims
    return Said(
        mask=Mask.of(array, grid, is_stack=is_stack, source=str(drawn.path)),
        named=frozenset(label.name for label in found.values()), remarks=tuple(remarks),
    )  # fmt: skip


def _is_named(label: Label, found: dict[int, Label]) -> bool:
    return LabelTable(labels=(found[label.id],)).like(label.name) is not None


def _renumbered(
    mask: Mask, table: LabelTable, found: dict[int, Label], labels: LabelTable
) -> AnyArray:
    """Give what a file holds the truth's numbers; layers where either side may overlap."""
    kind = np.min_scalar_type(max(label.id for label in labels.labels))
    if mask.num_layers is None and labels.is_exclusive:
        top = int(mask.array.max(initial=0))
        new = np.zeros(top + 1, dtype=kind)
        for id, label in found.items():
            if id <= top:
                new[id] = label.id
        return np.asarray(new[mask.array])
    regions = [
        (found[label.id], mask.region(label, table)) for label in table.labels if label.id in found
    ]
    if labels.is_exclusive:
        ids = np.zeros(mask.geometry.shape, dtype=kind)
        for label, region in regions:
            if ids[region].any():
                break
            ids[region] = label.id
        else:
            return ids
    layers = np.zeros((len(labels.labels), *mask.geometry.shape), dtype=bool)
    for label, region in regions:
        layers[labels.labels.index(label)] |= region
    return layers


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(repr(name) for name in names[:8]) + more
