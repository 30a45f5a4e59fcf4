"""Evaluate: predictions beside the truth, as a table, scores.csv, summary.json and a page."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from delineate.comparison import ObjectScores, draw_objects, draw_spots, score_objects
from delineate.core.errors import DatasetError, DelineateError, FileError
from delineate.core.files import write_text
from delineate.core.geometry import Geometry
from delineate.core.image import Mask
from delineate.core.plan import Plan
from delineate.core.progress import track
from delineate.datasets.masks import masks_by_name, named_like
from delineate.metrics import METRICS, Failure, Row, Scoreboard, score_case
from delineate.metrics.tally import list_mistakes
from delineate.pictures import Picture, choose_cases, draw_case
from delineate.readers import read_mask
from delineate.report import write_report
from delineate.truth import Truth, find_truth

NUM_NAMED = 8
"""Cases that a sentence names before it says "and so on"."""


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    """What to compare with what, and where the results go."""

    predictions: Path
    """Folder of predicted masks or objects, or one file."""
    truth: Path
    """Folder of true masks or objects, one file, or the folder or zip of a dataset."""
    out: Path
    """Folder for scores.csv, summary.json and report.html."""
    layout: str | None = None
    """Layout of the truth's dataset; recognised by looking if left out."""
    tolerance_mm: float | None = None
    """How far apart two surfaces may lie and still agree for NSD, in mm (pixels where files
    know no mm); one voxel's shortest side, as the median over cases, if left out."""
    images: Path | None = None
    """Folder of the images, to lie beneath the outlines; a dataset has its own."""
    run: Path | None = None
    """Folder of the run that predicted: adds its curves and plan, and warns of cases that it
    was trained on."""
    truth_ids: bool = False
    """Whether predictions of nested regions hold the truth's ids, as nnU-Net writes them."""
    task: Literal["auto", "regions", "instances"] = "auto"
    """Whether to score regions or objects told apart; auto asks the run, or else the truth."""
    pictures: int = 3
    """Cases to draw: the worst, the median, the best, then more of the worst."""
    title: str | None = None
    """Heading of the page."""


def evaluate(settings: EvaluateSettings) -> Scoreboard:
    """Score every case that has a prediction, and write the table, the numbers and the page.

    Masks are matched by their names without endings, with or without nnU-Net's _0000. A case
    that cannot be scored is named and left out; the command then ends with exit code 1. Cases
    of a dataset without a prediction are noted, since a fold is only a part of it; files of a
    folder of masks without one are failures.

    Args:
        settings: What to compare with what, and where the results go.

    Returns:
        The scores; `failures` names the cases that could not be scored.

    Raises:
        DatasetError: If no prediction has a truth.
        FileError: If a folder cannot be read, or the results cannot be written.
    """
    plan = _plan(settings.run)
    truth = find_truth(
        settings.truth, layout=settings.layout, images=settings.images,
        labels=plan.labels if plan else None,
        has_objects=_has_objects(settings, plan),
    )  # fmt: skip
    matched, failures, notes = _match(masks_by_name(settings.predictions), truth, settings)
    if truth.has_objects:
        objects = score_objects(truth, matched)
        failures += [_failure(case, error) for case, error in objects.errors.items()]
        board, words = objects.board, [objects.tallies.text]
        notes += objects.notes
    else:
        objects, words = None, []
        board = _score_regions(settings, truth, matched, failures)
    notes = [*truth.notes, *notes, *_seen(settings.run, set(board.cases))]
    board = replace(board, failures=tuple(failures), notes=tuple(notes))
    _write(settings, board, truth, matched, objects)
    return replace(board, notes=(*notes, *words, f"Page: {settings.out / 'report.html'}"))


def _has_objects(settings: EvaluateSettings, plan: Plan | None) -> bool | None:
    if settings.task == "auto":
        return None if plan is None else plan.task == "instances"
    return settings.task == "instances"


def _score_regions(
    settings: EvaluateSettings, truth: Truth, matched: Mapping[str, Path], failures: list[Failure]
) -> Scoreboard:
    grids = _grids(truth, matched, failures)
    is_physical = any(grid.is_physical for grid in grids.values())
    tolerance = settings.tolerance_mm
    board = Scoreboard(
        rows=(), metrics=METRICS, unit="mm" if is_physical else "px",
        tolerance_mm=_one_voxel(list(grids.values())) if tolerance is None else tolerance,
    )  # fmt: skip
    rows = _score(settings, board, truth, {case: matched[case] for case in grids}, failures)
    return replace(board, rows=tuple(rows))


def _score(
    settings: EvaluateSettings, board: Scoreboard, truth: Truth, matched: Mapping[str, Path],
    failures: list[Failure],
) -> list[Row]:  # fmt: skip
    rows: list[Row] = []
    for case, path in track(matched.items(), "scoring", len(matched)):
        try:
            mask = _mask(truth, case)
            if board.unit == "mm" and not mask.geometry.is_physical:
                raise DatasetError(
                    f"The truth of {case} knows no millimetres, while others do. "
                    "Repair its header, or evaluate it apart."
                )
            rows += score_case(
                read_mask(path), mask, truth.labels, METRICS, case=case,
                patient=truth.patients[case], tolerance_mm=board.tolerance_mm,
                has_truth_ids=settings.truth_ids,
            )  # fmt: skip
        except Exception as error:  # one bad case must not end the others' evaluation
            failures.append(_failure(case, error))
    return rows


