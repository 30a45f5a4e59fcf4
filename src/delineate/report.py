"""One self-contained page: what was measured, how sure it is, and what it looks like."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from delineate.core.files import write_text
from delineate.core.plan import Plan
from delineate.fields import MISTAKE_COLOURS
from delineate.figures import draw_curves, draw_scores, draw_tallies
from delineate.metrics import ALL_CLASSES, Scoreboard, Summary
from delineate.metrics.mistakes import RULES
from delineate.metrics.summary import INTERVAL_POLICY
from delineate.metrics.tally import Tallies
from delineate.pictures import Picture
from delineate.rivals import rival_table
from delineate.tables import (
    case_table,
    environment_table,
    plan_table,
    said_count,
    said_interval,
    said_number,
    score_table,
    tally_table,
    tissue_table,
)

STYLE = """
:root { color-scheme: light; --ink: #1d2733; --faint: #5c6875; --line: #d9dee4; --wash: #f5f7f9; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 24px 28px 60px; color: var(--ink);
  background: white; font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 26px; margin: 0 0 2px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 38px 0 10px; } p { margin: 6px 0; max-width: 78ch; }
.faint, figcaption, caption { color: var(--faint); font-size: 13.5px; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 18px 0; }
.tile { flex: 1 1 140px; border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; }
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
td:first-child { min-width: 150px; } .dense td:first-child { min-width: 100px; }
.dense th, .dense td { padding: 4px 6px; } .dense small { font-size: 11.5px; }
th:first-child, td:first-child, .text td, .text th { text-align: left; overflow-wrap: anywhere; }
tr.total td { background: var(--wash); } td small { color: var(--faint); white-space: nowrap; }
.bad { color: #b3152f; font-weight: 600; }
.chips span { display: inline-block; margin-right: 18px; } .chips i { display: inline-block;
  width: 13px; height: 13px; margin-right: 6px; border-radius: 3px; vertical-align: -1px; }
.spots { display: grid; grid-template-columns: repeat(auto-fill, minmax(440px, 1fr)); gap: 14px; }
.spots img { width: 100%; }
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
    others: Sequence[Scoreboard] = (),
    overlays: Sequence[Picture] = (),
    tallies: Tallies | None = None,
    spots: Sequence[Picture] = (),
    curves: Mapping[str, Sequence[float]] | None = None,
    plan: Plan | None = None,
    environment: Mapping[str, str] | None = None,
    further: Sequence[tuple[str, str]] = (),
) -> Path:
    """Write everything that a reader needs to trust or doubt the scores into one HTML file.

    The page asks no other machine for anything and runs no script; it can be printed.

    Args:
        scoreboard: The scores.
        path: The .html file, written whole or not at all.
        title: What was evaluated.
        others: Scores of other models of the same cases.
        overlays: Drawn cases, such as the best, the median and the worst.
        tallies: Mistakes of objects, counted.
        spots: Pairs of pictures of the worst places, truth on the left.
        curves: Series of the training run by name, as `figures.draw_curves` takes them.
        plan: What the model was trained by.
        environment: Versions and machine, by name.
        further: Headings and HTML of further parts.

    Returns:
        The path.
    """
    parts = (
        f"<h1>{escape(title)}</h1>",
        _opening(scoreboard),
        _warnings(scoreboard),
        _headline(scoreboard),
        _section("Models side by side", rival_table((scoreboard, *others))),
        _section(_of("Scores", scoreboard), score_table(scoreboard)),
        _section("By tissue", tissue_table(scoreboard)),
        _section("Mistakes", _mistakes(tallies, spots) if tallies else ""),
        _section(_of("Every case", scoreboard), _plots(scoreboard) if scoreboard.rows else ""),
        *(_section(escape(heading), content) for heading, content in further),
        _section("Cases to look at", _overlays(overlays, tallies)),
        _section(_of("Table of cases", scoreboard), case_table(scoreboard)),
        _section("Training", _curves(curves) if curves else ""),
        _section("Plan", plan_table(plan) if plan else ""),
        _section("How the numbers are computed", _conventions(scoreboard)),
        _section("Environment", environment_table(environment) if environment else ""),
    )
    write_text(path, _page(title, "\n".join(part for part in parts if part)))
    return Path(path)


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        f"{body}\n</body></html>\n"
    )


