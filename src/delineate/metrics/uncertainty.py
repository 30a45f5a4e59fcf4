"""Whether uncertainty points at the errors: AUROC, risk against coverage, Dice foretold.

Uncertainty is counted in a fine grid of levels, so memory does not grow with the cases; voxels
of one level are ties, and ties count half. With values on the grid the results are exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import DelineateError, ShapeError

FloatArray = NDArray[np.float64]
NUM_LEVELS = 65536


@dataclass(frozen=True, kw_only=True, eq=False)
class RiskCoverage:
    """The share of errors among the voxels kept, as ever less certain ones are added."""

    coverage: FloatArray
    """Share of voxels kept, the surest first, (P,), rising to 1."""
    risk: FloatArray
    """Share of errors among those kept, (P,)."""
    area: float
    """AURC: mean risk over all coverages, in [0, 1], 0 is best; nan without a voxel."""


class ErrorDetection:
    """Adds up, case by case, how uncertainty lies in right and in wrong voxels."""

    def __init__(self, *, num_levels: int = NUM_LEVELS) -> None:
        """Start with nothing counted.

        Args:
            num_levels: Equidistant levels of uncertainty from 0 to 1, with both ends.

        Raises:
            DelineateError: If there are fewer than two levels.
        """
        if num_levels < 2:
            raise DelineateError(f"num_levels must be at least 2, not {num_levels}. Pass more.")
        self.num_levels = num_levels
        self.right = np.zeros(num_levels, dtype=np.int64)
        self.wrong = np.zeros(num_levels, dtype=np.int64)

    def add(
        self,
        uncertainty: NDArray[Any],
        is_wrong: NDArray[np.bool_],
        *,
        counted: NDArray[np.bool_] | None = None,
    ) -> None:
        """Count one case.

        Args:
            uncertainty: High where the model doubts, (*S), float in [0, 1].
            is_wrong: True where the prediction is not the truth, (*S), bool.
            counted: False where the truth is ignored, (*S), bool; None to count all.

        Raises:
            ShapeError: If the shapes differ.
            DelineateError: If a counted uncertainty is not in [0, 1].
        """
        doubt, wrong = np.asarray(uncertainty, dtype=np.float64), np.asarray(is_wrong, dtype=bool)
        seen = np.ones(wrong.shape, dtype=bool) if counted is None else np.asarray(counted, bool)
        if not doubt.shape == wrong.shape == seen.shape:
            raise ShapeError(
                f"uncertainty, is_wrong and counted must have one shape, not {doubt.shape}, "
                f"{wrong.shape} and {seen.shape}. Put them on one grid."
            )
        doubt, wrong = doubt[seen], wrong[seen]
        if doubt.size and not (doubt.min() >= 0 and doubt.max() <= 1):
            raise DelineateError(
                f"uncertainty must lie in [0, 1], not in [{doubt.min():g}, {doubt.max():g}]. "
                "Divide an entropy by the logarithm of the number of classes."
            )
        places = np.rint(doubt * (self.num_levels - 1)).astype(np.int64)
        self.right += np.bincount(places[~wrong], minlength=self.num_levels)
        self.wrong += np.bincount(places[wrong], minlength=self.num_levels)

    def merge(self, other: "ErrorDetection") -> "ErrorDetection":
        """Add two accumulators, as if one had seen all cases.

        Args:
            other: One with as many levels.

        Returns:
            A new accumulator.

        Raises:
            ShapeError: If the numbers of levels differ.
        """
        if self.num_levels != other.num_levels:
            raise ShapeError(
                f"num_levels must be equal to merge, not {self.num_levels} and "
                f"{other.num_levels}. Start both accumulators alike."
            )
        both = ErrorDetection(num_levels=self.num_levels)
        both.right, both.wrong = self.right + other.right, self.wrong + other.wrong
        return both

    @property
    def auroc(self) -> float:
        """Chance that a wrong voxel is less certain than a right one, ties half; nan without."""
        pairs = float(self.right.sum()) * float(self.wrong.sum())
        below = np.cumsum(self.right) - self.right
        won = (self.wrong * (below + self.right / 2)).sum()
        return float(won / pairs) if pairs else float("nan")

    @property
    def risk_coverage(self) -> RiskCoverage:
        """Risk against coverage; within a level errors come evenly (Geifman, arXiv:1805.08206).

        The area is a mean of the risk at each voxel kept; ties have the mean of their level's
        expected order.
        """
        number, wrong = self.right + self.wrong, self.wrong
        used = number > 0
        number, wrong = number[used].astype(np.float64), wrong[used].astype(np.float64)
        total = number.sum()
        if not total:
            return RiskCoverage(coverage=np.zeros(0), risk=np.zeros(0), area=float("nan"))
        kept, errors = np.cumsum(number), np.cumsum(wrong)
        before, errors_before, rate = kept - number, errors - wrong, wrong / number
        # Sum over the m-th voxel of the level of (e + r m) / (n + m), by harmonic numbers.
        from scipy.special import digamma  # the metrics' face stays light

        steps = digamma(kept + 1) - digamma(before + 1)
        area = rate * number + (errors_before - rate * before) * steps
        return RiskCoverage(
            coverage=kept / total, risk=errors / kept, area=float(area.sum() / total)
        )


def expected_dice(probability: NDArray[Any], mask: NDArray[np.bool_]) -> float:
    """Foretell the Dice of a mask from the probabilities alone.

    E = 2 Σ_{mask} p / (|mask| + Σ p): the ratio of expectations, as if voxels were independent.

    Args:
        probability: Of the class, (*S), float in [0, 1].
        mask: What was predicted, (*S), bool.

    Returns:
        Expected Dice in [0, 1]; nan if the mask is empty and no probability is above 0.

    Raises:
        ShapeError: If the shapes differ.
        DelineateError: If a probability is not in [0, 1].
    """
    said, chosen = np.asarray(probability, dtype=np.float64), np.asarray(mask, dtype=bool)
    if said.shape != chosen.shape:
        raise ShapeError(
            f"probability and mask must have one shape, not {said.shape} and {chosen.shape}. "
            "Put them on one grid."
        )
    if said.size and not (said.min() >= 0 and said.max() <= 1):
        raise DelineateError("probability must lie in [0, 1] without nan. Pass it after softmax.")
    size = chosen.sum() + said.sum()
    return float(2 * said[chosen].sum() / size) if size else float("nan")


@dataclass(kw_only=True)
class DiceForecast:
    """Adds up the Dice that was foretold and the one that came, one pair a case."""

    expected: list[float] = field(default_factory=list)
    """Foretold, in [0, 1]; nan where nothing was."""
    true: list[float] = field(default_factory=list)
    """Measured, in [0, 1]; nan where the class is absent."""

    def add(self, expected: float, true: float) -> None:
        """Add one case.

        Args:
            expected: What `expected_dice` foretold.
            true: The Dice against the truth.
        """
        self.expected.append(expected)
        self.true.append(true)

    def merge(self, other: "DiceForecast") -> "DiceForecast":
        """Put the cases of two forecasts together.

        Args:
            other: The second.

        Returns:
            A new one.
        """
        return DiceForecast(expected=self.expected + other.expected, true=self.true + other.true)

    @property
    def num_cases(self) -> int:
        """Cases where both are known; only these count."""
        return len(self._pairs[0])

    @property
    def mean_absolute_error(self) -> float:
        """Mean of |foretold - true|; nan without a case."""
        first, second = self._pairs
        return float(np.abs(first - second).mean()) if len(first) else float("nan")

    @property
    def correlation(self) -> float:
        """Pearson's r in [-1, 1]; nan with fewer than two cases or without any spread."""
        first, second = self._pairs
        if len(first) < 2 or not np.ptp(first) or not np.ptp(second):
            return float("nan")
        return float(np.corrcoef(first, second)[0, 1])

    @property
    def _pairs(self) -> tuple[FloatArray, FloatArray]:
        pairs: Sequence[FloatArray] = [np.asarray(self.expected), np.asarray(self.true)]
        both = np.isfinite(pairs[0]) & np.isfinite(pairs[1])
        return pairs[0][both], pairs[1][both]
