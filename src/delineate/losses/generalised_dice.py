"""Dice over all classes at once, each weighed by how little of it there is."""

from collections.abc import Callable

import torch
from torch import Tensor

from delineate.core.errors import pick
from delineate.losses.overlap import first_class
from delineate.losses.pair import ABSENT, TINY, compare, exact

WEIGHTINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "square": lambda size: size.square().reciprocal(),
    "simple": lambda size: size.reciprocal(),
    "uniform": torch.ones_like,
}
"""Weight of a class from its size in voxels."""


def generalised_dice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    weighting: str = "square",
    smooth: float = 1e-5,
    absent: str = "keep",
    background: bool = True,
) -> Tensor:
    """One minus a Dice of all classes together, the rarest weighed most.

    G = (2 sum_c w_c TP_c + e) / (sum_c w_c (sum p_c + sum t_c) + e), w = 1 / (sum t)^2, scaled so
    that the weights sum to 1. For classes of very different size; "simple", 1 / sum t, is steadier
    where one of them is a few voxels only.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        weighting: Row of `WEIGHTINGS`: "square", "simple" or "uniform".
        smooth: The e in numerator and denominator, in weighted voxels; > 0.
        absent: "keep" gives classes that the batch lacks the largest weight of those present,
            "skip" gives them none.
        background: True if class 0 is one of the classes, as in the paper; layers have none.

    Returns:
        Loss, (), in [0, 1].

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.
        UnknownNameError: If `weighting` or `absent` is no row of its table.

    Source:
        Sudre et al., 2017, arXiv:1707.03237.
    """
    axes = [0, *range(2, logits.ndim)]
    weigh = pick(WEIGHTINGS, weighting, what="weighting")
    with exact(logits):
        pair = compare(logits, target)
        first = first_class(logits, target, background)
        chances, truth = pair.chances[:, first:], pair.truth[:, first:]
        size = truth.sum(axes)
        weights = torch.where(size > 0, weigh(size.clamp_min(1)), 0)
        if not pick(ABSENT, absent, what="way with absent classes"):
            largest = weights.max() if bool((size > 0).any()) else weights.new_ones(())
            weights = torch.where(size > 0, weights, largest)
        weights = weights / weights.sum().clamp_min(TINY)
        hit = (weights * (chances * truth).sum(axes)).sum()
        both = (weights * (chances.sum(axes) + size)).sum()
        return 1 - (2 * hit + smooth) / (both + smooth)
