"""Which prediction belongs to which truth, for one model or several on the same cases."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from delineate.core.errors import DatasetError, DelineateError
from delineate.datasets.masks import files_by_name, named_like
from delineate.metrics import Failure
from delineate.readers.dicom_drawn import Drawn, look_at
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


def pair_models(
    folders: Sequence[Path], truth: Truth, path: Path, *, pattern: str | None = None
) -> list[Paired]:
    """Pair the predictions of each model with the truth, and keep what all of them answer.

    Args:
        folders: Folder or file of each model's predictions.
        truth: What is so.
        path: Where the truth is.
        pattern: Which names of files count, such as "*.rtstruct.dcm"; None for all.

    Returns:
        A pairing for each model, all of the same cases.

    Raises:
        DatasetError: If there is no case that every model predicted.
    """
    names = _names(folders)
    found = [
        _pair(name, folder, truth, path, pattern)
        for name, folder in zip(names, folders, strict=True)
    ]
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


def _pair(model: str, folder: Path, truth: Truth, path: Path, pattern: str | None) -> Paired:
    """Pair predictions with the truth; what stays alone is a failure or a note."""
    listed = files_by_name(folder, pattern)
    if path.is_file() and folder.is_file() and len(truth.patients) == 1:
        return Paired(model=model, folder=folder, files={next(iter(truth.patients)): folder})
    files = [file for group in listed.values() for file in group]
    drawn = {file: found for file in files if truth.sources and (found := look_at(file))}
    matched = _matched(truth, listed, drawn)
    if not matched:
        told = [_astray(one, truth) for one in list(drawn.values())[:1]]
        raise DatasetError(
            f"No prediction has the name of a truth: {folder} holds "
            f"{named(list(listed))}; {path} {named(list(truth.patients))}. "
            + (told[0] if told else "Give both the same names.")
        )
    alone = [case for case in truth.patients if case not in matched]
    failures = [
        Failure(case=one.path.name, reason=_astray(one, truth))
        for one in drawn.values()
        if one.series_uid not in truth.sources.values() and one.path not in matched.values()
    ]
    notes = _left_over(listed, matched, {one.case for one in failures})
    if alone and truth.is_dataset:
        notes.append(
            f"{len(alone)} of the dataset's {len(truth.patients)} cases have no prediction "
            f"and do not count: {named(alone)}."
        )
        alone = []
    whose = f" of {model}" if model else ""
    reason = (
        f"{{}} has a truth but no prediction{whose}. Predict it, or take its truth out of the "
        "folder."
    )
    failures += [Failure(case=case, reason=reason.format(case)) for case in alone]
    return Paired(
        model=model, folder=folder, files=matched, failures=tuple(failures), notes=tuple(notes)
    )


def _matched(
    truth: Truth, listed: Mapping[str, Sequence[Path]], drawn: Mapping[Path, Drawn]
) -> dict[str, Path]:
    """Find the prediction of each case: by name, else by the series that a file says it is of."""
    by_name = {name: files[0] for name, files in listed.items()}
    by_series: dict[str, Path] = {}
    for path, one in drawn.items():
        by_series.setdefault(one.series_uid, path)
    found = {}
    for case in truth.patients:
        alike = [named_like(name, by_name) for name in (case, *truth.names.get(case, ()))]
        file = next(filter(None, alike), None)
        other = by_series.get(truth.sources.get(case, "none"))
        uid = drawn[file].series_uid if file is not None and file in drawn else None
        is_right = uid in (None, truth.sources.get(case))
        is_lost = uid not in truth.sources.values()
        if chosen := (file if is_right else other or (file if is_lost else None)) or other:
            found[case] = chosen
    return found


def _left_over(
    listed: Mapping[str, Sequence[Path]], matched: Mapping[str, Path], failed: Collection[str]
) -> list[str]:
    """Say which files do not count: those without a truth, and those beside a better one."""
    used = set(matched.values())
    beside = [file for group in listed.values() if used & {*group} for file in group[1:]]
    beside = [file for file in beside if file not in used]
    known = {*used, *beside}
    extra = sorted(file for group in listed.values() for file in group if file not in known)
    names = [file.name for file in extra if file.name not in failed]
    notes = []
    if names:
        notes.append(f"{len(names)} predictions without a truth do not count: {named(names)}.")
    others = sorted({"".join(file.suffixes[-2:]) for file in beside if file.suffix == ".dcm"})
    if others:
        notes.append(
            f"Cases have several files; those that end in {' and '.join(others)} were left aside. "
            "Pass --files to choose, such as --files '*.rtstruct.dcm'."
        )
    return notes


def _astray(one: Drawn, truth: Truth) -> str:
    """Say that a SEG or RTSTRUCT was made from a series that has no truth."""
    uid = one.series_uid
    known = [problem for problem in truth.notes if uid and uid in problem]
    if known:
        return f"{one.path.name} was made from a series whose truth is left out: {known[0]}"
    return (
        f"{one.path.name} was made from series {uid or 'unknown'}, and no truth was drawn on it. "
        "Put that series with its truth into the dataset, or take the file out."
    )


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
