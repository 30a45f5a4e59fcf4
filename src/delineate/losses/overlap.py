"""Overlap losses from one set of soft counts: Dice, Tversky and what is made of them.

All sums run over batch and space together, so that a class that is absent from one patch leans on
the others; background is not averaged in unless asked for, as it swamps small organs.
"""

import torch
from torch import Tensor

from delineate.losses.pair import PerClass, average_classes, compare, exact, per_class

SMALLEST = 1e-6
"""Below this a power is a straight line to 0: powers under 1 have an infinite slope there."""


def soft_counts(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Count true positives, false positives and false negatives with probabilities.

    With probability p and truth t: TP = sum pt, FP = sum p(1 - t), FN = sum (1 - p)t.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, for a softmax over K classes with background 0; or
            layers (N, K, *S) of 0 and 1 for K sigmoids. -1 is ignored in both.

    Returns:
        Three counts of shape (K,), in voxels, in at least float32.

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.
    """
    axes = [0, *range(2, logits.ndim)]
    with exact(logits):
        pair = compare(logits, target)
        hit = (pair.chances * pair.truth).sum(axes)
        return hit, pair.chances.sum(axes) - hit, pair.truth.sum(axes) - hit


def tversky_loss(
    logits: Tensor,
    target: Tensor,
    *,
    alpha: PerClass = 0.3,
    beta: PerClass = 0.7,
    smooth: float = 1.0,
    class_weights: PerClass | None = None,
    absent: str = "keep",
    background: bool = False,
) -> Tensor:
    """One minus the Tversky index, averaged over classes without background.

    T = (TP + e) / (TP + alpha FP + beta FN + e). alpha = beta = 0.5 is Dice, alpha = beta = 1 is
    Jaccard; beta > alpha punishes misses. For organs and lesions that are small in their image.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        alpha: Weight of false positives, >= 0; one number, or one a channel.
        beta: Weight of false negatives, >= 0; one number, or one a channel.
        smooth: The e in numerator and denominator, in voxels; > 0.
        class_weights: Weight of each channel in the average, >= 0; None means 1.
        absent: "keep" pushes classes that the batch lacks to nothing, "skip" leaves them out.
        background: True if class 0 is averaged in; layers have none.

    Returns:
        Mean loss, (), in [0, 1].

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Salehi et al., 2017, arXiv:1706.05721.
    """
    with exact(logits):
        hit, extra, missed = soft_counts(logits, target)
        wrong = per_class(alpha, hit) * extra + per_class(beta, hit) * missed
        return average_classes(
            1 - (hit + smooth) / (hit + wrong + smooth),
            hit + missed > 0,
            first=first_class(logits, target, background),
            class_weights=class_weights,
            absent=absent,
        )


def dice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    smooth: float = 1.0,
    squared: bool = False,
    class_weights: PerClass | None = None,
    absent: str = "keep",
    background: bool = False,
) -> Tensor:
    """One minus the soft Dice coefficient, averaged over classes without background.

    D = (2 TP + e) / (sum p + sum t + e), or with sums of squares of p and t below. The first
    choice where classes cover a fair share of the image.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        smooth: The e in numerator and denominator, in voxels; > 0.
        squared: True for sums of squares, whose gradient is gentler to unsure voxels.
        class_weights: Weight of each channel in the average, >= 0; None means 1.
        absent: "keep" pushes classes that the batch lacks to nothing, "skip" leaves them out.
        background: True if class 0 is averaged in; layers have none.

    Returns:
        Mean loss, (), in [0, 1].

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Milletari et al., 2016, arXiv:1606.04797 (squared).
    """
    axes = [0, *range(2, logits.ndim)]
    with exact(logits):
        pair = compare(logits, target)
        chances, truth = pair.chances, pair.truth
        hit, size = (chances * truth).sum(axes), truth.sum(axes)
        mine = (chances.square() if squared else chances).sum(axes)
        return average_classes(
            1 - (2 * hit + smooth) / (mine + size + smooth),
            size > 0,
            first=first_class(logits, target, background),
            class_weights=class_weights,
            absent=absent,
        )


def focal_tversky_loss(
    logits: Tensor,
    target: Tensor,
    *,
    alpha: PerClass = 0.3,
    beta: PerClass = 0.7,
    exponent: float = 0.75,
    smooth: float = 1.0,
    class_weights: PerClass | None = None,
    absent: str = "keep",
    background: bool = False,
) -> Tensor:
    """Tversky loss of each class to a power, so that classes done badly or well count more.

    F = mean (1 - T)^g. An exponent below 1 keeps pulling at classes that are nearly right (the
    paper's 1 / gamma with gamma = 4/3), one above 1 lets them go; 1 is the Tversky loss.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        alpha: Weight of false positives, >= 0; one number, or one a channel.
        beta: Weight of false negatives, >= 0; one number, or one a channel.
        exponent: The g, > 0; below 1e-6 the power is a straight line to 0.
        smooth: The e of the Tversky index, in voxels; > 0.
        class_weights: Weight of each channel in the average, >= 0; None means 1.
        absent: "keep" pushes classes that the batch lacks to nothing, "skip" leaves them out.
        background: True if class 0 is averaged in; layers have none.

    Returns:
        Mean loss, (), in [0, 1].

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Abraham and Khan, 2019, arXiv:1810.07842.
    """
    with exact(logits):
        hit, extra, missed = soft_counts(logits, target)
        wrong = per_class(alpha, hit) * extra + per_class(beta, hit) * missed
        return average_classes(
            tame_power(wrong / (hit + wrong + smooth), exponent),
            hit + missed > 0,
            first=first_class(logits, target, background),
            class_weights=class_weights,
            absent=absent,
        )


def tame_power(base: Tensor, exponent: float | Tensor) -> Tensor:
    """Raise to a power whose slope is finite at 0, too.

    Args:
        base: Numbers >= 0; what rounding pushed below counts as 0.
        exponent: One for all, or one for each, > 0.

    Returns:
        base ** exponent; below `SMALLEST` the straight line that meets it there.
    """
    line = base.clamp_min(0) * SMALLEST ** (exponent - 1)
    return torch.where(base < SMALLEST, line, base.clamp_min(SMALLEST).pow(exponent))


def first_class(logits: Tensor, target: Tensor, background: bool) -> int:
    """Tell which class an average begins with.

    Args:
        logits: Raw scores, (N, K, *S).
        target: Class ids (N, *S), or layers (N, K, *S).
        background: True if class 0 of ids counts.

    Returns:
        1 if there is a background and it does not count, else 0.
    """
    return int(target.ndim < logits.ndim and not background)