def _of(heading: str, board: Scoreboard) -> str:
    return f"{heading} of {escape(board.model)}" if board.model else heading


def _section(heading: str, content: str) -> str:
    return f"<h2>{heading}</h2>\n{content}" if content else ""


def _opening(board: Scoreboard) -> str:
    classes = ", ".join(board.labels) or "none"
    return (
        f'<p class="faint">{said_count(len(board.cases), "case")} of '
        f"{said_count(len(set(board.patients)), 'patient')}; classes: {escape(classes)}.</p>"
    )


def _warnings(board: Scoreboard) -> str:
    parts = [f'<div class="alarm"><b>{escape(word)}</b></div>' for word in board.warnings]
    if board.failures:
        rows = "".join(f"<li>{escape(failure.reason)}</li>" for failure in board.failures)
        count = said_count(len(board.failures), "case")
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
            f'<div class="tile">Mean {escape(board.title(metric))}'
            f"<b>{said_number(entry.mean, metric)}</b>"
            f'<span class="faint">95 %: {said_interval(entry)}</span></div>'
        )
    if board.has_objects:
        return f'<div class="tiles">{"".join(tiles)}</div>'
    entry = board.find(ALL_CLASSES, next(iter(board.metrics)))
    kind = "bad" if entry.num_missed + entry.num_spurious else ""
    tiles.append(
        f'<div class="tile">Missed / spurious<b class="{kind}">{entry.num_missed} / '
        f'{entry.num_spurious}</b><span class="faint">of {_found(entry)} structures</span></div>'
    )
    return f'<div class="tiles">{"".join(tiles)}</div>'


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


def _chips(tallies: Tallies) -> str:
    """Name the colours of mistakes."""
    kinds = [kind for kind in MISTAKE_COLOURS if kind != "mistyped" or tallies.by_type]
    chips = "".join(
        f'<span><i style="background:rgb{MISTAKE_COLOURS[kind]}"></i>{kind}</span>'
        for kind in kinds
    )
    return f'<p class="chips">{chips}</p>'


def _mistakes(tallies: Tallies, spots: Sequence[Picture]) -> str:
    figures = "".join(
        f'<figure><img alt="{escape(picture.case)}: truth and prediction" src="{picture.source}">'
        f"<figcaption><b>{escape(picture.case)}</b> · {escape(picture.caption)}</figcaption>"
        "</figure>"
        for picture in spots
    )
    worst = (
        f'<div class="spots">{figures}</div><p class="faint">The places with most mistakes, truth '
        "on the left and prediction on the right. Merging predictions and fragments have the "
        "colour of what they merge or split.</p>"
    )
    return (
        f'<p>{escape(tallies.text)}</p><figure><img alt="Mistakes per 100 true nuclei" '
        f'src="{draw_tallies(tallies)}"></figure>{tally_table(tallies)}'
        f'<p class="faint">{escape(RULES)}</p>{_chips(tallies) + worst if spots else ""}'
    )


def _overlays(overlays: Sequence[Picture], tallies: Tallies | None) -> str:
    words = "Outlines of the truth, by what became of each nucleus, and of spurious predictions."
    head = f"<p>{words}</p>{_chips(tallies)}" if tallies and overlays else ""
    return head + "\n".join(
        f"<figure><figcaption><b>{escape(picture.case)}</b> · {escape(picture.caption)}"
        f'</figcaption><img alt="{escape(picture.case)}: outlines of truth and prediction" '
        f'src="{picture.source}"></figure>'
        for picture in overlays
    )


def _curves(curves: Mapping[str, Sequence[float]]) -> str:
    return (
        f'<figure><img alt="Loss and validation scores of training" src="{draw_curves(curves)}">'
        "<figcaption>Validation during training takes averaged weights on the working grid, "
        "so it may differ a little from the scores above.</figcaption></figure>"
    )


def _conventions(board: Scoreboard) -> str:
    texts = [] if board.convention == "delineate" else [f"Convention: {board.convention}."]
    texts += [metric.convention for metric in board.metrics.values()]
    texts += [board.empty_policy, INTERVAL_POLICY]
    if board.unit == "px":
        texts.append("The files say nothing of millimetres: distances are in pixels.")
    return "".join(f"<p>{escape(text)}</p>" for text in texts)


def _found(entry: Summary) -> int:
    return entry.num_scored + entry.num_missed + entry.num_spurious
