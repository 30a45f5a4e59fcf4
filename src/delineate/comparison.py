"""Objects beside the truth: scores, mistakes and pictures of both, for `evaluate`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from delineate.core.crew import share_out
from delineate.core.errors import DatasetError
from delineate.core.instances import UNTYPED, Instances
from delineate.core.labels import LabelTable
from delineate.core.progress import track
from delineate.datasets.masks import OBJECT_ENDINGS
from delineate.datasets.objects import NUCLEUS
from delineate.fields import Field, describe_spot, draw_field, draw_spot
from delineate.metrics import Failure, Row, Scoreboard
from delineate.metrics.mistakes import Mistakes, find_mistakes, worst_spots
from delineate.metrics.nuclei import OBJECT_METRICS, score_instances
from delineate.metrics.tally import Tallies
from delineate.pairing import fail
from delineate.pictures import Picture, choose_cases
from delineate.readers import read_instances
from delineate.truth import Answer, Truth

UM_PER_MM = 1000.0


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectScores:
    """What evaluating objects found."""

    board: Scoreboard
    """Scores of every case, of all objects and of each type, and the cases that failed."""
    mistakes: Mapping[str, Mistakes]
    """What became of every object, by case."""
    names: Mapping[int, str]
    """Name of each type by its label id."""

    @property
    def tallies(self) -> Tallies:
        """The mistakes of all cases, counted."""
        return Tallies.of(list(self.mistakes.values()), self.names)


def score_objects(
    truth: Truth, matched: Mapping[str, Path], *, model: str = "", jobs: int | None = None
) -> ObjectScores:
    """Score objects against objects, case by case, on all cores.

    Types are compared where truth and prediction name the same ones.

    Args:
        truth: What is so.
        matched: File of the prediction by case.
        model: Whose predictions these are.
        jobs: Processes at most; None takes all cores.

    Returns:
        Scores and mistakes; a case with an error is in neither, but among the failures.
    """
    rows: list[Row] = []
    mistakes: dict[str, Mistakes] = {}
    tissues: dict[str, str] = {}
    failures: list[Failure] = []
    untyped = []
    marker = ObjectMarker(truth=truth, files=matched)
    answers = share_out(marker, list(matched), jobs=jobs)
    for case, marked in zip(
        matched, track(answers, f"scoring {model}".strip(), len(matched)), strict=True
    ):
        if marked.failure or marked.mistakes is None:
            failures += [marked.failure] if marked.failure else []
            continue
        rows += marked.rows
        mistakes[case] = marked.mistakes
        tissues |= {case: marked.tissue} if marked.tissue else {}
        untyped += [] if marked.is_typed else [case]
    is_typed = len(truth.labels.labels) > 1 and len(untyped) < len(mistakes)
    board = Scoreboard(
        rows=tuple(rows), metrics=OBJECT_METRICS, tolerance_mm=0.0, tissues=tissues, model=model,
        failures=tuple(failures), notes=tuple(_notes(truth, untyped)),
    )  # fmt: skip
    return ObjectScores(
        board=board, mistakes=mistakes,
        names={label.id: label.name for label in truth.labels.labels} if is_typed else {},
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class MarkedObjects:
    """What came of one case."""

    rows: tuple[Row, ...] = ()
    """A row of all objects, and of each type."""
    mistakes: Mistakes | None = None
    """What became of every object."""
    tissue: str | None = None
    """What it shows, if that is known."""
    is_typed: bool = False
    """Whether types were compared."""
    failure: Failure | None = None
    """Why it could not be scored."""


@dataclass(frozen=True, kw_only=True)
class ObjectMarker:
    """Scores one case after another; a value, so that other processes can do so, too."""

    truth: Truth
    """What is so."""
    files: Mapping[str, Path]
    """Prediction by case."""

    def __call__(self, case: str) -> MarkedObjects:
        """Read a case's objects, measure them and find the mistakes.

        Args:
            case: Its id.

        Returns:
            Its rows and mistakes, or why there are none.
        """
        try:
            answer = self.truth.open(case)
            said, pixel_um, is_typed = _prediction(self.files[case], answer, self.truth.labels)
            true = _objects(answer, case)
            labels = self.truth.labels if is_typed else NUCLEUS
            rows = score_instances(
                said, true, labels, case=case, patient=self.truth.patients[case],
                pixel_um=pixel_um,
            )  # fmt: skip
            return MarkedObjects(
                rows=tuple(rows), mistakes=find_mistakes(said, true, pixel_um=pixel_um),
                tissue=answer.tissue, is_typed=is_typed,
            )  # fmt: skip
        except Exception as error:  # one bad case must not end the others' evaluation
            return MarkedObjects(failure=fail(case, error))


def draw_objects(
    scores: ObjectScores, truth: Truth, matched: Mapping[str, Path], number: int
) -> list[Picture]:
    """Draw the worst, the median and the best case by AJI.

    Args:
        scores: What was found.
        truth: What is so.
        matched: File of the prediction by case.
        number: How many cases at most.

    Returns:
        The pictures.
    """
    board = scores.board
    if not board.rows:
        return []
    values = board.values("aji")[:, [board.labels.index(board.overall)]]
    chosen = choose_cases(board.cases, values, number, name="AJI")
    return [
        Picture(case=case, caption=caption, data=draw_field(_field(scores, truth, matched, case)))
        for case, caption in track(chosen.items(), "drawing", len(chosen))
    ]


def draw_spots(
    scores: ObjectScores, truth: Truth, matched: Mapping[str, Path], number: int = 12
) -> list[Picture]:
    """Draw the places with most mistakes, truth beside prediction.

    Args:
        scores: What was found.
        truth: What is so.
        matched: File of the prediction by case.
        number: How many places at most.

    Returns:
        The pictures, most mistakes first.
    """
    cases = list(scores.mistakes)
    spots = worst_spots(list(scores.mistakes.values()), number=number)
    pictures: dict[int, Picture] = {}
    for place in sorted({spot[0] for spot in spots}):  # each case is opened once
        field = _field(scores, truth, matched, cases[place])
        for rank, (owner, top, left, side) in enumerate(spots):
            if owner == place:
                caption = describe_spot(field, top, left, side)
                data = draw_spot(field, top, left, side)
                pictures[rank] = Picture(case=cases[place], caption=caption, data=data)
    return [pictures[rank] for rank in sorted(pictures)]


def _field(scores: ObjectScores, truth: Truth, matched: Mapping[str, Path], case: str) -> Field:
    answer = truth.open(case)
    return Field(
        truth=_objects(answer, case),
        prediction=_prediction(matched[case], answer, truth.labels)[0],
        mistakes=scores.mistakes[case],
        picture=answer.image.array if answer.image else None,
    )


def read_both(truth: Truth, case: str, path: Path) -> tuple[Instances, Instances]:
    """Read a case's objects.

    Args:
        truth: What is so.
        case: The case's id.
        path: File of the prediction.

    Returns:
        True and predicted objects, on one grid.
    """
    answer = truth.open(case)
    return _objects(answer, case), _prediction(path, answer, truth.labels)[0]


def _prediction(
    path: Path, answer: Answer, labels: LabelTable
) -> tuple[Instances, float | None, bool]:
    """Read predicted objects: with the truth's types, micrometres to a pixel, whether typed."""
    said, table, geometry = read_instances(path)
    said = _widen(said, answer.geometry.shape) if _is_list(path) else said
    known = next((grid for grid in (answer.geometry, geometry) if grid.is_physical), None)
    pixel_um = known.spacing_mm[-1] * UM_PER_MM if known else None
    ids = {label.name.lower(): label.id for label in labels.labels}
    own = (
        {label.id: ids.get(label.name.lower(), UNTYPED) for label in table.labels} if table else {}
    )
    if len(ids) < 2 or not any(own.values()):
        return replace(said, types=np.zeros_like(said.types)), pixel_um, False
    types = [own.get(int(type), UNTYPED) for type in said.types]
    return replace(said, types=np.array(types, dtype=np.int16)), pixel_um, True


def _is_list(path: Path) -> bool:
    return path.name.lower().endswith(OBJECT_ENDINGS)


def _widen(said: Instances, shape: tuple[int, ...]) -> Instances:
    """Fill the grid of the truth: a list of outlines does not know where its picture ends."""
    missing = [whole - part for whole, part in zip(shape, said.ids.shape, strict=True)]
    if min(missing) < 0 or max(missing) == 0:
        return said
    return replace(said, ids=np.pad(said.ids, [(0, size) for size in missing]))


def _objects(answer: Answer, case: str) -> Instances:
    if answer.load_instances is None:
        raise DatasetError(f"The truth of {case} does not tell objects apart. Pass --task regions.")
    return answer.load_instances()


def _notes(truth: Truth, untyped: list[str]) -> list[str]:
    if len(truth.labels.labels) < 2 or not untyped:
        return []
    return [
        f"{len(untyped)} predictions name no type that the truth knows "
        f"({', '.join(truth.labels.names[:6])}), so types are not scored there."
    ]