def _match(
    predictions: Mapping[str, Path], truth: Truth, settings: EvaluateSettings
) -> tuple[dict[str, Path], list[Failure], list[str]]:
    """Pair predictions with the truth; what stays alone is a failure or a note."""
    if settings.truth.is_file() and settings.predictions.is_file() and not truth.is_dataset:
        return {next(iter(truth.patients)): settings.predictions}, [], []
    found = {case: named_like(case, predictions) for case in truth.patients}
    matched = {case: path for case, path in found.items() if path is not None}
    if not matched:
        raise DatasetError(
            f"No prediction has the name of a truth: {settings.predictions} holds "
            f"{_named(list(predictions))}; {settings.truth} {_named(list(truth.patients))}. "
            "Give both the same names."
        )
    alone = [case for case, path in found.items() if path is None]
    extra = [path.name for path in sorted(set(predictions.values()) - set(matched.values()))]
    notes = []
    if extra:
        notes.append(f"{len(extra)} predictions without a truth do not count: {_named(extra)}.")
    if alone and truth.is_dataset:
        told = f"{len(alone)} of the dataset's {len(found)} cases have no prediction"
        notes.append(f"{told} and do not count: {_named(alone)}.")
        alone = []
    reason = "{} has a truth but no prediction. Predict it, or take its truth out of the folder."
    return matched, [Failure(case=case, reason=reason.format(case)) for case in alone], notes


def _grids(
    truth: Truth, matched: Mapping[str, Path], failures: list[Failure]
) -> dict[str, Geometry]:
    grids = {}
    for case in matched:
        try:
            grids[case] = truth.open(case).geometry
        except Exception as error:  # named, and the others go on
            failures.append(_failure(case, error))
    return grids


def _one_voxel(grids: Sequence[Geometry]) -> float:
    sides = [min(grid.spacing_mm) for grid in grids]
    return float(f"{np.median(sides):.3g}") if sides else 1.0


def _failure(case: str, error: Exception) -> Failure:
    known = isinstance(error, DelineateError)
    said = str(error) if known else f"{type(error).__name__}: {error}"
    return Failure(case=case, reason=said if case in said else f"{case}: {said}")


def _seen(run: Path | None, cases: set[str]) -> list[str]:
    """Warn if the model was trained on what it is judged by."""
    seen = sorted(cases & set(_read(run, "run.json", {}).get("training_cases", ())))
    if not seen:
        return []
    return [
        f"{len(seen)} of these {len(cases)} cases trained the model ({_named(seen)}): the scores "
        "do not say how it does on new ones."
    ]


def _write(
    settings: EvaluateSettings, board: Scoreboard, truth: Truth, matched: Mapping[str, Path],
    objects: ObjectScores | None,
) -> None:  # fmt: skip
    facts = board.to_dict()
    if objects:
        facts["mistakes"] = objects.tallies.to_dict()
        write_text(settings.out / "mistakes.csv", list_mistakes(objects.mistakes, objects.names))
    write_text(settings.out / "scores.csv", board.to_csv())
    text = json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(settings.out / "summary.json", text + "\n")
    run = settings.run
    history = _read(run, "history.json", [])
    names = dict.fromkeys(name for row in history for name in row)
    write_report(
        board,
        settings.out / "report.html",
        title=settings.title or f"Evaluation of {settings.predictions.name}",
        overlays=draw_objects(objects, truth, matched, settings.pictures) if objects
        else _draw(settings, board, truth, matched),
        tallies=objects.tallies if objects else None,
        spots=draw_spots(objects, truth, matched) if objects and settings.pictures else (),
        curves={name: [row.get(name, np.nan) for row in history] for name in names} or None,
        plan=_plan(run),
        environment=_environment(_read(run, "run.json", {}).get("environment", {})),
    )  # fmt: skip


def _draw(
    settings: EvaluateSettings, board: Scoreboard, truth: Truth, matched: Mapping[str, Path]
) -> list[Picture]:
    chosen = choose_cases(board.cases, board.values("dice"), settings.pictures)
    pictures = []
    for case, caption in track(chosen.items(), "drawing", len(chosen)):
        image = truth.open(case).image
        png = draw_case(read_mask(matched[case]), _mask(truth, case), truth.labels, image=image)
        pictures.append(Picture(case=case, caption=caption, data=png))
    return pictures


def _mask(truth: Truth, case: str) -> Mask:
    mask = truth.open(case).mask
    if mask is None:
        raise DatasetError(f"The truth of {case} has no mask. Pass --task instances.")
    return mask


def _plan(run: Path | None) -> Plan | None:
    return Plan.load(run / "plan.yaml") if run and (run / "plan.yaml").exists() else None


def _read(folder: Path | None, name: str, otherwise: Any) -> Any:  # noqa: ANN401 - any JSON
    if folder is None or not (folder / name).exists():
        return otherwise
    try:
        return json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(
            f"{folder / name} cannot be read ({error}). Mend or remove it, or leave --run out."
        ) from error


def _environment(training: Mapping[str, Any]) -> dict[str, str]:
    try:
        own = version("delineate")
    except PackageNotFoundError:
        own = "not installed"
    return {
        "date": datetime.now().astimezone().date().isoformat(),
        "delineate": own,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        **{f"training: {name}": str(value) for name, value in training.items()},
    }


def _named(cases: Sequence[str]) -> str:
    more = f" and {len(cases) - NUM_NAMED} more" if len(cases) > NUM_NAMED else ""
    return ", ".join(cases[:NUM_NAMED]) + more
