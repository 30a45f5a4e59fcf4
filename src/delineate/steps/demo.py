"""Show the whole way on synthetic patients: make, plan, train, predict, evaluate, look."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

from delineate.core.errors import DatasetError
from delineate.core.files import write_text
from delineate.datasets.phantoms import write_dataset
from delineate.metrics import Scoreboard
from delineate.steps.describe import DescribeSettings, describe
from delineate.steps.evaluate import EvaluateSettings, evaluate
from delineate.steps.predict import PredictSettings, predict
from delineate.steps.train import TrainSettings, train

log = logging.getLogger("delineate")

MARK = "made-by-delineate-demo.txt"
"""File that tells a demo's folder from one of the user's own."""


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """How large a demonstration, and where to."""

    out: Path = Path("demo")
    """Folder of everything that the demonstration makes."""
    patients: int = 10
    """Synthetic patients; a fifth of them is held out, another fifth validates."""
    budget: str = "75s"
    """Time for training."""
    steps: int | None = None
    """Training steps instead of a time."""
    slices: int = 24
    """Slices of each scan."""
    size: int = 96
    """Voxels along the sides of each slice."""
    seed: int = 0
    """Seed of patients, folds and weights."""


@dataclass(frozen=True, kw_only=True)
class Demonstrated:
    """What the demonstration made."""

    folder: Path
    """Where everything is."""
    scoreboard: Scoreboard
    """Scores of the patients that the network had not seen."""
    failures: Mapping[str, str] = field(default_factory=dict)
    """Cases that went wrong, by id."""

    @property
    def text(self) -> str:
        """What to tell the user: the scores and where to look."""
        report = self.folder / "report" / "report.html"
        return (
            f"{self.scoreboard.text}\n"
            f"The patients are synthetic and the training was short; this shows the way, not a "
            f"result.\nOpen  {report}\n"
            f"Look  {self.folder / 'predictions'}  (NIfTI and overlays)\n"
            f"      {self.folder / 'run' / 'plan.yaml'}  (every decision with its reason)\n"
            f"      {self.folder / 'run' / 'progress.png'}  (training curves)"
        )


def demo(settings: DemoSettings) -> Demonstrated:
    """Make synthetic patients, train on some and measure on others.

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
    held_out = max(1, settings.patients // 5)
    data = make_patients(settings, held_out)
    log.info("%s", describe(DescribeSettings(data=data)).text)
    run = out / "run"
    rmtree(run, ignore_errors=True)  # the folder is the demonstration's own, as MARK says
    train(
        TrainSettings(
            data=data, out=run, budget=settings.budget, steps=settings.steps, seed=settings.seed
        )
    )
    predicted = predict(
        PredictSettings(
            inputs=(str(out / "unseen" / "imagesTr"),),
            model=str(run),
            out=out / "predictions",
            format="nifti,overlay",
        )
    )
    scoreboard = evaluate(
        EvaluateSettings(
            predictions=out / "predictions",
            truth=out / "unseen",
            out=out / "report",
            run=run,
            title="Demonstration on synthetic patients",
        )
    )
    return Demonstrated(folder=out, scoreboard=scoreboard, failures=predicted.failures)


def make_patients(settings: DemoSettings, held_out: int) -> Path:
    """Write the synthetic patients, some of them apart.

    Args:
        settings: How many, how large, from which seed.
        held_out: Patients that training never sees.

    Returns:
        Folder of the patients to train on; the others are in "unseen" beside it.
    """
    shape = (settings.slices, settings.size, settings.size)
    seen = settings.patients - held_out
    log.info("Making %d synthetic abdominal MR scans.", settings.patients)
    write_dataset(settings.out / "unseen", held_out, settings.seed + 1000, shape=shape)
    return write_dataset(settings.out / "patients", seen, settings.seed, shape=shape)
