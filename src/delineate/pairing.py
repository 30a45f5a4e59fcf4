"""Which prediction belongs to which truth, for one model or several on the same cases."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from delineate.core.errors import DatasetError, DelineateError
from delineate.datasets.masks import masks_by_name, named_like
from delineate.metrics import Failure
from delineate.truth import Truth

NUM_NAMED = 8
"""Cases that a sentence names before it says "and so on"."""


@dataclass(frozen=True, kw_only=True)
class Paired:
    """The files of one model, each with the truth that it answers."""

    model: str
    """What the model is called; empty where there is but one."""
    folder: Path
    """Where its predictions are."""
    files: Mapping[str, Path]
    """Prediction by case."""
    failures: tuple[Failure, ...] = ()
    """Cases that should have a prediction and have none."""
    notes: tuple[str, ...] = ()
    """What a reader of the scores must know."""


def pair_models(folders: Sequence[Path], truth: Truth, path: Path) -> list[Paired]:
    """Pair the predictions of each model with the truth, and keep what all of them answer.

    Args:
        folders: Folder or file of each model's predictions.
        truth: What is so.
        path: Where the truth is.

    Returns:
        A pairing for each model, all of the same cases.

    Raises:
        DatasetError: If there is no case that every model predicted.
    """
    names = _names(folders)
    found = [_pair(name, folder, truth, path) for name, folder in zip(names, folders, strict=True)]
    common = [case for case in found[0].files if all(case in one.files for one in found)]
    if not common:
        raise DatasetError(
            f"No case has a prediction of every model ({', '.join(names)}). "
            "Predict the same cases with each."
        )
    return [_keep(one, common) for one in found]


def _names(folders: Sequence[Path]) -> list[str]:
    """Name each model by its folder, with the folder above where two are called alike."""
    if len(folders) == 1:
        return [""]
    short = [folder.resolve().name for folder in folders]
    if len(set(short)) < len(short):
        short = ["/".join(folder.resolve().parts[-2:]) for folder in folders]
    if len(set(short)) == len(short):
        return short
    return [f"{name} ({place})" for place, name in enumerate(short, start=1)]


def _keep(one: Paired, common: Sequence[str]) -> Paired:
    lost = sorted(set(one.files) - set(common))
    note = (
        f"{len(lost)} cases of {one.model} are left out, since another model did not predict "
        f"them: {named(lost)}."
    )
    return Paired(
        model=one.model, folder=one.folder, files={case: one.files[case] for case in common},
        failures=one.failures, notes=(*one.notes, note) if lost else one.notes,
    )  # fmt: skip


def _pair(model: str, folder: Path, truth: Truth, path: Path) -> Paired:
    """Pair predictions with the truth; what stays alone is a failure or a note."""
    predictions = masks_by_name(folder)
    if path.is_file() and folder.is_file() and not truth.is_dataset:
        return Paired(model=model, folder=folder, files={next(iter(truth.patients)): folder})
    found = {case: named_like(case, predictions) for case in truth.patients}
    matched = {case: file for case, file in found.items() if file is not None}
    if not matched:
        raise DatasetError(
            f"No prediction has the name of a truth: {folder} holds "
            f"{named(list(predictions))}; {path} {named(list(truth.patients))}. "
            "Give both the same names."
        )
    alone = [case for case, file in found.items() if file is None]
    extra = [file.name for file in sorted(set(predictions.values()) - set(matched.values()))]
    notes = []
    if extra:
        notes.append(f"{len(extra)} predictions without a truth do not count: {named(extra)}.")
    if alone and truth.is_dataset:
        told = f"{len(alone)} of the dataset's {len(found)} cases have no prediction"
        notes.append(f"{told} and do not count: {named(alone)}.")
        alone = []
    whose = f" of {model}" if model else ""
    reason = (
        f"{{}} has a truth but no prediction{whose}. Predict it, or take its truth out of the "
        "folder."
    )
    failures = tuple(Failure(case=case, reason=reason.format(case)) for case in alone)
    return Paired(model=model, folder=folder, files=matched, failures=failures, notes=tuple(notes))


def fail(case: str, error: Exception) -> Failure:
    """Say why a case could not be scored.

    Args:
        case: Its id.
        error: What went wrong.

    Returns:
        The failure, whose sentence names the case.
    """
    known = isinstance(error, DelineateError)
    said = str(error) if known else f"{type(error).__name__}: {error}"
    has_name = re.search(rf"(?<!\w){re.escape(case)}(?!\w)", said)
    return Failure(case=case, reason=said if has_name else f"{case}: {said}")


def named(cases: Sequence[str]) -> str:
    """Name some cases, and count those beyond.

    Args:
        cases: Ids.

    Returns:
        Such as "a, b and 3 more".
    """
    more = f" and {len(cases) - NUM_NAMED} more" if len(cases) > NUM_NAMED else ""
    return ", ".join(cases[:NUM_NAMED]) + more
