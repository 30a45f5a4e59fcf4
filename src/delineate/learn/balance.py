"""Weights of classes that follow what the network can already do, and what it still misses.

Functions compute, `ClassBalance` remembers. Counts are the soft ones of
`losses.overlap.soft_counts`, so that all of it costs three numbers a class and step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from delineate.core.errors import PlanError, pick

FloatArray = NDArray[np.float64]

LOWEST, HIGHEST = 0.2, 5.0
"""Range of class weights: no class is forgotten, none takes all."""
LEAST_MISSES, MOST_MISSES = 0.3, 0.8
"""Range of the weight of misses in an adaptive Tversky loss."""
STILL = 0.1
"""What is left of the weight of a class with a Dice of 1."""
MODES = {
    "none": "all classes weigh 1",
    "static": "rare classes weigh more",
    "dynamic": "rare classes and those done badly weigh more",
}
"""Ways of weighing classes."""


def effective_number(counts: Sequence[int], beta: float = 0.999) -> FloatArray:
    """Weigh classes by the inverse of how many different samples there can be of them.

    w = (1 - b) / (1 - b^n). With counts of pixels b^n is 0 and all weights are equal, so counts
    must be of images or objects.

    Args:
        counts: Images or objects n that hold each class, (K,); 0 counts as 1.
        beta: The b, in [0, 1); 0 weighs all alike, towards 1 it is 1 / n.

    Returns:
        Weights of mean 1, (K,).

    Source:
        Cui et al., 2019, arXiv:1901.05555, equation 2.
    """
    held = np.maximum(np.asarray(counts, dtype=np.float64), 1)
    weights: FloatArray = (1 - beta) / (1 - beta**held)
    scaled: FloatArray = weights / weights.mean()
    return scaled


def bound(weights: FloatArray, low: float = LOWEST, high: float = HIGHEST) -> FloatArray:
    """Scale weights so that their mean is 1 after cutting them to a range.

    Args:
        weights: Numbers > 0, (K,).
        low: Least weight, in (0, 1].
        high: Largest weight, >= 1.

    Returns:
        Weights of mean 1 within the range, (K,).
    """
    small, large = low / weights.max(), high / weights.min()
    for _ in range(60):  # halves the interval below the digits of a float
        middle = np.sqrt(small * large)
        if np.clip(middle * weights, low, high).mean() < 1:
            small = middle
        else:
            large = middle
    cut: FloatArray = np.clip(large * weights, low, high)
    return cut


def performance_weights(prior: FloatArray, dice: FloatArray, kappa: float = 1.0) -> FloatArray:
    """Weigh classes by their rarity and by what is missing in their Dice.

    w = prior (1 - d + 0.1)^k, scaled to a mean of 1 within [0.2, 5].

    Args:
        prior: Weights of rarity, (K,), > 0.
        dice: Running Dice, (K,), in [0, 1]; NaN where a class was not met yet, which then
            counts as the mean of the others.
        kappa: The k, >= 0.

    Returns:
        Weights, (K,).
    """
    factors = (1 - dice + STILL) ** kappa
    known = factors[~np.isnan(factors)]
    mean = known.mean() if len(known) else 1.0
    return bound(prior * np.where(np.isnan(factors), mean, factors))


def tversky_weights(extra: FloatArray, missed: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weigh misses by their share of a class's errors, so that both kinds shrink together.

    beta = FN / (FP + FN), within [0.3, 0.8]; alpha = 1 - beta.

    Args:
        extra: False positives, (K,), >= 0.
        missed: False negatives, (K,), >= 0.

    Returns:
        Alpha and beta of each class, (K,) both; 0.3 and 0.7 where a class has no errors yet.
    """
    errors = extra + missed
    share = np.divide(missed, errors, out=np.full_like(errors, 0.7), where=errors > 0)
    beta = np.clip(share, LEAST_MISSES, MOST_MISSES)
    return 1 - beta, beta


