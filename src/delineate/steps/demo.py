"""Show the whole way on synthetic data, a scan and a slide: make, plan, train, predict, look."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

from delineate.core.errors import DatasetError
from delineate.core.files import write_text
from delineate.datasets.phantoms import write_dataset
from delineate.datasets.tissue import write_tiles
from delineate.metrics import Scoreboard
from delineate.steps.describe import DescribeSettings, describe
from delineate.steps.evaluate import EvaluateSettings, evaluate
from delineate.steps.plan import PlanSettings, plan
from delineate.steps.predict import PredictSettings, predict
from delineate.steps.train import TrainSettings, train

log = logging.getLogger("delineate")

MARK = "made-by-delineate-demo.txt"
"""File that tells a demo's folder from one of the user's own."""
SCANS, SLIDES = "scans", "slides"
"""Folders of the two halves."""
UNSEEN = 1000
"""Distance of the seeds of what is held out, so that no seed is on both sides."""
LARGEST_PATCH = 128
"""Patches of the slides in pixels: in a minute, many small steps teach more than few large."""
MILD = {"quarter_turns": 0.5, "mirror_axes": [0], "stain": {"gain": 0.2, "offset": 0.03}}
"""Variation of the slides: a minute is too short to learn from every laboratory."""


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """How large a demonstration, and where to."""

    out: Path = Path("demo")
    """Folder of everything that the demonstration makes."""
    patients: int = 10
    """Synthetic patients; a fifth of them is held out, another fifth validates."""
    tiles: int = 30
    """Synthetic tiles of tissue; a fifth of them is held out, another fifth validates."""
    budget: str = "60s"
    """Time for training, first on scans and then on tiles."""
    steps: int | None = None
    """Training steps instead of a time."""
    slices: int = 24
    """Slices of each scan."""
    size: int = 96
    """Voxels along the sides of each slice."""
    tile_size: int = 256
    """Pixels along the sides of each tile."""
    seed: int = 0
    """Seed of patients, tiles, folds and weights."""


@dataclass(frozen=True, kw_only=True)
class Demonstrated:
    """What the demonstration made."""

    folder: Path
    """Where everything is."""
    scans: Scoreboard
    """Scores of the patients that the network had not seen."""
    slides: Scoreboard
    """Scores of the tiles that the network had not seen."""
    failures: Mapping[str, str] = field(default_factory=dict)
    """Cases that went wrong, by id."""

    @property
    def text(self) -> str:
        """What to tell the user: the scores and where to look."""
        return "\n".join(
            [
                _told("Scans", self.scans, ("dice", "hd95")),
                _told("Slides", self.slides, ("dice", "aji", "pq")),
                "All of it is synthetic and the training was short: this shows the way, not a "
                "result.",
                *(f"Open  {self.folder / half / 'report' / 'report.html'}" for half in HALVES),
                f"Look  {self.folder / SCANS / 'predictions'}  (NIfTI and overlays)",
                f"      {self.folder / SLIDES / 'predictions'}  (GeoJSON for QuPath, tables, "
                "TIFF and overlays)",
                f"      {self.folder / SLIDES / 'run' / 'plan.yaml'}  (every decision with its "
                "reason)",
                f"      {self.folder / SLIDES / 'run' / 'progress.png'}  (training curves)",
            ]
        )


def _told(name: str, board: Scoreboard, metrics: tuple[str, ...]) -> str:
    means = [
        f"{board.title(metric)} {board.find(board.overall, metric).mean:.2f}" for metric in metrics
    ]
    what = ", ".join(board.labels[1:] if board.has_objects else board.labels)
    return f"{name:7} {len(board.cases)} unseen; {what}: {', '.join(means)} on average."


def demo(settings: DemoSettings) -> Demonstrated:
    """Make synthetic patients and tiles of tissue, train on some and measure on others.

    Args:
        settings: How large, and where to.

    Returns:
        Scores and where to look.

    Raises:
        DatasetError: If the folder holds something else.
    """
    out = settings.out
    if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
        raise DatasetError(f"{out} holds files that no demonstration made. Choose another --out.")
    write_text(out / MARK, "Delineate made this folder; it may be deleted.\n")
    boards: dict[str, Scoreboard] = {}
    failures: dict[str, str] = {}
    for half, make in HALVES.items():
        rmtree(out / half, ignore_errors=True)  # the folder is the demonstration's, as MARK says
        boards[half], wrong = make(settings)
        failures |= wrong
    return Demonstrated(folder=out, scans=boards[SCANS], slides=boards[SLIDES], failures=failures)


def show_scans(settings: DemoSettings) -> tuple[Scoreboard, Mapping[str, str]]:
    """Outline organs in abdominal MR scans.

    Args:
        settings: How large, and where to.

    Returns:
        Scores of patients that did not train, and what went wrong by case.
    """
    place, shape = settings.out / SCANS, (settings.slices, settings.size, settings.size)
    seen, held_out = _parts(settings.patients)
    log.info("Making %d synthetic abdominal MR scans.", settings.patients)
    write_dataset(place / "unseen", held_out, settings.seed + UNSEEN, shape=shape)
    data = write_dataset(place / "seen", seen, settings.seed, shape=shape)
    log.info("%s", describe(DescribeSettings(data=data)).text)
    return _learn_and_show(settings, place, "nifti,overlay", "imagesTr")


def show_slides(settings: DemoSettings) -> tuple[Scoreboard, Mapping[str, str]]:
    """Tell nuclei apart in tiles of stained tissue, with their types.

    Args:
        settings: How large, and where to.

    Returns:
        Scores of tiles that did not train, and what went wrong by case.
    """
    place, shape = settings.out / SLIDES, (settings.tile_size, settings.tile_size)
    seen, held_out = _parts(settings.tiles)
    log.info("Making %d synthetic tiles of stained tissue.", settings.tiles)
    write_tiles(place / "unseen", held_out, settings.seed + UNSEEN, shape=shape)
    data = write_tiles(place / "seen", seen, settings.seed, shape=shape)
    log.info("%s", describe(DescribeSettings(data=data)).text)
    side = min(LARGEST_PATCH, settings.tile_size)
    decided = plan(
        PlanSettings(
            data=data, out=place / "run", budget=settings.budget, steps=settings.steps,
            seed=settings.seed, patch=(side, side), measure=False,
        )
    )  # fmt: skip
    mild = decided.plan.deciding("The demonstration is short.", augmentation=MILD)
    mild.save(decided.path)
    return _learn_and_show(settings, place, "geojson,csv,tiff,overlay", "images")


HALVES = {SCANS: show_scans, SLIDES: show_slides}
"""What makes each half."""


def _parts(number: int) -> tuple[int, int]:
    held_out = max(1, number // 5)
    return number - held_out, held_out


def _learn_and_show(
    settings: DemoSettings, place: Path, formats: str, images: str
) -> tuple[Scoreboard, Mapping[str, str]]:
    train(
        TrainSettings(
            data=place / "seen", out=place / "run", budget=settings.budget,
            steps=settings.steps, seed=settings.seed,
        )
    )  # fmt: skip
    predicted = predict(
        PredictSettings(
            inputs=(str(place / "unseen" / images),), model=str(place / "run"),
            out=place / "predictions", format=formats,
        )
    )  # fmt: skip
    scoreboard = evaluate(
        EvaluateSettings(
            predictions=place / "predictions", truth=place / "unseen", out=place / "report",
            run=place / "run", title=f"Demonstration on synthetic {place.name}",
        )
    )  # fmt: skip
    return scoreboard, predicted.failures
