"""Regions beside the truth: scores and pictures of both, for `evaluate`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from delineate.core.crew import share_out
from delineate.core.errors import DatasetError, pick
from delineate.core.geometry import Geometry
from delineate.core.progress import track
from delineate.metrics import (
    METRICS,
    Convention,
    Failure,
    Metric,
    Row,
    Scoreboard,
    metrics_of,
    score_case,
)
from delineate.pairing import fail, named
from delineate.pictures import Picture, choose_cases, draw_case
from delineate.said import mask_of, read_answer
from delineate.truth import Truth


@dataclass(frozen=True, kw_only=True)
class RegionSettings:
    """How regions are scored."""

    tolerance_mm: float | None = None
    """Tolerance of the surface Dice; None takes one voxel's shortest side."""
    tolerances: Mapping[str, float] = field(default_factory=dict)
    """Tolerance of single classes by name, in mm."""
    has_truth_ids: bool = False
    """Whether predictions of nested regions hold the truth's ids."""
    resample: bool = False
    """Whether predictions on another grid are brought onto the truth's."""
    jobs: int | None = None
    """Processes at most; None takes all cores."""
    convention: Convention = "delineate"
    """Whose numbers to give."""
    metrics: tuple[str, ...] = tuple(METRICS)
    """Which of that convention's metrics."""

    @property
    def table(self) -> dict[str, Metric]:
        """The chosen metrics; made from names, since functions do not travel to processes."""
        known = metrics_of(self.convention)
        return {name: known[name] for name in self.metrics}


@dataclass(frozen=True, kw_only=True)
class Marked:
    """What came of one case."""

    rows: tuple[Row, ...] = ()
    """A row per class; none if it failed."""
    failure: Failure | None = None
    """Why it could not be scored."""
    is_resampled: bool = False
    """Whether its prediction lay on another grid."""
    named: frozenset[str] | None = None
    """Classes that its prediction names; None where files hold numbers without names."""
    remarks: tuple[str, ...] = ()
    """What a reader of the scores must know of its prediction."""


@dataclass(frozen=True, kw_only=True)
class Marker:
    """Scores one case after another; a value, so that other processes can do so, too."""

    truth: Truth
    """What is so."""
    files: Mapping[str, Path]
    """Prediction by case."""
    tolerance_mm: float
    """Tolerance of the surface Dice."""
    is_physical: bool
    """Whether distances are in mm."""
    settings: RegionSettings
    """How to score."""

    def __call__(self, case: str) -> Marked:
        """Read a case's masks and measure them.

        Args:
            case: Its id.

        Returns:
            Its rows, or why there are none.
        """
        try:
            return self._mark(case)
        except Exception as error:  # one bad case must not end the others' evaluation
            return Marked(failure=fail(case, error))

    def _mark(self, case: str) -> Marked:
        answer = self.truth.open(case)
        mask = mask_of(answer, case)
        if self.is_physical and not mask.geometry.is_physical:
            raise DatasetError(
                f"The truth of {case} knows no millimetres, while others do. "
                "Repair its header, or evaluate it apart."
            )
        said = read_answer(self.truth, case, self.files[case], resample=self.settings.resample)
        rows = score_case(
            said.mask, mask, self.truth.labels, self.settings.table, case=case,
            patient=self.truth.patients[case],
            tolerance_mm=each_tolerance(self.truth, self.settings, self.tolerance_mm),
            has_truth_ids=self.settings.has_truth_ids,
        )  # fmt: skip
        return Marked(
            rows=rows, is_resampled=said.is_resampled, named=said.named, remarks=said.remarks
        )


def score_regions(
    truth: Truth, files: Mapping[str, Path], settings: RegionSettings, *, model: str = ""
) -> Scoreboard:
    """Score masks against masks, case by case, on all cores.

    Args:
        truth: What is so.
        files: Prediction by case.
        settings: How to score.
        model: Whose predictions these are.

    Returns:
        The scores; `failures` names the cases that could not be scored.
    """
    each_tolerance(truth, settings, 1.0)  # refuses unknown classes before anything is read
    grids, failures = _grids(truth, list(files))
    is_physical = any(grid.is_physical for grid in grids.values())
    tolerance = settings.tolerance_mm
    tolerance = _one_voxel(list(grids.values())) if tolerance is None else tolerance
    marker = Marker(
        truth=truth, files={case: files[case] for case in grids}, tolerance_mm=tolerance,
        is_physical=is_physical, settings=settings,
    )  # fmt: skip
    rows: list[Row] = []
    done: dict[str, Marked] = {}
    what = f"scoring {model}".strip()
    answers = share_out(marker, list(grids), jobs=settings.jobs)
    for case, marked in zip(grids, track(answers, what, len(grids)), strict=True):
        rows += marked.rows
        failures += [marked.failure] if marked.failure else []
        done[case] = marked
    notes = [*_without_number(rows, settings.table), *_remarks(done, truth)]
    return Scoreboard(
        rows=tuple(rows), metrics=settings.table, unit="mm" if is_physical else "px",
        tolerance_mm=tolerance, failures=tuple(failures), notes=tuple(notes),
        tolerances=each_tolerance(truth, settings, tolerance) if settings.tolerances else {},
        model=model, convention=settings.convention,
    )  # fmt: skip


