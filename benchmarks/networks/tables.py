"""Make the tables of all runs: mean and standard deviation over seeds, never one without n.

    python benchmarks/networks/tables.py                      # into benchmarks/networks/README.md
    python benchmarks/networks/tables.py --page docs/networks.md

Everything between the marks of the page is written anew; a page without marks gets them at its
end.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from arms import ABLATION, NETWORKS, REFERENCE
from places import CALIBRATION, HERE, rows
from tasks import TASKS

BEGIN = "<!-- made by benchmarks/networks/tables.py; edit nothing down to the next mark -->"
END = "<!-- end of what tables.py made -->"
Row = dict[str, Any]
COLUMNS = {
    "regions": {
        "dice": "Dice",
        "rarest_dice": "rarest class",
        "band": "Dice in the band",
        "nsd": "NSD",
        "hd95": "HD95",
        "ece_tempered": "ECE, tempered",
        "error_auroc": "AUROC of errors",
    },
    "instances": {
        "aji": "AJI",
        "pq": "PQ",
        "f1": "F1",
        "nuclei": "Dice",
        "nuclei_band": "Dice in the band",
        "pooled": "Dice of types",
        "rarest_dice": "rarest type",
        "rare_dice": "two rarest types",
        "ece_tempered": "ECE, tempered",
        "error_auroc": "AUROC of errors",
    },
}
POOLED = {
    "consep": {
        "pooled": "Dice",
        "pooled_band": "Dice in the band",
        "rare_dice": "two rarest classes",
    }
}
"""Where a class is absent from most images, images cannot be averaged: all pixels together."""
LESS_IS_MORE = {"hd95", "ece_tempered", "ece"}
KINDS = {"steps": "equal steps", "minutes": "equal minutes"}


def columns(task: str) -> dict[str, str]:
    """Choose the scores of a task."""
    chosen = COLUMNS[TASKS[task].kind]
    if task in POOLED:
        chosen = {key: told for key, told in chosen.items() if key not in {"dice", "band", "hd95"}}
        chosen = {**POOLED[task], **chosen}
    return chosen


def grouped(found: Iterable[Row]) -> dict[tuple[str, str, str], list[Row]]:
    """Gather the seeds of each task, budget and arm."""
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in found:
        groups[row["task"], row["budget"], row["arm"]].append(row)
    return groups


def values(group: Sequence[Row], key: str) -> list[float]:
    """Take a score of each seed that has it."""
    return [row["scores"][key] for row in group if row["scores"].get(key) is not None]


def told(numbers: Sequence[float], *, is_best: bool = False, digits: int = 3) -> str:
    """Mean and standard deviation; a single number says that it is one."""
    if not numbers:
        return ""
    text = f"{fmean(numbers):.{digits}f}"
    text = f"**{text}**" if is_best else text
    return f"{text} ± {stdev(numbers):.{digits}f}" if len(numbers) > 1 else f"{text} (one seed)"


def best_of(groups: dict[str, list[Row]], key: str) -> str:
    """Name the arm with the best mean."""
    means = {arm: fmean(values(group, key)) for arm, group in groups.items() if values(group, key)}
    if not means:
        return ""
    return (min if key in LESS_IS_MORE else max)(means, key=means.__getitem__)


def latency(task: str, arm: str) -> str:
    """Milliseconds of one patch, from the calibration."""
    path = CALIBRATION / f"{task}.{arm}.json"
    return f"{json.loads(path.read_text())['latency_ms']['patch']:.1f}" if path.exists() else ""


def comparison(groups: dict[tuple[str, str, str], list[Row]]) -> list[str]:
    """One table a task and budget."""
    lines: list[str] = []
    budgets = sorted({budget for _, budget, _ in groups if budget.split("_x")[0] in KINDS})
    for task in TASKS:
        for budget in sorted(budgets, reverse=True):
            kind, _, size = budget.partition("_x")
            own = {
                arm: groups[task, budget, arm]
                for arm in NETWORKS
                if groups.get((task, budget, arm))
            }
            same = budget.replace("minutes", "steps")
            if own and (task, same, REFERENCE) in groups:
                own = {REFERENCE: groups[task, same, REFERENCE], **own}
            if own:
                times = f", {size.replace('p', '.')} times the usual" if size else ""
                lines += [f"#### {TASKS[task].title}: {KINDS[kind]}{times}", ""]
                lines += [*_compared(task, own), ""]
    return lines


def _compared(task: str, own: dict[str, list[Row]]) -> list[str]:
    chosen = columns(task)
    head = ["network", "parameters", "ms a patch", "steps", "seeds", *chosen.values()]
    best = {key: best_of(own, key) for key in chosen}
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for arm, group in own.items():
        first = group[0]
        steps = "/".join(dict.fromkeys(str(row["steps"]) for row in group))
        size = f"{first['parameters'] / 1e6:.2f} M"
        cells = [NETWORKS[arm].title, size, latency(task, arm), steps, str(len(group))]
        cells += [told(values(group, key), is_best=best[key] == arm) for key in chosen]
        lines.append(f"| {' | '.join(cells)} |")
        if len({row["plan_hash"] for row in group}) > 1:
            lines.append(f"| ({arm}: its seeds ran under different plans) |")
    rarest = {name for group in own.values() for row in group if (name := row["scores"]["rarest"])}
    return [*lines, "", f"The rarest class is {', '.join(sorted(rarest))}. {verdict(task, own)}"]


def verdict(task: str, own: dict[str, list[Row]]) -> str:
    """Say whether MedSegFormer is best or within one standard deviation of the best."""
    headline, band = ("aji", "nuclei_band") if TASKS[task].kind == "instances" else ("dice", "band")
    if task in POOLED:
        headline, band = "pooled", "pooled_band"
    mine = [arm for arm in own if arm.startswith("medsegformer") and values(own[arm], headline)]
    others = {arm: group for arm, group in own.items() if arm not in mine}
    if not mine or not others:
        return ""
    words = []
    for key, name in (
        (headline, "the headline"),
        ("rarest_dice", "the rarest class"),
        (band, "the band"),
    ):
        leader = best_of({arm: own[arm] for arm in mine}, key)
        rival = best_of(others, key)
        if not leader or not rival:
            continue
        us, them = values(own[leader], key), values(others[rival], key)
        gap = fmean(us) - fmean(them)
        spread = max(stdev(us) if len(us) > 1 else 0.0, stdev(them) if len(them) > 1 else 0.0)
        state = "ahead" if gap > 0 else "within one sd" if -gap <= spread else "behind"
        words.append(
            f"{name} {state} by {abs(gap):.3f} ({NETWORKS[leader].title} against "
            f"{NETWORKS[rival].title})"
        )
    return f"MedSegFormer: {'; '.join(words)}." if words else ""


def ablation(groups: dict[tuple[str, str, str], list[Row]]) -> list[str]:
    """One table a task: each switch against the base, seed by seed."""
    lines: list[str] = []
    budgets = sorted({budget for _, budget, _ in groups if budget.split("_x")[0] == "ablation"})
    for task in TASKS:
        for budget in budgets:
            base = {row["seed"]: row for row in groups.get((task, budget, "base"), [])}
            own = {
                arm: groups[task, budget, arm]
                for arm in ABLATION
                if groups.get((task, budget, arm))
            }
            if base and own:
                size = budget.removeprefix("ablation").removeprefix("_x").replace("p", ".")
                times = f", {size} times the usual steps" if size else ""
                lines += [f"#### {TASKS[task].title}: one switch at a time{times}", ""]
                lines += [*_turned(task, own, base), ""]
    return lines


def _turned(task: str, own: dict[str, list[Row]], base: dict[int, Row]) -> list[str]:
    chosen = {key: name for key, name in columns(task).items() if key not in {"nsd", "f1"}}
    keys = list(chosen)
    head = [
        "arm",
        "parameters",
        "seconds",
        "seeds",
        *chosen.values(),
        f"{chosen[keys[0]]}, less the base's",
    ]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for arm, group in own.items():
        pairs = [
            row["scores"][keys[0]] - base[row["seed"]]["scores"][keys[0]]
            for row in group
            if row["seed"] in base
        ]
        seconds = f"{fmean(row['seconds'] for row in group):.0f}"
        size = f"{group[0]['parameters'] / 1e6:.2f} M"
        cells = [ABLATION[arm].title, size, seconds, str(len(group))]
        cells += [told(values(group, key)) for key in chosen]
        lines.append(f"| {' | '.join(cells)} | {'' if arm == 'base' else _signed(pairs)} |")
    return lines


def _signed(pairs: Sequence[float]) -> str:
    if not pairs:
        return ""
    spread = f" ± {stdev(pairs):.3f}" if len(pairs) > 1 else " (one seed)"
    return f"{fmean(pairs):+.3f}{spread}"


def robustness() -> list[str]:
    """Score kept under damage, mean of five severities, one table a task."""
    found: dict[str, dict[str, dict[str, Row]]] = {}
    for row in rows(HERE / "robustness"):
        if row["id"].split(".")[1] != "steps":
            continue
        found.setdefault(row["task"], {}).setdefault(row["arm"], {})[row["damage"]] = row
    lines: list[str] = []
    for task, arms in found.items():
        damages = list(dict.fromkeys(name for rowed in arms.values() for name in rowed))
        lines += [f"#### {TASKS[task].title}: damaged images", ""]
        lines += [f"| network | clean | {' | '.join(damages)} |", "|---" * (len(damages) + 2) + "|"]
        for arm in (name for name in NETWORKS if name in arms):
            first = next(iter(arms[arm].values()))
            cells = [NETWORKS[arm].title, f"{first['curve'][0][first['headline']]:.3f}"]
            for damage in damages:
                row = arms[arm].get(damage)
                said = row and [entry[row["headline"]] or 0.0 for entry in row["curve"][1:]]
                cells.append(f"{fmean(said):.3f}" if said else "")
            lines.append(f"| {' | '.join(cells)} |")
        lines += ["", "Dice, mean of five severities, weights of the first seed.", ""]
    return lines


def places_of(found: Sequence[Row]) -> list[str]:
    """Say which rows ran where."""
    where: dict[str, int] = defaultdict(int)
    for row in found:
        there = row["machine"]
        device = there.get("gpu") or f"{there['cores']} cores {there['architecture']}"
        where[f"{device}, {there['threads']} thread(s) a run, torch {there['torch']}"] += 1
    hours = sum(row["seconds"] + row["judging_seconds"] for row in found) / 3600
    told_by = "; ".join(f"{count} runs on {name}" for name, count in where.items())
    return [f"{len(found)} runs, {hours:.1f} hours in all: {told_by}.", ""]


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", type=Path, default=HERE / "README.md")
    settings = parser.parse_args()
    found = rows()
    if not found:
        raise SystemExit("There is no run yet.")
    groups = grouped(found)
    parts = ["### The runs", "", *places_of(found), *comparison(groups)]
    parts += [*ablation(groups), *robustness()]
    text = settings.page.read_text() if settings.page.exists() else ""
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    made = "\n".join(parts).rstrip()
    settings.page.write_text(f"{head.rstrip()}\n\n{BEGIN}\n\n{made}\n\n{END}\n{tail.lstrip()}")
    print(settings.page)


if __name__ == "__main__":
    main()
