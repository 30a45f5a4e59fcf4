"""Scoreboards as a sheet of cases and as a table for a terminal."""

import csv
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from delineate.metrics.scoreboard import Scoreboard

CONVENTION = "voxel borders, max of directed 95th percentiles (as MONAI, Metrics Reloaded)"
OBJECT_CONVENTION = "AJI by best IoU (as MoNuSeg), PQ by IoU > 0.5, centres within 3 um or 12 px"


def write_rows(boards: "Sequence[Scoreboard]") -> str:
    """Write a line per case and class, and per model if there are several.

    Args:
        boards: Scores of one model or of several, by the same metrics and tolerance.

    Returns:
        CSV with a header; names of distance columns end with their unit, the NSD's with its
        tolerance, those of volumes with ml; cells of absent classes are empty.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    first = boards[0]
    names = list(first.metrics)
    has_models, has_volumes = len(boards) > 1, not first.has_objects
    convention = CONVENTION if first.convention == "delineate" else first.convention
    convention = OBJECT_CONVENTION if first.has_objects else convention
    volumes = ("truth_ml", "prediction_ml") if has_volumes else ()
    head = ["case", "patient", "label", "status", *(_column(name, first) for name in names)]
    writer.writerow([*(["model"] if has_models else []), *head, *volumes, "convention"])
    for board in boards:
        for row in board.rows:
            cells = [_cell(row.values[name]) for name in names]
            cells += [_cell(getattr(row, name)) for name in volumes]
            owner = [board.model] if has_models else []
            writer.writerow(
                [*owner, row.case, row.patient, row.label, row.status, *cells, convention]
            )
    return text.getvalue()


def write_summary(board: "Scoreboard") -> str:
    """Lay out means, intervals, medians and counts for a terminal, and what must be known.

    Args:
        board: The scores.

    Returns:
        Lines of equal columns, then the notes.
    """
    width = max([len("class"), *(len(_short(entry.label)) for entry in board.summary)])
    names = max([len("metric"), *(len(board.title(name)) for name in board.metrics)])
    head = (
        f"{'class':{width}}  {'metric':{names}}  {'mean':>6}  {'95 % interval':^15}  "
        f"{'median':>6}  scored missed spurious absent"
    )
    lines = [f"Warning: {sentence}" for sentence in board.warnings]
    lines += [head, "-" * len(head)]
    previous = None
    for entry in board.summary:
        label = "" if entry.label == previous else _short(entry.label)
        previous = entry.label
        interval = f"{_number(entry.low)} to {_number(entry.high)}"
        interval = "-" if math.isnan(entry.low) else interval
        lines.append(
            f"{label:{width}}  {board.title(entry.metric):{names}}  {_number(entry.mean):>6}  "
            f"{interval:^15}  {_number(entry.median):>6}  {entry.num_scored:6} "
            f"{entry.num_missed:6} {entry.num_spurious:8} {entry.num_absent:6}"
        )
    if board.convention != "delineate":
        lines.append(f"By the convention {board.convention}. {board.empty_policy}")
    lines.append(f"Cases: {len(board.cases)}; patients: {len(set(board.patients))}.")
    lines.extend(board.notes)
    if board.failures:
        lines.append(f"Not scored: {', '.join(failure.case for failure in board.failures)}.")
    return "\n".join(lines)


def _column(metric: str, board: "Scoreboard") -> str:
    if metric == "nsd":
        if board.tolerances:
            return "nsd"  # each class has its own tolerance, which summary.json tells
        return f"nsd_{board.tolerance_mm:.4g}{board.unit}"
    return f"{metric}_{board.unit}" if board.metrics[metric].unit == "mm" else metric


def _short(name: str, limit: int = 20) -> str:
    return name if len(name) <= limit else name[: limit - 1] + "…"


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}" if value < 10 else f"{value:.1f}"
