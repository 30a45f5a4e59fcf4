"""Statistics that travel in a fingerprint: sizes over cases, intensities over voxels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How a quantity is spread over the cases, per axis in array order."""

    min: tuple[float, ...]
    """Smallest value."""
    p10: tuple[float, ...]
    """Tenth percentile."""
    median: tuple[float, ...]
    """Median."""
    max: tuple[float, ...]
    """Largest value."""

    @classmethod
    def of(cls, rows: Sequence[Sequence[float]]) -> "Spread":
        """Summarise one row a case.

        Args:
            rows: Values, (cases, axes).

        Returns:
            The spread of each column.
        """
        low, tenth, middle, high = np.percentile(np.asarray(rows, float), (0, 10, 50, 100), axis=0)
        return cls(
            min=tuple(low.tolist()),
            p10=tuple(tenth.tolist()),
            median=tuple(middle.tolist()),
            max=tuple(high.tolist()),
        )

    def to_dict(self) -> dict[str, list[float]]:
        """Turn the spread into plain values.

        Returns:
            Lists by name of the statistic.
        """
        names = ("min", "p10", "median", "max")
        return {name: [tidy(value) for value in getattr(self, name)] for name in names}


@dataclass(frozen=True, kw_only=True)
class Intensity:
    """Statistics of one channel over a sample with an equal number of voxels a case."""

    mean: float
    """Mean."""
    std: float
    """Standard deviation."""
    min: float
    """Smallest sampled value."""
    p0_5: float
    """Percentile 0.5."""
    median: float
    """Median."""
    p99_5: float
    """Percentile 99.5."""
    max: float
    """Largest sampled value."""

    @classmethod
    def of(cls, values: Any) -> "Intensity":  # noqa: ANN401 - an array of any real dtype
        """Summarise a sample.

        Args:
            values: Intensities, (n,).

        Returns:
            The statistics.
        """
        low, bottom, middle, top, high = np.percentile(values, (0, 0.5, 50, 99.5, 100))
        return cls(
            mean=float(np.mean(values, dtype=np.float64)),
            std=float(np.std(values, dtype=np.float64)),
            min=float(low),
            p0_5=float(bottom),
            median=float(middle),
            p99_5=float(top),
            max=float(high),
        )

    def to_dict(self) -> dict[str, float]:
        """Turn the statistics into plain values.

        Returns:
            Numbers by name.
        """
        return {name: tidy(value) for name, value in vars(self).items()}


def tidy(value: float) -> float:
    """Round to five significant digits, for people to read.

    Args:
        value: Any number.

    Returns:
        The rounded number.
    """
    return float(f"{float(value):.5g}")
