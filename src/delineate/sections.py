"""Further parts of the page: volumes, models beside each other, change from day to day."""

import os
import platform
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from delineate.diagrams import draw_agreement, draw_drift, draw_models
from delineate.infer.leaks import read_facts
from delineate.metrics import Scoreboard

DAY = re.compile(r"(?:^|[_\-. ])(?:day|visit|session|ses|time)[_\-]?(\d+)", re.IGNORECASE)
"""Where a case's name says when it was taken."""


def further_sections(boards: Sequence[Scoreboard]) -> list[tuple[str, str]]:
    """Lay out what the scores of regions tell besides their means.

    Args:
        boards: Scores of each model, the first first.

    Returns:
        Headings and HTML; only those that there is something to show for.
    """
    if not boards[0].rows:
        return []
    found = [
        ("Models, case by case", _models(boards)),
        ("Volumes", "" if boards[0].has_objects else _volumes(boards)),
        ("From day to day", _days(boards[0])),
    ]
    return [(heading, content) for heading, content in found if content]


def _models(boards: Sequence[Scoreboard]) -> str:
    if len(boards) == 1:
        return ""
    named = {board.model: board for board in boards}
    figures = [
        (f"{boards[0].title(metric)} of each model", draw_models(named, metric))
        for metric in boards[0].metrics
    ]
    return _plots(figures) + (
        '<p class="faint">A box holds the middle half of the cases with a value, its line is their '
        "median; missed and spurious structures count with their worst value.</p>"
    )


def _volumes(boards: Sequence[Scoreboard]) -> str:
    """Draw predicted against true volumes, a figure a class and model."""
    figures = []
    for board in boards:
        for label in board.labels:
            rows = [row for row in board.rows if row.label == label and row.status != "absent"]
            said = np.array([row.prediction_ml for row in rows])
            so = np.array([row.truth_ml for row in rows])
            if np.isfinite(said).any():
                name = f"{board.model} · {label}" if board.model else label
                figures.append((f"Volume of {name}", draw_agreement(said, so, unit="mL")))
    if not figures:
        return ""
    return _plots(figures) + (
        '<p class="faint">After Bland and Altman: a point is a case that has the structure in the '
        "truth or in the prediction; missed and spurious ones count with a volume of 0. Between "
        "the dashed lines lie 95 % of the differences, if these are normal.</p>"
    )


def _days(board: Scoreboard) -> str:
    """Draw volumes, or else the first metric, against the day that cases' names tell."""
    has_volumes = any(np.isfinite(row.prediction_ml) for row in board.rows)
    what = "predicted volume (mL)" if has_volumes else board.title(next(iter(board.metrics)))
    figures = []
    for label in board.labels:
        series = _series(board, label, has_volumes=has_volumes)
        if series:
            drawing = draw_drift(series, what=f"{label}: {what}")
            figures.append((f"{label} from day to day", drawing))
    if not figures:
        return ""
    return _plots(figures) + (
        '<p class="faint">A line is a patient with cases of several days; cases of one day are '
        "averaged. Days are taken from the cases' names.</p>"
    )


def _series(
    board: Scoreboard, label: str, *, has_volumes: bool
) -> dict[str, list[tuple[float, float]]]:
    """Average a class's values of each day, of the patients that have several days."""
    metric = next(iter(board.metrics))
    values: dict[tuple[str, float], list[float]] = defaultdict(list)
    for row in board.rows:
        found = DAY.search(row.case)
        value = row.prediction_ml if has_volumes else row.values[metric]
        if row.label == label and found and np.isfinite(value):
            values[row.patient, float(found[1])].append(value)
    series: dict[str, list[tuple[float, float]]] = {}
    for (patient, day), of_day in values.items():
        series.setdefault(patient, []).append((day, float(np.mean(of_day))))
    return {patient: points for patient, points in series.items() if len(points) > 1}


def _plots(figures: Sequence[tuple[str, str]]) -> str:
    parts = "".join(
        f'<figure><figcaption><b>{escape(name)}</b></figcaption><img alt="{escape(name)}" '
        f'src="{source}"></figure>'
        for name, source in figures
    )
    return f'<div class="plots">{parts}</div>'


def describe_environment(run: Path | None) -> dict[str, str]:
    """Say when, by which versions and on what machine scores were computed.

    Args:
        run: Folder of the run that predicted, whose training environment is told, too.

    Returns:
        Facts by name.
    """
    training: Mapping[str, Any] = {}
    if run:
        training = read_facts(run, "run.json", {}).get("environment", {})
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
