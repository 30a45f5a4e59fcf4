"""What is wrong with a dataset before anything learns from it: every case looked at once."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Case
from delineate.core.errors import DelineateError
from delineate.core.labels import LabelTable
from delineate.core.progress import track
from delineate.datasets.base import Dataset
from delineate.datasets.legend import values_in
from delineate.datasets.tally import ObjectFacts, count_objects

FAR = 6.0
"""Robust deviations from the median at which a case is an outlier."""
FEWEST = 8
"""Outliers are looked for among at least so many cases."""


class Problem(NamedTuple):
    """One thing that is wrong, and what to do."""

    severity: str
    """ "error" (cannot be used), "warning" (look at it) or "note" (good to know)."""
    case: str
    """The case, or "" for the whole dataset."""
    sentence: str
    """What, and what to do."""
    kind: str
    """Key under which equal problems are counted, such as "empty mask"."""


@dataclass(frozen=True, kw_only=True)
class CaseFacts:
    """What one case looks like."""

    id: str
    """Its id."""
    patient: str
    """Whose it is."""
    shape: tuple[int, ...]
    """Voxels along each axis, array order."""
    spacing: tuple[float, ...]
    """Millimetres between voxels, array order; pixels if not physical."""
    is_physical: bool
    """Whether the spacing is in mm."""
    channels: tuple[str, ...]
    """Channel names."""
    voxels: dict[str, int]
    """Voxels of each label, by name, and of the background."""
    means: tuple[float, ...]
    """Mean intensity of each channel, finite voxels only."""
    ranges: tuple[tuple[float, float], ...]
    """Least and greatest intensity of each channel."""
    digest: str
    """Hash of shape and pixels."""
    objects: ObjectFacts | None = None
    """Its objects, where the truth tells them apart."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Every case's facts and every problem."""

    rows: tuple[CaseFacts, ...]
    """One a readable case, in the dataset's order."""
    problems: tuple[Problem, ...]
    """Errors first, then warnings, then notes."""


def audit(dataset: Dataset) -> Audit:
    """Read every case once, one in memory at a time, and say what looks wrong.

    Args:
        dataset: The dataset.

    Returns:
        Facts and problems; nothing is changed and nothing is raised for a bad case.
    """
    problems = [
        Problem("error", "", sentence, "incomplete case") for sentence in dataset.problems()
    ]
    rows = []
    ids = dataset.ids()
    for id in track(ids, "looking at every case", len(ids)):
        try:
            row, found = _look(dataset.case(id))
        except DelineateError as error:
            problems.append(Problem("error", id, str(error), type(error).__name__))
            continue
        rows.append(row)
        problems += found
    # Asked last, since some remarks are only known of cases that were read.
    problems += [Problem("note", "", sentence, "assumption") for sentence in dataset.remarks()]
    problems += _duplicates(rows)
    problems += _outliers(rows)
    order = ("error", "warning", "note")
    return Audit(
        rows=tuple(rows),
        problems=tuple(sorted(problems, key=lambda problem: order.index(problem.severity))),
    )


def _look(case: Case) -> tuple[CaseFacts, list[Problem]]:
    array, grid = case.image.array, case.image.geometry
    problems = _mask_problems(case) + _image_problems(case)
    flat = array.reshape(len(array), -1)
    if array.dtype.kind == "f":
        finite = np.isfinite(flat)
        flat = np.where(finite, flat, flat[finite].mean() if finite.any() else 0)
    row = CaseFacts(
        id=case.id,
        patient=case.patient,
        shape=grid.shape,
        spacing=tuple(float(f"{step:.4g}") for step in grid.spacing_mm),
        is_physical=grid.is_physical,
        channels=case.image.channels,
        voxels=_voxels(case),
        means=tuple(float(mean) for mean in flat.mean(axis=1, dtype=np.float64)),
        ranges=tuple((float(channel.min()), float(channel.max())) for channel in flat),
        digest=_digest(array),
        objects=count_objects(case),
    )
    return row, problems