@dataclass(kw_only=True, eq=False)
class ClassBalance:
    """Weights of classes: where they come from, and running means of how each class does."""

    names: tuple[str, ...]
    """Names of the K channels, background with them where there is one."""
    counts: tuple[int, ...]
    """Training images (or objects) that hold each channel."""
    mode: str = "dynamic"
    """Row of `MODES`."""
    adaptive: bool = False
    """True if the weights of false positives and misses follow the errors."""
    begin: int = 0
    """Step from which performance counts: the steps of one epoch."""
    beta: float = 0.999
    """Of `effective_number`."""
    kappa: float = 1.0
    """Of `performance_weights`."""
    decay: float = 0.95
    """Share of a running mean that stays when a class is met."""
    steps: int = 0
    """Batches seen."""
    met: list[int] = field(default_factory=list)
    """Batches that held each class."""
    dice: list[float] = field(default_factory=list)
    """Running soft Dice."""
    extra: list[float] = field(default_factory=list)
    """Running false positives, in voxels a batch."""
    missed: list[float] = field(default_factory=list)
    """Running false negatives, in voxels a batch."""

    def __post_init__(self) -> None:
        """Check the mode and begin with nothing seen.

        Raises:
            PlanError: If there are not as many counts as names.
        """
        pick(MODES, self.mode, what="way of weighing classes")
        size = len(self.names)
        if len(self.counts) != size:
            raise PlanError(
                f"counts must be {size} numbers, one a channel, not {len(self.counts)}. "
                "Count the images that hold each class, background too."
            )
        self.prior = effective_number(self.counts, self.beta)
        if not self.met:
            self.met = [0] * size
            self.dice, self.extra, self.missed = ([0.0] * size for _ in range(3))

    def update(self, hit: Tensor, extra: Tensor, missed: Tensor) -> None:
        """Learn from the counts of a batch; classes that it lacks stay as they were.

        Args:
            hit: Soft true positives, (K,); with several processes, of all of them.
            extra: Soft false positives, (K,).
            missed: Soft false negatives, (K,).
        """
        self.steps += 1
        if self.mode != "dynamic" and not self.adaptive:
            return
        rows = torch.stack([hit, extra, missed]).detach().double().cpu().numpy()
        for place, (right, over, under) in enumerate(rows.T.tolist()):
            if not np.isfinite(right + over + under) or right + under <= 0:
                continue
            share = self.decay if self.met[place] else 0.0
            self.met[place] += 1
            now = 2 * right / (2 * right + over + under)
            for memory, value in ((self.dice, now), (self.extra, over), (self.missed, under)):
                memory[place] = share * memory[place] + (1 - share) * value

    def observe(self, dice: Sequence[float]) -> None:
        """Take Dice from validation instead of from training crops.

        Args:
            dice: Dice of each channel, (K,), in [0, 1]; NaN keeps what there was.
        """
        for place, value in enumerate(dice):
            if not np.isnan(value):
                self.dice[place] = float(value)
                self.met[place] = max(1, self.met[place])

    def weights(self) -> FloatArray | None:
        """Weigh the classes as they stand.

        Returns:
            (K,), mean 1 within [0.2, 5]; None if all weigh 1.
        """
        if self.mode == "none":
            return None
        if self.mode == "static" or self.steps < self.begin:
            return bound(self.prior)
        dice = np.where(np.array(self.met) > 0, self.dice, np.nan)
        return performance_weights(self.prior, dice, self.kappa)

    def options(self, device: torch.device | str = "cpu") -> dict[str, Tensor]:
        """Give what the loss takes for the next step.

        Args:
            device: Where the loss is computed.

        Returns:
            "class_weights" (K,) for all losses that know it, unless classes weigh 1; "alpha" and
            "beta" (K,) for Tversky losses, if adaptive and an epoch is over. float32.
        """
        values: dict[str, FloatArray] = {}
        if (weights := self.weights()) is not None:
            values["class_weights"] = weights
        if self.adaptive and self.steps >= self.begin:
            alpha, beta = tversky_weights(np.array(self.extra), np.array(self.missed))
            values |= {"alpha": alpha, "beta": beta}
        return {
            name: torch.tensor(value, dtype=torch.float32, device=device)
            for name, value in values.items()
        }

    def row(self) -> dict[str, float]:
        """Tell the weights in the history.

        Returns:
            "class_weights liver" and so on; empty if nothing is weighed.
        """
        return {
            f"{option} {name}": value
            for option, values in self.options().items()
            if option != "alpha"
            for name, value in zip(self.names, values.tolist(), strict=True)
        }

    def state(self) -> dict[str, Any]:
        """Collect what the next step depends on, as plain values.

        Returns:
            Values for `restore`, which JSON can hold.
        """
        return {
            "steps": self.steps,
            "met": list(self.met),
            "dice": list(self.dice),
            "extra": list(self.extra),
            "missed": list(self.missed),
        }

    def restore(self, facts: Mapping[str, Any]) -> None:
        """Go on from what `state` collected.

        Args:
            facts: Its values.
        """
        self.steps, self.met = int(facts["steps"]), [int(number) for number in facts["met"]]
        self.dice, self.extra, self.missed = (
            [float(value) for value in facts[part]] for part in ("dice", "extra", "missed")
        )
