"""Logarithms of overlap: losses whose pull on a class grows without bound as it is missed."""

import torch
from torch import Tensor

from delineate.losses.overlap import first_class, soft_counts, tame_power
from delineate.losses.pair import PerClass, average_classes, exact


def log_dice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    exponent: float = 0.3,
    smooth: float = 1.0,
    class_weights: PerClass | None = None,
    absent: str = "keep",
    background: bool = False,
) -> Tensor:
    """Minus the logarithm of soft Dice, to a power, averaged over classes.

    L = mean (-ln D)^g, D = (2 TP + e) / (2 TP + FP + FN + e). For structures so different in size
    that Dice settles for the large ones. Below 1e-6 the power is a straight line to 0, since its
    slope has no end there.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        exponent: The g, > 0.
        smooth: The e in numerator and denominator, in voxels; > 0.
        class_weights: Weight of each channel in the average, >= 0; None means 1.
        absent: "keep" pushes classes that the batch lacks to nothing, "skip" leaves them out.
        background: True if class 0 is averaged in; layers have none.

    Returns:
        Mean loss, (), >= 0.

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Wong et al., 2018, arXiv:1809.00076.
    """
    with exact(logits):
        hit, extra, missed = soft_counts(logits, target)
        surprise = torch.log1p((extra + missed) / (2 * hit + smooth))
        return average_classes(
            tame_power(surprise, exponent),
            hit + missed > 0,
            first=first_class(logits, target, background),
            class_weights=class_weights,
            absent=absent,
        )


def log_jaccard_loss(
    logits: Tensor,
    target: Tensor,
    *,
    smooth: float = 1.0,
    class_weights: PerClass | None = None,
    absent: str = "keep",
    background: bool = False,
) -> Tensor:
    """Minus the logarithm of the soft Jaccard index, averaged over classes.

    L = mean -ln J, J = (TP + e) / (TP + FP + FN + e). For the same use as log-Dice, without a
    power.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        smooth: The e in numerator and denominator, in voxels; > 0.
        class_weights: Weight of each channel in the average, >= 0; None means 1.
        absent: "keep" pushes classes that the batch lacks to nothing, "skip" leaves them out.
        background: True if class 0 is averaged in; layers have none.

    Returns:
        Mean loss, (), >= 0.

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Iglovikov and Shvets, 2018, arXiv:1801.05746.
    """
    with exact(logits):
        hit, extra, missed = soft_counts(logits, target)
        return average_classes(
            torch.log1p((extra + missed) / (hit + smooth)),
            hit + missed > 0,
            first=first_class(logits, target, background),
            class_weights=class_weights,
            absent=absent,
        )
