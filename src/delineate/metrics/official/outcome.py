"""What an official scorer answers: its numbers, its convention in a sentence, and its counts."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of one scorer over all the cases that it saw."""

    scorer: str
    """Name in `SCORERS`."""
    convention: str
    """How exactly the numbers came about, for the reader of a report."""
    scores: Mapping[str, float]
    """Name to number; nan where no case could say anything."""
    counts: Mapping[str, int]
    """How many cases, and how many of them a mean leaves out or is burdened by."""


class Scorer(Protocol):
    """Takes cases one by one with `add`, whose arguments are each benchmark's own."""

    @property
    def convention(self) -> str:
        """How exactly it computes, in a sentence."""
        ...

    def result(self) -> Outcome:
        """Give the result over the cases so far; more may follow.

        Returns:
            The outcome.
        """
        ...


@dataclass
class Mean:
    """A mean that grows case by case and can be joined with another; nan is left out."""

    total: float = 0.0
    """Sum of the numbers."""
    count: int = 0
    """How many there were."""

    def add(self, value: float) -> None:
        """Take one number; nan is not counted.

        Args:
            value: The number.
        """
        if not math.isnan(value):
            self.total += value
            self.count += 1

    def join(self, other: "Mean") -> None:
        """Take all numbers of another mean.

        Args:
            other: The other one.
        """
        self.total += other.total
        self.count += other.count

    @property
    def value(self) -> float:
        """The mean; nan without a number."""
        return self.total / self.count if self.count else math.nan


def mean_of(values: Iterable[float]) -> float:
    """Average what is not nan.

    Args:
        values: The numbers.

    Returns:
        Their mean; nan if none is left.
    """
    mean = Mean()
    for value in values:
        mean.add(value)
    return mean.value


def official_quality(tp: int, wrong: int, total_iou: float, *, slack_dq: float = 0.0) -> float:
    """PQ as the official scripts write it, with their small number below the line of SQ.

    DQ = TP / (TP + wrong / 2 + slack), SQ = sum of IoU / (TP + 1e-6); a perfect image has
    0.999999 or a bit more.

    Args:
        tp: Matches.
        wrong: Objects of either side without a match.
        total_iou: Sum of the matches' IoU.
        slack_dq: Small number below the line of DQ: 1e-6 for CoNIC, 0 for PanNuke.

    Returns:
        PQ in [0, 1); 0 without an object.
    """
    below = tp + wrong / 2 + slack_dq
    return (tp / below) * (total_iou / (tp + 1e-6)) if below else 0.0
