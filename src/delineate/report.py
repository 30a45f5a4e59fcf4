"""One self-contained page: what was measured, how sure it is, and what it looks like."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from delineate.core.files import write_text
from delineate.core.plan import Plan
from delineate.figures import draw_curves, draw_scores
from delineate.metrics import ALL_CLASSES, Row, Scoreboard, Summary
from delineate.metrics.summary import INTERVAL_POLICY
from delineate.pictures import Picture

MAX_ROWS = 500  # cases in the table of cases; the rest stand in scores.csv
STYLE = """
:root { color-scheme: light; --ink: #1d2733; --faint: #5c6875; --line: #d9dee4; --wash: #f5f7f9; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 24px 28px 60px; color: var(--ink);
  background: white; font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 26px; margin: 0 0 2px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 38px 0 10px; } p { margin: 6px 0; max-width: 78ch; }
.faint, figcaption, caption { color: var(--faint); font-size: 13.5px; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 18px 0; }
.tile { flex: 1 1 170px; border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; }
.tile b { display: block; font-size: 27px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.alarm { border: 1px solid #d4213d; border-left-width: 6px; border-radius: 6px; padding: 8px 16px;
  margin: 16px 0; background: #fdf3f4; overflow-wrap: anywhere; }
.note { border-left: 6px solid #3c78b4; background: var(--wash); padding: 6px 16px; margin: 12px 0;
  overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 4px 10px; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; background: var(--wash); }
td:first-child { min-width: 150px; }
th:first-child, td:first-child, .text td, .text th { text-align: left; overflow-wrap: anywhere; }
tr.total td { background: var(--wash); } td small { color: var(--faint); white-space: nowrap; }
.bad { color: #b3152f; font-weight: 600; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 14px; }
figure { margin: 0 0 18px; break-inside: avoid; } figcaption { overflow-wrap: anywhere; }
img { max-width: 100%; height: auto; display: block; }
summary { cursor: pointer; font-weight: 600; padding: 6px 0; }
@media print { body { max-width: none; padding: 0; font-size: 11px; } h2 { break-after: avoid; }
  tr { break-inside: avoid; } .wide { overflow: visible; } }
"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_report(
    scoreboard: Scoreboard,
    path: str | Path,
    *,
    title: str = "Evaluation",
    overlays: Sequence[Picture] = (),
    curves: Mapping[str, Sequence[float]] | None = None,
    plan: Plan | None = None,
    environment: Mapping[str, str] | None = None,
) -> Path:
    """Write everything that a reader needs to trust or doubt the scores into one HTML file.

    The page asks no other machine for anything and runs no script; it can be printed.

    Args:
        scoreboard: The scores.
        path: The .html file, written whole or not at all.
        title: What was evaluated.
        overlays: Drawn cases, such as the best, the median and the worst.
        curves: Series of the training run by name, as `figures.draw_curves` takes them.
        plan: What the model was trained by.
        environment: Versions and machine, by name.

    Returns:
        The path.
    """
    parts = (
        f"<h1>{escape(title)}</h1>",
        _opening(scoreboard),
        _warnings(scoreboard),
        _headline(scoreboard),
        _section("Scores", _score_table(scoreboard)),
        _section("Every case", _plots(scoreboard) if scoreboard.rows else ""),
        _section("Cases to look at", _overlays(overlays)),
        _section("Table of cases", _case_table(scoreboard)),
        _section("Training", _curves(curves) if curves else ""),
        _section("Plan", _plan_table(plan) if plan else ""),
        _section("How the numbers are computed", _conventions(scoreboard)),
        _section("Environment", _environment(environment) if environment else ""),
    )
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body></html>\n"
    )
    write_text(path, page)
    return Path(path)


def _section(heading: str, content: str) -> str:
    return f"<h2>{heading}</h2>\n{content}" if content else ""


def _opening(board: Scoreboard) -> str:
    classes = ", ".join(board.labels) or "none"
    return (
        f'<p class="faint">{_count(len(board.cases), "case")} of '
        f"{_count(len(set(board.patients)), 'patient')}; classes: {escape(classes)}.</p>"
    )


def _warnings(board: Scoreboard) -> str:
    parts = []
    if board.failures:
        rows = "".join(f"<li>{escape(failure.reason)}</li>" for failure in board.failures)
        count = _count(len(board.failures), "case")
        parts.append(f'<div class="alarm"><b>{count} could not be scored.</b><ul>{rows}</ul></div>')
    parts.extend(f'<div class="note">{escape(note)}</div>' for note in board.notes)
    return "\n".join(parts)


def _headline(board: Scoreboard) -> str:
    if not board.rows:
        return "<p>No case was scored.</p>"
    tiles = []
    for metric in board.metrics:
        entry = board.find(ALL_CLASSES, metric)
        tiles.append(
            f'<div class="tile">Mean {escape(board.title(metric))}<b>{_number(entry.mean, metric)}'
            f'</b><span class="faint">95 %: {_interval(entry)}</span></div>'
        )
    entry = board.find(ALL_CLASSES, next(iter(board.metrics)))
    kind = "bad" if entry.num_missed + entry.num_spurious else ""
    tiles.append(
        f'<div class="tile">Missed / spurious<b class="{kind}">{entry.num_missed} / '
        f'{entry.num_spurious}</b><span class="faint">of {_found(entry)} structures</span></div>'
    )
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _score_table(board: Scoreboard) -> str:
    head = "".join(f"<th>{escape(board.title(metric))}</th>" for metric in board.metrics)
    rows = []
    for label in dict.fromkeys(entry.label for entry in board.summary):
        entries = [entry for entry in board.summary if entry.label == label]
        cells = "".join(
            f"<td>{_number(entry.mean, entry.metric)}<br><small>{_interval(entry)}</small><br>"
            f"<small>median {_number(entry.median, entry.metric)}</small></td>"
            for entry in entries
        )
        one = entries[0]
        bad = "".join(
            f'<td class="{"bad" if number else ""}">{number}</td>'
            for number in (one.num_missed, one.num_spurious)
        )
        counts = f"<td>{one.num_scored}</td>{bad}<td>{one.num_absent}</td>"
        kind = "total" if label == ALL_CLASSES else ""
        rows.append(f'<tr class="{kind}"><td>{escape(label)}</td>{cells}{counts}</tr>')
    return (
        f'<div class="wide"><table><tr><th>Class</th>{head}<th>Scored</th><th>Missed</th>'
        f"<th>Spurious</th><th>Absent</th></tr>{''.join(rows)}</table></div>"
        '<p class="faint">Mean, 95 % interval and median over cases. Scored: both truth and '
        "prediction have the class; missed: only the truth; spurious: only the prediction; "
        "absent: neither, which has no value. Missed and spurious count with the worst value.</p>"
    )


def _plots(board: Scoreboard) -> str:
    figures = "".join(
        f'<figure><img alt="{escape(board.title(metric))} of every case, by class" '
        f'src="{draw_scores(board, metric)}"></figure>'
        for metric in board.metrics
    )
    return (
        f'<div class="plots">{figures}</div><p class="faint">A point is a case; the box holds the '
        "middle half of the scored cases and its line is their median. A red cross is a missed or "
        "spurious structure; one in a red margin lies far beyond the scale.</p>"
    )


def _overlays(overlays: Sequence[Picture]) -> str:
    return "\n".join(
        f"<figure><figcaption><b>{escape(picture.case)}</b> · {escape(picture.caption)}"
        f'</figcaption><img alt="{escape(picture.case)}: outlines of truth and prediction" '
        f'src="{picture.source}"></figure>'
        for picture in overlays
    )


def _case_table(board: Scoreboard) -> str:
    """Lay out the first metric of every case and class, the worst case first."""
    if not board.rows:
        return ""
    metric = next(iter(board.metrics))
    cells: dict[str, dict[str, Row]] = {case: {} for case in board.cases}
    for row in board.rows:
        cells[row.case][row.label] = row
    sign = 1 if board.metrics[metric].better == "higher" else -1
    means = {case: _mean([row.values[metric] for row in found.values()])
             for case, found in cells.items()}  # fmt: skip
    order = sorted(cells, key=lambda case: (math.isnan(means[case]), sign * means[case]))
    lines = []
    for case in order[:MAX_ROWS]:
        columns = "".join(_case_cell(cells[case].get(label), metric) for label in board.labels)
        total = f"<td>{_number(means[case], metric)}</td>" if len(board.labels) > 1 else ""
        lines.append(f"<tr><td>{escape(case)}</td>{total}{columns}</tr>")
    head = "".join(f"<th>{escape(label)}</th>" for label in board.labels)
    total = "<th>Mean</th>" if len(board.labels) > 1 else ""
    return (
        f"<details><summary>{escape(board.title(metric))} of {_count(len(order), 'case')}, worst "
        f'first</summary><div class="wide"><table><tr><th>Case</th>{total}{head}</tr>'
        f'{"".join(lines)}</table></div><p class="faint">Every metric of every case stands in '
        f"scores.csv; this table ends after {MAX_ROWS} cases.</p></details>"
    )


def _case_cell(row: Row | None, metric: str) -> str:
    if row is None or row.status == "absent":
        return '<td><span class="faint">absent</span></td>'
    if row.status == "scored":
        return f"<td>{_number(row.values[metric], metric)}</td>"
    return f'<td class="bad">{row.status}</td>'


def _curves(curves: Mapping[str, Sequence[float]]) -> str:
    return (
        f'<figure><img alt="Loss and validation scores of training" src="{draw_curves(curves)}">'
        "<figcaption>Validation during training takes averaged weights on the working grid, "
        "so it may differ a little from the scores above.</figcaption></figure>"
    )


def _plan_table(plan: Plan) -> str:
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


def _conventions(board: Scoreboard) -> str:
    texts = [metric.convention for metric in board.metrics.values()]
    texts += [board.empty_policy, INTERVAL_POLICY]
    if board.unit == "px":
        texts.append("The files say nothing of millimetres: distances are in pixels.")
    return "".join(f"<p>{escape(text)}</p>" for text in texts)


def _environment(environment: Mapping[str, str]) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>"
        for name, value in environment.items()
    )
    return f'<table class="text">{rows}</table>'


def _found(entry: Summary) -> int:
    return entry.num_scored + entry.num_missed + entry.num_spurious


def _interval(entry: Summary) -> str:
    if math.isnan(entry.low):
        return "one patient" if entry.num_patients == 1 else "no value"
    return f"{_number(entry.low, entry.metric)} to {_number(entry.high, entry.metric)}"


def _number(value: float, metric: str) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.2f}" if metric.startswith("hd") else f"{value:.3f}"


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if not math.isnan(value)]
    return sum(finite) / len(finite) if finite else math.nan


def _count(number: int, noun: str) -> str:
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
