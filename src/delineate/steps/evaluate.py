"""Evaluate: predictions beside the truth, as a table, scores.csv, summary.json and a page."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from delineate.challenges import check_official, official_section, say_official, score_officially
from delineate.comparison import ObjectScores, draw_objects, draw_spots, score_objects
from delineate.core.errors import pick
from delineate.core.files import write_text
from delineate.core.plan import Plan
from delineate.infer.leaks import MARK, find_leaks, read_facts, training_cases, warn_of_leaks
from delineate.infer.ledger import Ledger
from delineate.metrics import METRICS, Convention, Scoreboard, metrics_of
from delineate.metrics.official import Outcome
from delineate.metrics.sheet import write_rows
from delineate.metrics.tally import list_mistakes
from delineate.pairing import Paired, pair_models
from delineate.pictures import Picture
from delineate.regions import RegionSettings, draw_regions, read_tolerances, score_regions
from delineate.report import write_report
from delineate.rivals import describe_rivals, keep_common, say_rivals
from delineate.sections import describe_environment, further_sections
from delineate.trust import Trust, measure_trust, said_trust
from delineate.truth import Truth, find_truth


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    """What to compare with what, and where the results go."""

    predictions: Path
    """Folder of predicted masks, DICOM SEG, RTSTRUCT or objects, or one file."""
    truth: Path
    """Folder of true masks or objects, one file, or the folder or zip of a dataset, such as scans
    with RTSTRUCT or SEG."""
    out: Path
    """Folder for scores.csv, summary.json and report.html."""
    layout: str | None = None
    """Layout of the truth's dataset; recognised by looking if left out."""
    tolerance_mm: float | None = None
    """How far apart two surfaces may lie and still agree for NSD, in mm (pixels where files
    know no mm); one voxel's shortest side, as the median over cases, if left out."""
    tolerances: str | None = None
    """Tolerance of single classes for NSD, such as liver=3,tumour=1.5; others have the above."""
    images: Path | None = None
    """Folder of the images, to lie beneath the outlines; a dataset has its own. SEG and RTSTRUCT
    as truth need the series that they were drawn on."""
    files: str | None = None
    """Which predictions count, such as *.rtstruct.dcm, where cases have several files; else SEG
    comes before RTSTRUCT, and other masks before both."""
    run: Path | None = None
    """Folder of the run that predicted: adds its curves and plan, and warns of cases that it
    was trained on."""
    truth_ids: bool = False
    """Whether predictions of nested regions hold the truth's ids, as nnU-Net writes them."""
    task: Literal["auto", "regions", "instances"] = "auto"
    """Whether to score regions or objects told apart; auto asks the run, or else the truth."""
    pictures: int = 3
    """Cases to draw: the worst, the median, the best, then more of the worst."""
    compare: tuple[Path, ...] = ()
    """Predictions of another model of the same cases, to be set side by side; once for each
    model. Cases that one of the models lacks do not count."""
    resample: bool = False
    """Whether to bring predictions that lie on another grid onto the truth's, each voxel taking
    the nearest label; else such cases are refused."""
    jobs: int | None = None
    """Processes at most; all cores if left out. Results do not depend on it."""
    convention: Convention = "delineate"
    """Whose numbers to give for regions: delineate, deepmind, medpy, metrics_reloaded, monai or
    nnunet; they differ in what a surface is and in what an empty mask counts."""
    metrics: str = "usual"
    """Metrics of regions, such as dice,hd95,assd; "usual" or "all" of the convention's."""
    official: str | None = None
    """A challenge's own score besides: monuseg, msd or uw_madison."""
    title: str | None = None
    """Heading of the page."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """What came of one model."""

    paired: Paired
    """Its files."""
    board: Scoreboard
    """Its scores."""
    objects: ObjectScores | None = None
    """What became of every object, where objects were scored."""
    trust: Trust | None = None
    """What its probabilities were worth, where it left any."""
    official: Outcome | None = None
    """What the challenge would say."""

    def keeping(self, board: Scoreboard) -> "Judged":
        """Keep the cases of another board, such as those that every model answers.

        Args:
            board: Scores of some of the cases.

        Returns:
            The same model with these scores.
        """
        if self.objects is None:
            return replace(self, board=board)
        kept = {case: found for case, found in self.objects.mistakes.items() if case in board.cases}
        return replace(self, board=board, objects=replace(self.objects, board=board, mistakes=kept))


def evaluate(settings: EvaluateSettings) -> Scoreboard:
    """Score every case that has a prediction, and write the table, the numbers and the page.

    Masks are matched by their names without endings, with or without nnU-Net's _0000; SEG and
    RTSTRUCT by the series that they name. A case
    that cannot be scored is named and left out; the command then ends with exit code 1. Cases
    of a dataset without a prediction are noted, since a fold is only a part of it; files of a
    folder of masks without one are failures.

    Args:
        settings: What to compare with what, and where the results go.

    Returns:
        The scores of the first model; `failures` names the cases that could not be scored.

    Raises:
        DatasetError: If no prediction has a truth.
        FileError: If a folder cannot be read, or the results cannot be written.
    """
    plan = _plan(settings.run)
    _region_settings(settings)  # refuses unknown metrics before anything is read
    truth = find_truth(
        settings.truth, layout=settings.layout, images=settings.images,
        labels=plan.labels if plan else None,
        has_objects=_has_objects(settings, plan),
    )  # fmt: skip
    if settings.official:
        check_official(settings.official, truth)
    folders = (settings.predictions, *settings.compare)
    paired = pair_models(folders, truth, settings.truth, pattern=settings.files)
    judged = [_judge(settings, truth, one) for one in paired]
    boards = keep_common([one.board for one in judged])
    warnings = tuple(word for one in judged for word in one.board.warnings)
    boards[0] = replace(boards[0], warnings=warnings, notes=(*truth.notes, *boards[0].notes))
    judged = [one.keeping(board) for one, board in zip(judged, boards, strict=True)]
    judged = [_officially(settings, truth, one) for one in judged]
    _write(settings, truth, judged)
    words = [
        f"{one.board.model}: {one.objects.tallies.text}".removeprefix(": ")
        for one in judged
        if one.objects
    ]
    words += say_official(_outcomes(judged)) if settings.official else []
    words += said_trust([(one.board.model, one.trust) for one in judged if one.trust])
    words += [*say_rivals(boards), f"Page: {settings.out / 'report.html'}"]
    return replace(boards[0], notes=(*boards[0].notes, *words))


def _officially(settings: EvaluateSettings, truth: Truth, one: Judged) -> Judged:
    if settings.official is None or not one.board.cases:
        return one
    files = {case: one.paired.files[case] for case in one.board.cases}
    limits = one.board.tolerances or one.board.tolerance_mm
    outcome = score_officially(settings.official, truth, files, tolerance_mm=limits)
    return replace(one, official=outcome)


def _outcomes(judged: Sequence[Judged]) -> dict[str, Outcome]:
    return {one.board.model: one.official for one in judged if one.official}


def _has_objects(settings: EvaluateSettings, plan: Plan | None) -> bool | None:
    if settings.task == "auto":
        return None if plan is None else plan.task == "instances"
    return settings.task == "instances"


def _judge(settings: EvaluateSettings, truth: Truth, paired: Paired) -> Judged:
    objects, trust = None, None
    if truth.has_objects:
        objects = score_objects(truth, paired.files, model=paired.model, jobs=settings.jobs)
        board = objects.board
    else:
        board = score_regions(truth, paired.files, _region_settings(settings), model=paired.model)
        scored = {case: paired.files[case] for case in board.cases}
        trust = measure_trust(truth, scored)
    board = replace(
        board,
        failures=(*paired.failures, *board.failures),
        notes=(*paired.notes, *board.notes),
        warnings=tuple(_seen(settings, paired, board.cases)),
    )
    return Judged(paired=paired, board=board, objects=objects, trust=trust)


def _region_settings(settings: EvaluateSettings) -> RegionSettings:
    return RegionSettings(
        tolerance_mm=settings.tolerance_mm, has_truth_ids=settings.truth_ids,
        tolerances=read_tolerances(settings.tolerances),
        resample=settings.resample, jobs=settings.jobs, convention=settings.convention,
        metrics=_metrics(settings),
    )  # fmt: skip


def _metrics(settings: EvaluateSettings) -> tuple[str, ...]:
    known = metrics_of(settings.convention)
    if settings.metrics == "usual":
        return tuple(name for name in METRICS if name in known)
    if settings.metrics == "all":
        return tuple(known)
    names = [name.strip() for name in settings.metrics.split(",")]
    for name in names:
        pick(known, name, what=f"metric of the convention {settings.convention}")
    return tuple(dict.fromkeys(["dice", *names]))  # pictures are chosen by Dice


def _seen(settings: EvaluateSettings, paired: Paired, cases: Sequence[str]) -> list[str]:
    """Warn if a model was trained on what it is judged by, as far as files tell."""
    is_first = paired.folder == settings.predictions
    trained = training_cases(settings.run) if settings.run and is_first else frozenset()
    leaks = set(find_leaks(trained, {case: () for case in cases}))
    folder = paired.folder if paired.folder.is_dir() else paired.folder.parent
    for row in Ledger(folder).cases.values():  # what `predict` noted beside its files
        if row.get("provenance", {}).get(MARK):
            leaks |= {case for case in cases if paired.files[case].name in row.get("files", ())}
    if not leaks:
        return []
    model = paired.model or (settings.run.name if settings.run else "that predicted")
    return [warn_of_leaks(sorted(leaks), len(cases), model)]


def _write(settings: EvaluateSettings, truth: Truth, judged: Sequence[Judged]) -> None:
    first = judged[0]
    boards, objects = [one.board for one in judged], first.objects
    facts = {**first.board.to_dict(), **describe_rivals(boards)}
    for one, rival in zip(judged[1:], facts.get("compared", []), strict=True):
        rival |= {"mistakes": one.objects.tallies.to_dict()} if one.objects else {}
    if first.official:
        facts["official"] = {name: asdict(one) for name, one in _outcomes(judged).items()}
    if first.trust:
        facts["probabilities"] = first.trust.to_dict()
    if objects:
        facts["mistakes"] = objects.tallies.to_dict()
        write_text(settings.out / "mistakes.csv", list_mistakes(objects.mistakes, objects.names))
    write_text(settings.out / "scores.csv", write_rows(boards))
    text = json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(settings.out / "summary.json", text + "\n")
    files, number = first.paired.files, settings.pictures
    history = read_facts(settings.run, "history.json", []) if settings.run else []
    names = dict.fromkeys(name for row in history for name in row)
    write_report(
        first.board,
        settings.out / "report.html",
        title=settings.title or _title(settings, boards),
        others=boards[1:],
        overlays=_draw(settings, truth, judged),
        tallies=objects.tallies if objects else None,
        spots=draw_spots(objects, truth, files) if objects and number else (),
        curves={name: [row.get(name, np.nan) for row in history] for name in names} or None,
        plan=_plan(settings.run),
        environment=describe_environment(settings.run),
        further=_further(judged, boards),
    )


def _further(judged: Sequence[Judged], boards: Sequence[Scoreboard]) -> list[tuple[str, str]]:
    trusts = [
        (f"Can the probabilities of {one.board.model or 'the model'} be trusted?", one.trust)
        for one in judged
    ]
    parts = [(heading, trust.to_html()) for heading, trust in trusts if trust]
    outcomes = _outcomes(judged)
    challenge = [("As the challenge scores it", official_section(outcomes))] if outcomes else []
    return [*challenge, *further_sections(boards), *parts]


def _title(settings: EvaluateSettings, boards: Sequence[Scoreboard]) -> str:
    others = ", ".join(board.model for board in boards[1:])
    named = boards[0].model or settings.predictions.name
    return f"Evaluation of {named} beside {others}" if others else f"Evaluation of {named}"


def _draw(settings: EvaluateSettings, truth: Truth, judged: Sequence[Judged]) -> list[Picture]:
    """Draw the first model's chosen cases, and the same cases of the others below each."""
    first, number = judged[0], settings.pictures
    if first.objects:
        return draw_objects(first.objects, truth, first.paired.files, number)
    entries = [(one.board, one.paired.files) for one in judged]
    return draw_regions(entries, truth, number, _region_settings(settings))


def _plan(run: Path | None) -> Plan | None:
    return Plan.load(run / "plan.yaml") if run and (run / "plan.yaml").exists() else None