def read_tolerances(text: str | None) -> dict[str, float]:
    """Read tolerances of single classes.

    Args:
        text: Such as "liver=3,tumour=1.5"; None or nothing for none.

    Returns:
        Tolerance in mm by the class's name.

    Raises:
        DatasetError: If it is no such list.
    """
    found = {}
    for part in text.split(",") if text else ():
        name, _, value = (word.strip() for word in part.rpartition("="))
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = -1.0
        if not (name and 0 <= found[name] < float("inf")):
            raise DatasetError(
                f"tolerances must be a list such as liver=3,tumour=1.5, in mm, not {text!r}. "
                "Give each class a number of at least 0."
            )
    return found


def each_tolerance(truth: Truth, settings: RegionSettings, otherwise: float) -> dict[str, float]:
    """Give every class its tolerance.

    Args:
        truth: What is so, whose classes count.
        settings: How to score.
        otherwise: Tolerance of classes that none is given for, in mm.

    Returns:
        Tolerance in mm by the class's name.

    Raises:
        UnknownNameError: If a tolerance is of no class.
    """
    known = dict.fromkeys(truth.labels.names, otherwise)
    for name in settings.tolerances:
        pick(known, name, what="class")
    return known | dict(settings.tolerances)


def _remarks(done: Mapping[str, Marked], truth: Truth) -> Iterator[str]:
    """Say what was done to predictions, and what they lack."""
    resampled = [case for case, marked in done.items() if marked.is_resampled]
    if resampled:
        yield (
            f"{len(resampled)} predictions lay on another grid and were resampled onto the "
            f"truth's, each voxel taking the nearest label: {named(resampled)}."
        )
    told = dict.fromkeys(remark for marked in done.values() for remark in marked.remarks)
    for remark in told:
        cases = [case for case, marked in done.items() if remark in marked.remarks]
        yield f"{remark.removesuffix('.')} (in {named(cases)})."
    names = [marked.named for marked in done.values() if marked.named is not None]
    lost = sorted(set(truth.labels.names) - frozenset().union(*names)) if names else []
    if lost:
        yield (
            f"No SEG or RTSTRUCT of a prediction names {named(lost)}, which therefore counts as "
            "missed wherever the truth has it. If it goes by another name there, use the truth's."
        )


def _without_number(rows: Sequence[Row], metrics: Mapping[str, Metric]) -> Iterator[str]:
    """Say what a mean leaves out, since a value that is not there cannot be bad."""
    for name, metric in metrics.items():
        lost = [row for row in rows if row.status != "absent" and not np.isfinite(row.values[name])]
        if lost:
            cases = named(sorted({row.case for row in lost}))
            yield (
                f"{metric.title} has no finite value for {len(lost)} missed or spurious "
                f"structures, which are in no mean of it: {cases}."
            )


def draw_regions(
    entries: Sequence[tuple[Scoreboard, Mapping[str, Path]]], truth: Truth, number: int,
    settings: RegionSettings,
) -> list[Picture]:  # fmt: skip
    """Draw the first model's worst, median and best case by mean Dice, of each model.

    Args:
        entries: Scores and files of each model, of the same cases.
        truth: What is so.
        number: How many cases at most.
        settings: How they were scored.

    Returns:
        The pictures; each case's stand together.
    """
    board = entries[0][0]
    means = [dict(zip(one.cases, _means(one), strict=True)) for one, _ in entries]
    chosen = choose_cases(board.cases, board.values("dice"), number)
    pictures = []
    for case, caption in track(chosen.items(), "drawing", len(chosen)):
        answer = truth.open(case)
        mask, image = mask_of(answer, case), answer.image
        for place, (one, files) in enumerate(entries):
            said = read_answer(truth, case, files[case], resample=settings.resample).mask
            words = caption if place == 0 else f"mean Dice {means[place][case]:.3f}"
            words = f"{one.model} · {words}" if one.model else words
            png = draw_case(said, mask, truth.labels, image=image)
            pictures.append(Picture(case=case, caption=words, data=png))
    return pictures


def _means(board: Scoreboard) -> list[float]:
    grid = board.values("dice")
    return [float(np.nanmean(row)) if np.isfinite(row).any() else np.nan for row in grid]


def _grids(truth: Truth, cases: Sequence[str]) -> tuple[dict[str, Geometry], list[Failure]]:
    grids: dict[str, Geometry] = {}
    failures = []
    for case in cases:
        try:
            grids[case] = truth.open(case).geometry
        except Exception as error:  # named, and the others go on
            failures.append(fail(case, error))
    return grids, failures


def _one_voxel(grids: Sequence[Geometry]) -> float:
    sides = [min(grid.spacing_mm) for grid in grids]
    return float(f"{np.median(sides):.3g}") if sides else 1.0
