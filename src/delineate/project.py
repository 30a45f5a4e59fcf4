"""What a project folder says: its page and its scripts, filled from facts and a plan."""

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from delineate.core.plan import Plan
from delineate.datasets.tally import tally, types_told
from delineate.infer.bundle import num_outputs
from delineate.metrics import METRICS
from delineate.metrics.nuclei import OBJECT_METRICS

if TYPE_CHECKING:
    from torch import nn

    from delineate.steps.describe import Description

TEMPLATES = Path(__file__).with_name("templates")
"""Texts with $names; each is a file of the project, with .txt behind its name."""
HIDDEN = {"gitignore": ".gitignore"}
"""Files whose names in the project begin with a dot."""
OBJECT_FORMATS = ("tiff", "geojson", "overlay")
"""What step 4 writes where objects are told apart."""
FORMATS = {2: ("png", "overlay"), 3: ("nifti", "overlay")}
"""What it writes for regions in pictures and in volumes."""
TASKS = {
    "regions": "one class for every voxel.",
    "instances": "every object for itself, with its type where there are several.",
}
"""What the answer is, by the plan's task."""
CHOSEN = {
    "regions": "The weights that are handed over are the best by it on the fold that validates.",
    "instances": "Nothing is chosen by it: the last weights are handed over.",
}
"""What Dice decides, by the plan's task."""
DEFAULT = "Delineate's default."


@dataclass(frozen=True, kw_only=True)
class Project:
    """All that the files of a project are made from."""

    name: str
    """The folder's name."""
    source: str
    """Where the data come from, in words."""
    data: str
    """The dataset as the scripts open it, seen from the project's folder."""
    test: str | None
    """The dataset that takes no part in training; None lets the validating fold stand in."""
    layout: str | None
    """Layout that was asked for; None recognises it."""
    mpp: float | None
    """Micrometres to a pixel that were asked for."""
    budget: str
    """Time for training."""
    steps: int | None
    """Steps instead of the time."""
    seed: int
    """Seed of folds, weights and batches."""
    description: "Description"
    """What the data are."""
    plan: Plan
    """What was decided."""
    network: "nn.Module"
    """The plan's network."""


def write_project(project: Project, folder: Path) -> None:
    """Write the page, the scripts and what goes with them.

    Args:
        project: What they are made from.
        folder: Where to; must exist.
    """
    words = {**_settings(project), **_page(project)}
    for path in sorted(TEMPLATES.iterdir()):
        name = path.name.removesuffix(".txt")
        text = Template(path.read_text(encoding="utf-8")).substitute(words)
        (folder / HIDDEN.get(name, name)).write_text(text, encoding="utf-8")


def _settings(project: Project) -> dict[str, str]:
    """Write the constants at the top of the scripts, as Python."""
    plan = project.plan
    formats = OBJECT_FORMATS if plan.task == "instances" else FORMATS[len(plan.spacing_mm)]
    values: dict[str, Any] = {
        "data": project.data, "layout": project.layout, "mpp": project.mpp,
        "budget": project.budget, "steps": project.steps, "seed": project.seed,
        "fold": "0" if plan.folds else "all", "formats": formats,
    }  # fmt: skip
    test = "None" if project.test is None else f"Path({_text(project.test)})"
    return {name: _literal(value) for name, value in values.items()} | {
        "test": test, "network": _literal(plan.model),
    }  # fmt: skip


def _page(project: Project) -> dict[str, str]:
    """Fill what the page and the citation say in words."""
    plan, found = project.plan, project.description
    classes = ", ".join(plan.labels.names) or "objects"
    kind = "volumes" if len(plan.spacing_mm) == 3 else "pictures"
    channels = ", ".join(plan.channels)
    counts = [row.numel() for row in project.network.parameters()]
    metrics = OBJECT_METRICS if plan.task == "instances" else METRICS
    return {
        "name": project.name,
        "purpose": f"Finds {classes} in {kind} of {channels}.",
        "kind": kind, "channels": channels, "classes": classes, "task": TASKS[plan.task],
        "method": _method(plan),
        "facts": _table(_facts(project)),
        "balance": _balance(found),
        "note": _preparation(plan),
        "problems": _problems(found),
        "model": plan.model, "dims": str(plan.dims), "parameters": f"{sum(counts):,}",
        "about": _about(project.network), "components": _table(_components(project.network)),
        "inputs": f"{channels}, in images of any size",
        "num_outputs": str(num_outputs(plan)),
        "decisions": _table(_decisions(plan)),
        "length": f"{project.steps} steps" if project.steps else f"{project.budget} by the clock",
        "folds": _folds(plan),
        "unseen": _unseen(project),
        "metrics": _table((f"`{name}`", row.convention) for name, row in metrics.items()),
        "licence": found.licence,
        "title_quoted": _text(project.name), "dataset_quoted": _text(found.name),
        "licence_quoted": _text(f"Licence: {found.licence}"),
        "version": _version(),
    }  # fmt: skip


def _facts(project: Project) -> list[tuple[str, str]]:
    found, rows = project.description, project.description.audit.rows
    facts = [
        ("source", project.source),
        ("name", found.name),
        ("layout", f"`{found.layout}`"),
        ("licence", found.licence),
        ("cases", f"{len(rows)}, of {found.num_patients} patients"),
        ("channels", ", ".join(project.plan.channels)),
    ]
    for dims in sorted({len(row.shape) for row in rows}):
        same = [row for row in rows if len(row.shape) == dims]
        facts.append((f"shape ({dims}-D, voxels)", _spread([row.shape for row in same])))
        if any(row.objects is None for row in same):
            unit = "mm" if all(row.is_physical for row in same) else "voxels"
            facts.append((f"spacing ({unit})", _spread([row.spacing for row in same])))
    counts = tally(found.objects) if found.objects else []
    return facts + [(word.lower(), told) for word, told in counts if word != "Task"]