def _voxels(case: Case) -> dict[str, int]:
    labels, mask = case.labels or LabelTable(labels=()), case.mask
    if mask is None:
        return {}
    if mask.num_layers is not None:
        voxels = {label.name: int(mask.region(label, labels).sum()) for label in labels.labels}
        return {"background": int((~mask.array.any(axis=0)).sum()), **voxels}
    counts = values_in(mask.array)
    return {"background": counts.get(0, 0)} | {
        label.name: sum(counts.get(value, 0) for value in label.ids) for label in labels.labels
    }


def _digest(array: NDArray[np.generic]) -> str:
    digest = hashlib.blake2b(f"{array.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.hexdigest()


def _mask_problems(case: Case) -> list[Problem]:
    if case.mask is None:
        return []
    kind = "mask moved" if case.load_instances is None else "outlines mended"
    found = [
        Problem("note", case.id, f"{case.id}: {note.rstrip('.')}.", kind) for note in case.history
    ]
    if not case.mask.array.any():
        what = f"The mask of {case.id} is empty"
        kind = "empty mask"
        if case.load_instances is not None:
            what, kind = f"{case.id} has not a single object", "no object"
        sentence = f"{what}. Fine if nothing is there to mark; else correct it."
        found.append(Problem("warning", case.id, sentence, kind))
    return found


def _image_problems(case: Case) -> list[Problem]:
    array = case.image.array
    found = [
        Problem("note", case.id, f"{case.id}: {note}", "header or format")
        for note in dict.fromkeys((*case.image.notes, *(case.mask.notes if case.mask else ())))
    ]
    if array.dtype.kind == "f" and (number := int(np.count_nonzero(~np.isfinite(array)))):
        sentence = (
            f"{case.id} has {number} voxels that are NaN or infinite. Replace them by the "
            "background's value, or leave the case out."
        )
        found.append(Problem("error", case.id, sentence, "NaN or infinite"))
    for name, channel in zip(case.image.channels, array, strict=True):
        if channel.size and channel.min() == channel.max():
            sentence = (
                f"{case.id} has the same value {float(channel.flat[0]):g} everywhere in {name}. "
                "Replace the file, or leave the case out."
            )
            found.append(Problem("error", case.id, sentence, "constant image"))
    return found


def _duplicates(rows: Sequence[CaseFacts]) -> list[Problem]:
    same = defaultdict(list)
    for row in rows:
        same[row.digest].append(row)
    problems = []
    for twins in same.values():
        if len(twins) < 2:
            continue
        names = ", ".join(row.id for row in twins)
        if len({row.patient for row in twins}) > 1:
            sentence = (
                f"{names} have the same pixels but count as different patients, so they may leak "
                "between folds. Remove all but one, or join them in patients.csv."
            )
            problems.append(Problem("error", twins[0].id, sentence, "duplicate"))
        else:
            sentence = f"{names} have the same pixels. Remove all but one."
            problems.append(Problem("warning", twins[0].id, sentence, "duplicate"))
    return problems


def _outliers(rows: Sequence[CaseFacts]) -> list[Problem]:
    if len(rows) < FEWEST:
        return []
    columns = {
        "size": [float(np.log(np.prod(row.shape))) for row in rows],
        "spacing": [float(np.log(np.prod(row.spacing))) for row in rows],
    }
    for place, name in enumerate(rows[0].channels):
        columns[f"brightness of {name}"] = [float(np.arcsinh(row.means[place])) for row in rows]
    problems = []
    for what, column in columns.items():
        values = np.array(column)
        middle = np.median(values)
        usual = max(1.4826 * float(np.median(np.abs(values - middle))), 0.05)
        strange = [
            row.id for row, value in zip(rows, values, strict=True)
            if abs(value - middle) > FAR * usual
        ]  # fmt: skip
        if strange:
            sentence = (
                f"{len(strange)} of {len(rows)} cases have an unusual {what}: "
                f"{', '.join(strange[:6])}{', ...' if len(strange) > 6 else ''}. Look at them; "
                "other protocols or units are fine if new images vary as well."
            )
            case = strange[0] if len(strange) == 1 else ""
            problems.append(Problem("warning", case, sentence, f"unusual {what}"))
    return problems
