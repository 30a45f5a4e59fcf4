"""Whether a model's probabilities can be trusted, from what `predict --probabilities` left."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import DelineateError
from delineate.core.labels import LabelTable
from delineate.core.progress import track
from delineate.datasets.masks import name_of
from delineate.diagrams import draw_reliability, draw_risk_coverage
from delineate.metrics import dice
from delineate.metrics.calibration import Calibration
from delineate.metrics.uncertainty import DiceForecast, ErrorDetection, expected_dice
from delineate.pairing import named
from delineate.said import true_mask
from delineate.truth import Truth

BAND_VOXELS = 2.0
"""Half width of the boundary band, in voxels' shortest sides."""


@dataclass(kw_only=True, eq=False)
class Trust:
    """What the probabilities of all cases together were worth."""

    calibration: Calibration
    """Probabilities against the truth."""
    errors: ErrorDetection = field(default_factory=ErrorDetection)
    """Entropy in wrong and in right voxels."""
    forecasts: dict[str, DiceForecast] = field(default_factory=dict)
    """Dice foretold and measured, by class."""
    num_cases: int = 0
    """Cases that had probabilities."""
    notes: list[str] = field(default_factory=list)
    """Which cases could not be used, and why."""

    def add(
        self,
        chances: NDArray[Any],
        truth: NDArray[Any],
        labels: LabelTable,
        spacing: NDArray[np.float64],
    ) -> None:
        """Count one case.

        Args:
            chances: Probability of background, then of each class, (K, *S).
            truth: Place of each voxel's class, 0 is background, (*S); -1 does not count.
            labels: The classes.
            spacing: Voxel size in array order, the shortest side as 1.
        """
        self.calibration.add(chances, truth, ignore=-1, spacing=spacing.tolist())
        said, counted = chances.argmax(axis=0), truth != -1
        safe = np.clip(chances, 1e-12, 1)
        doubt = -(chances * np.log(safe)).sum(axis=0) / np.log(len(chances))
        self.errors.add(np.clip(doubt, 0, 1), said != truth, counted=counted)
        for place, label in enumerate(labels.labels, start=1):
            mask, so = (said == place) & counted, truth == place
            forecast = self.forecasts.setdefault(label.name, DiceForecast())
            forecast.add(expected_dice(chances[place] * counted, mask), dice(mask, so))
        self.num_cases += 1

    def to_dict(self) -> dict[str, Any]:
        """Turn the measures into plain values, None where there is none.

        Returns:
            Numbers by name, and by class.
        """
        classes = self.calibration.class_curves[1:]
        values = {
            "num_cases": self.num_cases,
            "ece": self.calibration.curve.ece,
            "ece_band": self.calibration.band_curve.ece,
            "brier": self.calibration.brier,
            "error_auroc": self.errors.auroc,
            "aurc": self.errors.risk_coverage.area,
        }
        return {
            **{name: _finite(value) for name, value in values.items()},
            "classes": {
                name: {
                    "ece": _finite(curve.ece),
                    "dice_forecast_error": _finite(self.forecasts[name].mean_absolute_error),
                    "dice_forecast_correlation": _finite(self.forecasts[name].correlation),
                }
                for name, curve in zip(self.forecasts, classes, strict=True)
            },
            "notes": self.notes,
        }

    def to_html(self) -> str:
        """Draw the curves and say the numbers.

        Returns:
            A part of the page.
        """
        curves = {
            "all voxels": self.calibration.curve,
            "near a border": self.calibration.band_curve,
        }
        curves |= dict(zip(self.forecasts, self.calibration.class_curves[1:], strict=True))
        facts = self.to_dict()
        rows = [
            ("ECE, all voxels", facts["ece"]),
            ("ECE, within 2 voxels of a border", facts["ece_band"]),
            ("Brier score (0 to 2)", facts["brier"]),
            ("AUROC of entropy for errors", facts["error_auroc"]),
            ("Area under risk and coverage", facts["aurc"]),
        ]
        for name, values in facts["classes"].items():
            rows.append((f"Dice foretold, mean error: {name}", values["dice_forecast_error"]))
        lines = "".join(
            f"<tr><td>{escape(what)}</td><td>{'–' if value is None else f'{value:.4f}'}</td></tr>"
            for what, value in rows
        )
        notes = "".join(f'<p class="faint">{escape(note)}</p>' for note in self.notes)
        return (
            f'<div class="plots"><figure><img alt="Reliability" src="{draw_reliability(curves)}">'
            '</figure><figure><img alt="Risk against coverage" src="'
            f'{draw_risk_coverage({"entropy": self.errors.risk_coverage})}"></figure></div>'
            f"<table><tr><th>Measure</th><th>Value</th></tr>{lines}</table>"
            f'<p class="faint">{self.num_cases} cases had probabilities. Classes: each against the '
            "rest, in all voxels. ECE has 15 bins of equal width.</p>" + notes
        )


def measure_trust(truth: Truth, files: Mapping[str, Path]) -> Trust | None:
    """Read the probabilities beside the predictions, case by case.

    Args:
        truth: What is so.
        files: Prediction by case.

    Returns:
        The measures; None if no prediction has probabilities beside it, or where classes
        overlap, since then they do not sum to 1.
    """
    found = {case: _beside(path) for case, path in files.items()}
    there = {case: path for case, path in found.items() if path.is_file()}
    if not there or not truth.labels.is_exclusive:
        return None
    trust = Trust(calibration=Calibration(len(truth.labels.labels) + 1, band_width=BAND_VOXELS))
    failed = []
    for case, path in track(there.items(), "reading probabilities", len(there)):
        try:
            _add(trust, truth, case, path)
        except (DelineateError, OSError, ValueError, KeyError) as error:
            failed.append(f"{case} ({error})")
    if failed:
        trust.notes.append(f"Probabilities that could not be used: {named(failed)}.")
    return trust if trust.num_cases else None


def _add(trust: Trust, truth: Truth, case: str, path: Path) -> None:
    mask, labels = true_mask(truth, case), truth.labels
    with np.load(path, allow_pickle=False) as content:
        chances = content["probabilities"].astype(np.float64)
    places = np.zeros(mask.geometry.shape, np.int64)
    for place, label in enumerate(labels.labels, start=1):
        places[mask.region(label, labels)] = place
    if labels.ignore is not None:
        places[mask.array == labels.ignore] = -1
    if chances.shape[1:] != places.shape:
        raise DelineateError(f"{path.name} has shape {chances.shape[1:]}, not {places.shape}.")
    total = chances.sum(axis=0)
    # Stored as float16, whose sums lie some thousandths off 1.
    chances /= np.where(total > 0, total, 1)
    sides = np.asarray(mask.geometry.spacing_mm)
    trust.add(chances, places, labels, sides / sides.min())


def _beside(path: Path) -> Path:
    return path.with_name(f"{name_of(path)}_probabilities.npz")


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def said_trust(trusts: Iterable[tuple[str, Trust]]) -> list[str]:
    """Say in a sentence a model how far its probabilities go.

    Args:
        trusts: Models' names and measures.

    Returns:
        A sentence each.
    """
    return [
        f"{f'{model}: ' if model else ''}Probabilities of {trust.num_cases} cases: ECE "
        f"{trust.calibration.curve.ece:.4f} ({trust.calibration.band_curve.ece:.4f} near borders), "
        f"Brier {trust.calibration.brier:.4f}, AUROC for errors {trust.errors.auroc:.3f}."
        for model, trust in trusts
    ]