def _spread(values: Sequence[Sequence[float]]) -> str:
    table = np.array(values, dtype=float)
    ends = [np.min(table, axis=0), np.median(table, axis=0), np.max(table, axis=0)]
    least, median, greatest = (" x ".join(f"{value:.4g}" for value in row) for row in ends)
    return median if least == greatest else f"{median} (median), {least} to {greatest}"


def _balance(found: "Description") -> str:
    """Lay out how much of the data each class or type fills."""
    if found.objects:
        head, *rows = types_told(found.objects)
        return _table([head, ("---",) * len(head), *rows])
    cases = [row for row in found.audit.rows if row.voxels]
    total = sum(int(np.prod(row.shape)) for row in cases)
    rows = []
    for name in found.labels:
        sizes = [row.voxels[name] for row in cases if row.voxels[name]]
        share = f"{100 * sum(sizes) / total:.3g} %" if total else "unknown"
        rows.append((name, f"{len(sizes)} of {len(cases)}", share))
    return _table([("class", "in cases", "share of voxels"), ("---",) * 3, *rows])


def _problems(found: "Description") -> str:
    problems = found.audit.problems
    if not problems:
        return "none."
    shown = " ".join(problem.sentence for problem in problems[:3])
    return f"{len(problems)}; `1_describe.py` lists them. {shown}"


def _preparation(plan: Plan) -> str:
    unit = "mm" if plan.canonical or len(plan.spacing_mm) == 3 else "mm, or pixels without one"
    return (
        f"Before the network sees them, images are brought to {said(plan.spacing_mm)} {unit} "
        f"between voxels, and their values are normalised ({said(plan.normalisation)})."
    )


def _method(plan: Plan) -> str:
    last = (
        f"Its maps become objects by the decoder `{plan.decoder}`."
        if plan.task == "instances"
        else "The class of the highest probability counts, on the image's own grid."
    )
    return (
        f"The network `{plan.model}` learns from patches of {said(plan.patch)} voxels, "
        f"{plan.batch_size} a step, turned, bent and recoloured at random as `augmentation` in "
        f"`plan.yaml` says. AdamW minimises the loss `{plan.loss}`. An image is predicted in "
        f"tiles of the size of a patch. {last}"
    )


def _decisions(plan: Plan) -> list[tuple[str, str, str]]:
    loss = f"`{plan.loss}`" + (f" with {said(plan.loss_options)}" if plan.loss_options else "")
    reasons = plan.reasons
    rows = [
        ("optimiser", f"AdamW, learning rate {said(plan.learning_rate)} at most",
         reasons.get("learning_rate", DEFAULT)),
        ("loss", loss, reasons.get("loss", DEFAULT)),
        ("metric", "Dice", CHOSEN[plan.task]),
    ]  # fmt: skip
    done = ("learning_rate", "loss", "loss_options", "folds")
    names = dict.fromkeys([*reasons, "weight_decay", "warmup", "ema"])
    for name in names:
        if name not in done:
            rows.append((name, said(getattr(plan, name)), reasons.get(name, DEFAULT)))
    return rows


def _folds(plan: Plan) -> str:
    if not plan.folds:
        return "There is only one patient, so that all cases train and none validates."
    number = len(plan.folds)
    return f"Fold 0 of {number} validates; no patient stands in two folds."


def _unseen(project: Project) -> str:
    if project.test is not None:
        return f"the cases of `{project.test}`, which took no part in training"
    if project.plan.folds:
        return "the fold that validated (set `TEST` to a dataset that no choice was made by)"
    return "the training cases, for want of others: such scores say nothing about new ones"


def _about(network: "nn.Module") -> str:
    return inspect.getdoc(type(network)).split("\n\n")[0].replace("\n", " ")  # type: ignore[union-attr]


def _components(network: "nn.Module") -> list[tuple[str, str, str]]:
    rows = []
    for name, part in network.named_children():
        kinds = [type(piece).__name__ for piece in part.children()]
        is_list = type(part).__name__ == "ModuleList"
        what = " + ".join(f"{kinds.count(kind)} x {kind}" for kind in dict.fromkeys(kinds))
        count = sum(row.numel() for row in part.parameters())
        rows.append((name, what if is_list and what else type(part).__name__, f"{count:,}"))
    return rows


def said(value: Any) -> str:  # noqa: ANN401 - any field of a plan
    """Say a value of a plan in words.

    Args:
        value: Any field's.

    Returns:
        One line.
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {said(entry)}" for name, entry in value.items()) or "none"
    if isinstance(value, list):
        return f"[{', '.join(said(entry) for entry in value)}]"
    if isinstance(value, tuple):
        parts = [said(entry) for entry in value]
        if parts[1:] and isinstance(value[0], Mapping) and len(set(parts)) == 1:
            return f"{parts[0]}, for each of {len(parts)} channels"
        is_numbers = all(isinstance(entry, int | float) for entry in value)
        return (" x " if is_numbers else "; ").join(parts) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(rows: Any) -> str:  # noqa: ANN401 - rows of texts
    lines = [" | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # as Python and as YAML


def _literal(value: Any) -> str:  # noqa: ANN401 - a constant of a script
    if isinstance(value, tuple):
        return f"({', '.join(_literal(entry) for entry in value)})"
    return _text(value) if isinstance(value, str) else repr(value)


def _version() -> str:
    try:
        return version("delineate")
    except PackageNotFoundError:
        return "unknown"
