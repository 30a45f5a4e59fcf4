"""Several models on the same cases: how much each differs from the first, and side by side."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from html import escape
from typing import Any

import numpy as np

from delineate.metrics import ALL_CLASSES, Scoreboard
from delineate.metrics.scoreboard import ALL_TYPES
from delineate.metrics.statistics import compare
from delineate.metrics.summary import bootstrap
from delineate.tables import said_interval, said_number

DIFFERENCE_POLICY = (
    "Differences: the other model minus the first, case by case, averaged over the cases that both "
    "have a value for; 95 % percentile bootstrap over patients. An interval that holds 0 does not "
    "tell which is better. p: Wilcoxon's signed-rank test on patients' mean differences, corrected "
    "after Holm for all classes and metrics of the pair of models."
)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much another model's mean lies above the first's, by the same cases."""

    model: str
    """The other model."""
    label: str
    """The class, or all classes."""
    metric: str
    """Row of `METRICS`."""
    mean: float
    """Mean of the differences; nan without a common value."""
    low: float
    """Lower end of the 95 % interval; nan with fewer than two patients."""
    high: float
    """Upper end of the 95 % interval; nan with fewer than two patients."""
    num_cases: int
    """Cases with a value of both."""
    p_wilcoxon: float = float("nan")
    """Two-sided p of the signed-rank test on patients, corrected for all classes and metrics after
    Holm; nan for all classes together."""


def compare_boards(first: Scoreboard, other: Scoreboard) -> list[Difference]:
    """Compare two models case by case, each class and then all of them.

    Args:
        first: Scores of the first model.
        other: Scores of another one, of the same cases, classes and metrics.

    Returns:
        A difference for each class, and for all of them, by each metric.
    """
    tested = compare(first, other, num_resamples=first.num_resamples, seed=first.seed)
    found = [
        Difference(
            model=other.model,
            label=row.label,
            metric=row.metric,
            mean=row.difference,
            low=row.low,
            high=row.high,
            num_cases=row.num_pairs,
            p_wilcoxon=row.holm_wilcoxon,
        )
        for row in tested.rows
    ]
    return found + (_of_all_classes(first, other) if len(_joint(first)) > 1 else [])


def _joint(board: Scoreboard) -> tuple[str, ...]:
    return board.labels[1:] if board.has_objects else board.labels


def _of_all_classes(first: Scoreboard, other: Scoreboard) -> list[Difference]:
    """Compare means over classes, for which a test on single classes does not stand."""
    columns = [first.labels.index(name) for name in _joint(first)]
    found = []
    for metric in first.metrics:
        gaps = (other.values(metric) - first.values(metric))[:, columns]
        gap = bootstrap(gaps, first.patients, num_resamples=first.num_resamples, seed=first.seed)
        found.append(
            Difference(
                model=other.model,
                label=ALL_TYPES if first.has_objects else ALL_CLASSES,
                metric=metric,
                mean=gap.mean,
                low=gap.low,
                high=gap.high,
                num_cases=int(np.isfinite(gaps).any(axis=1).sum()),
            )
        )
    return found


def keep_common(boards: Sequence[Scoreboard]) -> list[Scoreboard]:
    """Leave out the cases that could not be scored for one of the models.

    Args:
        boards: Scores of each model.

    Returns:
        The same, all of the same cases; the first knows the failures of all.
    """
    if len(boards) == 1:
        return list(boards)
    common = set.intersection(*(set(board.cases) for board in boards))
    kept = [
        replace(
            board,
            rows=tuple(row for row in board.rows if row.case in common),
            tissues={case: word for case, word in board.tissues.items() if case in common},
        )
        for board in boards
    ]
    failures = [
        replace(failure, reason=f"{board.model}: {failure.reason}")
        for board in boards
        for failure in board.failures
    ]
    return [replace(kept[0], failures=tuple(failures)), *kept[1:]]


def describe_rivals(boards: Sequence[Scoreboard]) -> dict[str, Any]:
    """Turn the scores of the other models and their differences into plain values.

    Args:
        boards: Scores of each model, the first first.

    Returns:
        What `summary.json` holds besides the first model; empty if there is but one.
    """
    if len(boards) == 1:
        return {}
    gaps = [gap for other in boards[1:] for gap in compare_boards(boards[0], other)]
    return {
        "compared": [board.to_dict() for board in boards[1:]],
        "difference_policy": DIFFERENCE_POLICY,
        "differences": [
            {
                key: None if isinstance(value, float) and not np.isfinite(value) else value
                for key, value in asdict(gap).items()
            }
            for gap in gaps
        ],
    }


def say_rivals(boards: Sequence[Scoreboard]) -> list[str]:
    """Say of each other model how it does by the first metric.

    Args:
        boards: Scores of each model, the first first.

    Returns:
        A sentence for each other model.
    """
    first = boards[0]
    if len(boards) == 1 or not first.rows:
        return []
    metric = "aji" if first.has_objects else next(iter(first.metrics))
    whole = first.find(ALL_CLASSES, metric)
    words = []
    for other in boards[1:]:
        found = other.find(ALL_CLASSES, metric)
        gap = next(
            gap
            for gap in compare_boards(first, other)
            if (gap.label, gap.metric) == (whole.label, metric)
        )
        words.append(
            f"{first.title(metric)} of {other.model}: {said_number(found.mean, metric)} where "
            f"{first.model} has {said_number(whole.mean, metric)}; difference "
            f"{_said_gap(gap)}."
        )
    return words


def rival_table(boards: Sequence[Scoreboard]) -> str:
    """Lay models out side by side, by class and metric, with their differences.

    Args:
        boards: Scores of each model, the first first.

    Returns:
        HTML; empty if there is but one model or no case.
    """
    if len(boards) == 1 or not boards[0].rows:
        return ""
    first = boards[0]
    gaps = {
        (gap.model, gap.label, gap.metric): gap
        for other in boards[1:]
        for gap in compare_boards(first, other)
    }
    head = "".join(f"<th>{escape(board.model)}</th>" for board in boards)
    head += "".join(
        f"<th>{escape(other.model)} − {escape(first.model)}</th>" for other in boards[1:]
    )
    lines = []
    for label in dict.fromkeys(entry.label for entry in first.summary):
        for metric in first.metrics:
            found = [board.find(label, metric) for board in boards]
            cells = "".join(
                f"<td>{said_number(one.mean, metric)}<br><small>{said_interval(one)}</small></td>"
                for one in found
            )
            known = [gaps.get((other.model, label, metric)) for other in boards[1:]]
            cells += "".join(f"<td>{_said_gap(gap) if gap else '–'}</td>" for gap in known)
            kind = "total" if label == first.overall else ""
            name = f"{escape(label)} · {escape(first.title(metric))}"
            lines.append(f'<tr class="{kind}"><td>{name}</td>{cells}</tr>')
    return (
        f'<div class="wide"><table><tr><th>Class and metric</th>{head}</tr>{"".join(lines)}</table>'
        f'</div><p class="faint">Means with their 95 % intervals over the same '
        f"{len(first.cases)} cases. {escape(DIFFERENCE_POLICY)}</p>"
    )


def _said_gap(gap: Difference) -> str:
    def said(value: float) -> str:
        sign = "+" if value >= 0 else "−"
        return f"{sign}{said_number(abs(value), gap.metric)}"

    if np.isnan(gap.mean):
        return "–"
    if np.isnan(gap.low):
        return said(gap.mean)
    chance = "" if np.isnan(gap.p_wilcoxon) else f", p {gap.p_wilcoxon:.2g}"
    return f"{said(gap.mean)} ({said(gap.low)} to {said(gap.high)}{chance})"
