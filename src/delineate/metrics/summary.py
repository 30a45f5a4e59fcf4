"""From a row per case to a number with its uncertainty: means, medians, bootstrap intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
INTERVAL_POLICY = (
    "Intervals: 95 % percentile bootstrap of the mean over patients, each drawn with all of its "
    "cases. With fewer than about ten patients they are too narrow. All classes: the mean of the "
    "classes' means; its median is that of each case's mean."
)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One metric of one class over all cases; the counts stand beside the mean always."""

    label: str
    """The class, or "all classes"."""
    metric: str
    """Row of `METRICS`."""
    mean: float
    """Mean over cases; over all classes: mean of the classes' means. nan without a value."""
    low: float
    """Lower end of the 95 % interval of the mean; nan with fewer than two patients."""
    high: float
    """Upper end of the 95 % interval of the mean; nan with fewer than two patients."""
    median: float
    """Median over cases; over all classes: of each case's mean over its classes."""
    num_patients: int
    """Patients with a value; the interval resamples them."""
    num_scored: int
    """Cases where truth and prediction both have the class."""
    num_missed: int
    """Cases where only the truth has it; they count with the worst value."""
    num_spurious: int
    """Cases where only the prediction has it; they count with the worst value."""
    num_absent: int
    """Cases where neither has it; they have no value and do not count."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Interval:
    """A mean and the 95 % percentile interval of its bootstrap over patients."""

    mean: float
    """Mean of the classes' means, each over cases."""
    low: float
    """2.5th percentile of the resampled means; nan with fewer than two patients."""
    high: float
    """97.5th percentile of the resampled means; nan with fewer than two patients."""
    num_patients: int
    """Patients with at least one value."""


def bootstrap(
    values: NDArray[Any], patients: Sequence[str], *, num_resamples: int = 2000, seed: int = 0
) -> Interval:
    """Resample patients with replacement, each with all of its cases.

    Cases of one patient resemble each other, so drawing cases would make the interval too
    narrow. With few patients (below about ten) it is too narrow still.

    Args:
        values: Metric of each case and class, (cases, classes), float; nan where absent.
        patients: Patient of each case, of length `cases`.
        num_resamples: How many times the patients are drawn.
        seed: Equal seeds give equal intervals.

    Returns:
        Mean over classes of the mean over cases, and its interval.
    """
    mean, means, number = resample(values, patients, num_resamples=num_resamples, seed=seed)
    if number < 2:
        return Interval(mean=mean, low=np.nan, high=np.nan, num_patients=number)
    low, high = np.percentile(means[np.isfinite(means)], [2.5, 97.5])
    return Interval(mean=mean, low=float(low), high=float(high), num_patients=number)


def resample(
    values: NDArray[Any], patients: Sequence[str], *, num_resamples: int = 2000, seed: int = 0
) -> tuple[float, FloatArray, int]:
    """Draw the means that `bootstrap` makes an interval of.

    Args:
        values: Metric of each case and class, (cases, classes), float; nan where absent.
        patients: Patient of each case, of length `cases`.
        num_resamples: How many times the patients are drawn.
        seed: Equal seeds give equal means.

    Returns:
        The mean; the resampled means, (num_resamples,), none with fewer than two patients; and
        the number of patients with a value.
    """
    grid = np.asarray(values, dtype=np.float64)
    has_value = np.isfinite(grid)
    kept = [place for place in range(len(grid)) if has_value[place].any()]
    names = sorted({patients[place] for place in kept})
    if not names:
        return float("nan"), np.zeros(0), 0
    owner = np.array([names.index(patients[place]) for place in kept])
    totals, counts = np.zeros((2, len(names), grid.shape[1]))
    np.add.at(totals, owner, np.where(has_value, grid, 0)[kept])
    np.add.at(counts, owner, has_value[kept].astype(np.float64))
    mean = float(_class_mean(totals.sum(0)[None], counts.sum(0)[None])[0])
    if len(names) < 2:
        return mean, np.zeros(0), len(names)
    shares = np.full(len(names), 1 / len(names))
    draws = np.random.default_rng(seed).multinomial(len(names), shares, size=num_resamples)
    return mean, _class_mean(draws @ totals, draws @ counts), len(names)


def case_medians(values: NDArray[Any]) -> float:
    """Take the median over cases of each case's mean over the classes that it has.

    Args:
        values: Metric of each case and class, (cases, classes), float; nan where absent.

    Returns:
        The median; nan if no case has a value.
    """
    grid = np.asarray(values, dtype=np.float64)
    has_value = np.isfinite(grid)
    counts = has_value.sum(axis=1)
    means = np.where(has_value, grid, 0).sum(axis=1)[counts > 0] / counts[counts > 0]
    return float(np.median(means)) if means.size else float("nan")


def group_means(values: NDArray[Any], groups: Sequence[str]) -> dict[str, float]:
    """Average cases group by group, such as by tissue.

    Args:
        values: Metric of each case and class, (cases, classes), float; nan where absent.
        groups: Group of each case, of length `cases`.

    Returns:
        By group the mean over classes of the mean over its cases; nan without a value.
    """
    grid, owners = np.asarray(values, dtype=np.float64), np.asarray(groups)
    means = {}
    for group in dict.fromkeys(groups):
        part = grid[owners == group]
        has_value = np.isfinite(part)
        totals = np.where(has_value, part, 0).sum(axis=0)
        means[group] = float(_class_mean(totals[None], has_value.sum(axis=0)[None])[0])
    return means


def _class_mean(totals: FloatArray, counts: NDArray[Any]) -> FloatArray:
    """Average each class over its cases, then the classes that a resample holds."""
    has_class = counts > 0
    means = np.divide(totals, counts, out=np.zeros_like(totals), where=has_class)
    number = has_class.sum(axis=1)
    mean = np.full(len(means), np.nan)
    np.divide(means.sum(axis=1), number, out=mean, where=number > 0)
    return mean
