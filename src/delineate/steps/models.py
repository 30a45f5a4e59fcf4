"""Models: list the bundles that come with the package, or measure the networks to train."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from delineate.core.errors import ShapeError
from delineate.core.plan import Plan

if TYPE_CHECKING:
    from delineate.infer.survey import Survey

SHIPPED = Path(__file__).parents[1] / "bundles"
"""Where bundles lie in the package, one folder each."""
WEIGHTS = ("weights.safetensors", "best.safetensors", "last.safetensors")
"""Names of weight files, the preferred first."""


@dataclass(frozen=True, kw_only=True)
class ModelsSettings:
    """Which bundles to list, or which networks to measure."""

    folder: Path | None = None
    """Folder of bundles or runs, one folder each; those that come with Delineate if left out."""
    networks: bool = False
    """Whether to measure the untrained networks instead: parameters, MACs, memory, time."""
    only: str | None = None
    """Networks to measure, separated by commas, such as unet,segformer-b0; all if left out."""
    size: str = "256,256"
    """Voxels of the measured image along each axis, two or three numbers."""
    channels: int = 3
    """Channels of the measured image."""
    classes: int = 6
    """Classes, background included, of the measured networks."""
    rounds: int = 10
    """Passes that are timed in each precision."""
    device: str = "auto"
    """Where to measure: auto, cpu, cuda or cuda:N."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What is known of one bundle."""

    name: str
    """What `--model` takes."""
    purpose: str
    """What it is for, in one sentence."""
    licence: str
    """Terms of use."""
    scores: str
    """What was measured, or that nothing was."""
    size_mb: float
    """Size of the weights, in millions of bytes."""


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The bundles that were found."""

    listings: tuple[Listing, ...]
    """One each, in alphabetical order."""
    folder: Path
    """Where they were looked for."""

    @property
    def text(self) -> str:
        """What to tell the user."""
        if not self.listings:
            return (
                f"There are no models in {self.folder}. "
                "Train one with `delineate train DATA --out RUN`."
            )
        blocks = [
            f"{entry.name}  ({entry.size_mb:.1f} MB)\n"
            f"  for      {entry.purpose}\n"
            f"  licence  {entry.licence}\n"
            f"  scores   {entry.scores}"
            for entry in self.listings
        ]
        name = self.listings[0].name
        return (
            "\n\n".join(blocks) + f"\n\nUse one: delineate predict INPUT --model {name} --out PRED"
        )


def models(settings: ModelsSettings) -> "Shelf | Survey":
    """List models with purpose, licence, measured scores and size, or measure networks.

    Args:
        settings: Where to look, or what to measure.

    Returns:
        The list; a folder without `plan.yaml` is no bundle and left out. With `networks`, what
        was measured of each.

    Raises:
        PlanError: If a bundle's plan cannot be read.
        ShapeError: If `size` is not two or three numbers.
        UnknownNameError: If `only` names a network that there is not.
    """
    if settings.networks:
        return _survey(settings)
    folder = settings.folder or SHIPPED
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    listings = tuple(read_listing(path) for path in found if (path / "plan.yaml").is_file())
    return Shelf(listings=listings, folder=folder)


def _survey(settings: ModelsSettings) -> "Survey":
    from delineate.infer.survey import Task, survey  # brings torch, which a list can do without

    if min(settings.channels, settings.classes, settings.rounds) < 1:
        raise ShapeError(
            "channels, classes and rounds must be at least 1, not "
            f"{settings.channels}, {settings.classes} and {settings.rounds}. Correct them."
        )
    task = Task(
        size=_read_size(settings.size),
        channels=settings.channels,
        classes=settings.classes,
        rounds=settings.rounds,
        device=settings.device,
    )
    names = None if settings.only is None else [one.strip() for one in settings.only.split(",")]
    return survey(task, names)


def _read_size(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) not in (2, 3) or not all(part.isdigit() and int(part) for part in parts):
        raise ShapeError(
            f"size must be two or three numbers above 0, not {text!r}. Pass one such as "
            "--size 256,256 or --size 32,128,128."
        )
    return tuple(map(int, parts))


def read_listing(bundle: Path) -> Listing:
    """Read what a bundle says of itself, without its weights.

    `card.md` may begin with lines `key: value` between two lines `---`; `purpose` and
    `licence` are read from there. `metrics.json` is what `delineate evaluate` writes.

    Args:
        bundle: A folder with `plan.yaml`.

    Returns:
        The listing; what nobody wrote is said to be unknown.
    """
    plan = Plan.load(bundle / "plan.yaml")
    card = _read_card(bundle / "card.md")
    names = ", ".join(plan.labels.names)
    kind = "volumes" if len(plan.spacing_mm) == 3 else "pictures"
    guess = f"{names} in {kind} of channels {', '.join(plan.channels)}."
    weights = [bundle / name for name in WEIGHTS if (bundle / name).is_file()]
    return Listing(
        name=bundle.name,
        purpose=card.get("purpose", guess),
        licence=card.get("licence", card.get("license", "not stated; ask whoever trained it")),
        scores=_read_scores(bundle / "metrics.json"),
        size_mb=weights[0].stat().st_size / 1e6 if weights else 0.0,
    )


def _read_card(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    head = re.match(r"---\n(.*?)\n---\n", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    try:
        facts = yaml.safe_load(head.group(1)) if head else {}
    except yaml.YAMLError:
        return {}
    if not isinstance(facts, Mapping):
        return {}
    return {str(key): " ".join(str(value).split()) for key, value in facts.items()}


def _read_scores(path: Path) -> str:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return _tell(facts["summary"], facts.get("unit", "mm"))
    except FileNotFoundError:
        return "not measured"
    except (OSError, ValueError, KeyError, TypeError):
        return f"{path.name} cannot be read; measure again with `delineate evaluate`"


def _tell(rows: list[dict[str, Any]], unit: str) -> str:
    overall = [row for row in rows if row["label"] == "all classes"] or rows
    parts = []
    for row in overall:
        if row["mean"] is None:
            continue
        after = f" {unit}" if row["metric"].startswith("hd") else ""
        bounds = [row.get("low"), row.get("high")]
        span = "" if None in bounds else f" ({bounds[0]:.3f} to {bounds[1]:.3f})"
        parts.append(f"{row['metric']} {row['mean']:.3f}{after}{span}")
    patients = max((int(row.get("num_patients") or 0) for row in overall), default=0)
    whom = f", mean over {patients} patients (95 % interval)" if patients else ""
    return ", ".join(parts) + whom if parts else "not measured"
