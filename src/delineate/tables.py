"""Scores, mistakes and plans as tables of HTML."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from typing import Any

from delineate.core.plan import Plan
from delineate.metrics import Row, Scoreboard, Summary
from delineate.metrics.tally import Tallies, Tally

MAX_ROWS = 500
"""Cases in the table of cases; the rest stand in scores.csv."""


def score_table(board: Scoreboard) -> str:
    """Lay out means, intervals, medians and counts of every class.

    Args:
        board: The scores.

    Returns:
        HTML.
    """
    head = "".join(f"<th>{escape(board.title(metric))}</th>" for metric in board.metrics)
    rows = []
    for label in dict.fromkeys(entry.label for entry in board.summary):
        entries = [entry for entry in board.summary if entry.label == label]
        cells = "".join(
            f"<td>{said_number(entry.mean, entry.metric)}<br>"
            f"<small>{said_interval(entry)}</small><br>"
            f"<small>median {said_number(entry.median, entry.metric)}</small></td>"
            for entry in entries
        )
        one = entries[0]
        bad = "".join(
            f'<td class="{"bad" if number else ""}">{number}</td>'
            for number in (one.num_missed, one.num_spurious)
        )
        counts = f"<td>{one.num_scored}</td>{bad}<td>{one.num_absent}</td>"
        kind = "total" if label == board.overall else ""
        rows.append(f'<tr class="{kind}"><td>{escape(label)}</td>{cells}{counts}</tr>')
    kind = "dense" if len(board.metrics) > 4 else ""
    return (
        f'<div class="wide"><table class="{kind}"><tr><th>Class</th>{head}<th>Scored</th>'
        f"<th>Missed</th><th>Spurious</th><th>Absent</th></tr>{''.join(rows)}</table></div>"
        '<p class="faint">Mean, 95 % interval and median over cases. Scored: both truth and '
        "prediction have the class; missed: only the truth; spurious: only the prediction; "
        "absent: neither, which has no value. Missed and spurious count with the worst value.</p>"
    )


def case_table(board: Scoreboard) -> str:
    """Lay out one metric of every case and class, the worst case first.

    Args:
        board: The scores.

    Returns:
        HTML; empty without a row.
    """
    if not board.rows:
        return ""
    metric = "aji" if board.has_objects else next(iter(board.metrics))
    cells: dict[str, dict[str, Row]] = {case: {} for case in board.cases}
    for row in board.rows:
        cells[row.case][row.label] = row
    sign = 1 if board.metrics[metric].better == "higher" else -1
    means = {
        case: _mean(
            [
                row.values[metric]
                for row in found.values()
                if not board.has_objects or row.label == board.overall
            ]
        )
        for case, found in cells.items()
    }
    order = sorted(cells, key=lambda case: (math.isnan(means[case]), sign * means[case]))
    has_mean = len(board.labels) > 1 and not board.has_objects
    lines = []
    for case in order[:MAX_ROWS]:
        columns = "".join(_case_cell(cells[case].get(label), metric) for label in board.labels)
        total = f"<td>{said_number(means[case], metric)}</td>" if has_mean else ""
        lines.append(f"<tr><td>{escape(case)}</td>{total}{columns}</tr>")
    head = "".join(f"<th>{escape(label)}</th>" for label in board.labels)
    total = "<th>Mean</th>" if has_mean else ""
    return (
        f"<details><summary>{escape(board.title(metric))} of {said_count(len(order), 'case')}, "
        f'worst first</summary><div class="wide"><table><tr><th>Case</th>{total}{head}</tr>'
        f'{"".join(lines)}</table></div><p class="faint">Every metric of every case stands in '
        f"scores.csv; this table ends after {MAX_ROWS} cases.</p></details>"
    )


def _case_cell(row: Row | None, metric: str) -> str:
    if row is None or row.status == "absent":
        return '<td><span class="faint">absent</span></td>'
    if row.status == "scored":
        return f"<td>{said_number(row.values[metric], metric)}</td>"
    return f'<td class="bad">{row.status}</td>'


def tissue_table(board: Scoreboard) -> str:
    """Lay out the means of every tissue.

    Args:
        board: The scores.

    Returns:
        HTML; empty where no case says what it shows.
    """
    table = board.by_tissue()
    if not table:
        return ""
    head = "".join(f"<th>{escape(board.title(metric))}</th>" for metric in board.metrics)
    whole = "all nuclei" if board.has_objects else board.overall
    rows = []
    for tissue, means in table.items():
        known = {name: math.nan if value is None else value for name, value in means.items()}
        cells = "".join(f"<td>{said_number(known[name], name)}</td>" for name in board.metrics)
        rows.append(f"<tr><td>{escape(tissue)}</td><td>{means['num_cases']}</td>{cells}</tr>")
    return (
        f'<div class="wide"><table><tr><th>Tissue</th><th>Cases</th>{head}</tr>{"".join(rows)}'
        "</table></div>"
        f'<p class="faint">Means over the cases of each tissue, of {escape(whole)}.</p>'
    )


def tally_table(tallies: Tallies) -> str:
    """Lay out how many nuclei became what, of all, by size and by type.

    Args:
        tallies: The counts.

    Returns:
        HTML.
    """
    kinds = ("matched", "merged", "split", "rough", "missed", "spurious")
    shown = (*kinds, "mistyped") if tallies.by_type else kinds
    head = "".join(f"<th>{name.capitalize()}</th>" for name in ("true", "predicted", *shown))
    rows = [_tally_row(tallies.total, shown, "total")]
    rows += [_tally_row(one, shown, "") for one in (*tallies.by_size, *tallies.by_type)]
    return (
        f'<div class="wide"><table><tr><th>Nuclei</th>{head}</tr>{"".join(rows)}</table></div>'
        '<p class="faint">Every true nucleus is counted once, from matched to missed; spurious '
        "ones are predictions. By size: thirds of the true nuclei.</p>"
    )


def _tally_row(tally: Tally, shown: Sequence[str], kind: str) -> str:
    counts = asdict(tally)
    cells = "".join(f"<td>{counts[name]}</td>" for name in ("num_true", "num_predicted", *shown))
    return f'<tr class="{kind}"><td>{escape(tally.name)}</td>{cells}</tr>'


def plan_table(plan: Plan) -> str:
    """Lay out every decision of a plan and its reason.

    Args:
        plan: The plan.

    Returns:
        HTML.
    """
    rows = []
    for name, reason in plan.reasons.items():
        value = "see plan.yaml" if name in ("folds", "fingerprint") else _said(getattr(plan, name))
        rows.append(
            f"<tr><td>{escape(name.replace('_', ' '))}</td><td>{escape(value)}</td>"
            f"<td>{escape(reason)}</td></tr>"
        )
    return (
        f'<p class="faint">Plan {plan.hash()} for {escape(plan.dataset)}: every decision and its '
        f'reason.</p><table class="text"><tr><th>Decision</th><th>Value</th><th>Why</th></tr>'
        f"{''.join(rows)}</table>"
    )


def environment_table(environment: Mapping[str, str]) -> str:
    """Lay out versions and machine.

    Args:
        environment: Text by name.

    Returns:
        HTML.
    """
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>"
        for name, value in environment.items()
    )
    return f'<table class="text">{rows}</table>'


def said_interval(entry: Summary) -> str:
    """Say the interval of a mean.

    Args:
        entry: The summary.

    Returns:
        Such as "0.71 to 0.83".
    """
    if math.isnan(entry.low):
        return "one patient" if entry.num_patients == 1 else "no value"
    return f"{said_number(entry.low, entry.metric)} to {said_number(entry.high, entry.metric)}"


def said_number(value: float, metric: str) -> str:
    """Say a score with as many digits as it deserves.

    Args:
        value: The score; nan becomes a dash.
        metric: Its name.

    Returns:
        The text.
    """
    if math.isnan(value):
        return "–"
    return f"{value:.2f}" if metric.startswith("hd") else f"{value:.3f}"


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if not math.isnan(value)]
    return sum(finite) / len(finite) if finite else math.nan


def said_count(number: int, noun: str) -> str:
    """Say a number of things.

    Args:
        number: How many.
        noun: One of them.

    Returns:
        Such as "1 case" or "2 cases".
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _said(value: Any) -> str:  # noqa: ANN401 - any field of a plan
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(entry)}" for name, entry in value.items())
    if isinstance(value, (list, tuple)):
        joint = " × " if all(isinstance(entry, (int, float)) for entry in value) else "; "
        return joint.join(_said(entry) for entry in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
