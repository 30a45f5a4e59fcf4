"""Every network of the table side by side: parameters, multiplications, memory and time."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from delineate.core.errors import ShapeError, pick
from delineate.core.progress import track
from delineate.infer.device import choose_device
from delineate.infer.latency import measure_latency, precisions
from delineate.models import build_model
from delineate.models.cost import CONVENTION, Cost, measure_cost
from delineate.models.variants import list_variants

log = logging.getLogger("delineate")


@dataclass(frozen=True, kw_only=True)
class Task:
    """What the networks are asked to do."""

    size: tuple[int, ...]
    """Voxels along each axis, two or three."""
    channels: int
    """Channels of the image."""
    classes: int
    """Channels of the logits."""
    rounds: int
    """Passes that are timed in each precision."""
    device: str
    """auto, cpu, cuda or cuda:N."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is known of one network."""

    name: str
    """Row of the table of models, with its variant."""
    cost: Cost
    """Of one pass."""
    seconds: Mapping[str, float]
    """Median time of a pass by precision."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """The networks that were measured."""

    entries: tuple[Entry, ...]
    """One a network, in the table's order."""
    task: Task
    """What they did."""
    where: str
    """Device, threads and version."""
    failures: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with each network that could not be measured, by name."""

    @property
    def text(self) -> str:
        """What to tell the user."""
        kinds = list(self.entries[0].seconds) if self.entries else []
        head = ["network", "parameters", "MACs", "memory", *kinds]
        rows = [
            [
                entry.name,
                f"{entry.cost.parameters:,}",
                f"{entry.cost.macs / 1e9:.2f} G",
                f"{entry.cost.peak_bytes / 1e6:.0f} MB",
                *(f"{1000 * entry.seconds[kind]:.1f} ms" for kind in kinds),
            ]
            for entry in self.entries
        ]
        size = " x ".join(map(str, self.task.size))
        return (
            f"{_align([head, *rows])}\n\n"
            f"One image of {size}, {self.task.channels} channels, {self.task.classes} classes; "
            f"{self.where}; median of {self.task.rounds} passes after 2.\n"
            f"{CONVENTION}\nMemory: parameters and what layers hand on, fp32, at its highest."
        )


def survey(task: Task, names: Iterable[str] | None = None) -> Survey:
    """Measure networks; one that fails is named and left out.

    Args:
        task: What they are asked to do.
        names: Variants or rows of `MODELS`; None means all.

    Returns:
        The measurements.

    Raises:
        UnknownNameError: If a name is none.
    """
    device = choose_device(task.device)
    chosen = choose(names)
    kinds = precisions(device)
    entries: list[Entry] = []
    failures: dict[str, str] = {}
    for name in track(chosen, "measuring networks", len(chosen)):
        try:
            entries.append(_measure(name, task, device, kinds))
        except Exception as error:  # one network must not hide the others
            log.debug("%s failed.", name, exc_info=True)
            reason = " ".join(str(error).split()) or "no detail"
            failures[name] = f"{name} could not be measured ({type(error).__name__}: {reason})."
    threads = f", {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    return Survey(
        entries=tuple(entries),
        task=task,
        where=f"{device}{threads}, torch {torch.__version__}",
        failures=failures,
    )


def choose(names: Iterable[str] | None) -> list[str]:
    """Find the variants that names mean.

    Args:
        names: Variants such as "segformer-b0", or rows of `MODELS`, which mean all of theirs.

    Returns:
        Variants in the table's order.

    Raises:
        UnknownNameError: If a name is neither.
    """
    variants = list_variants()
    if names is None:
        return list(variants)
    known: dict[str, set[str]] = {name: {name} for name in variants}
    for name, (row, _) in variants.items():
        known.setdefault(row, set()).add(name)
    wanted = set().union(*(pick(known, name, what="network") for name in names))
    return [name for name in variants if name in wanted]


def _measure(name: str, task: Task, device: torch.device, kinds: Sequence[str]) -> Entry:
    row, options = list_variants()[name]
    torch.manual_seed(0)
    network = build_model(row, task.channels, task.classes, len(task.size), **options)
    network = network.to(device).eval()
    image = torch.randn(1, task.channels, *task.size, device=device)
    cost = measure_cost(network, image)
    wanted = (1, task.classes, *task.size)
    if cost.outputs != (wanted,):
        raise ShapeError(
            f"logits must be one tensor of {wanted}, not {cost.outputs}. Mend the network."
        )
    times = measure_latency(network, image, kinds, rounds=task.rounds)
    return Entry(
        name=name, cost=cost, seconds={kind: found.median_s for kind, found in times.items()}
    )


def _align(rows: Sequence[Sequence[str]]) -> str:
    """Lay cells out in columns, the first to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        first, *rest = (
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *rest]).rstrip())
    return "\n".join(lines)
