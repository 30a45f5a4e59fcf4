"""Overlap losses from one set of soft counts: Dice and Tversky.

All sums run in fp32 over batch and space together, so that a class that is absent from one
patch leans on the others; background is not averaged in, as it swamps small organs.
"""

import torch
from torch import Tensor
from torch.nn import functional

from delineate.core.errors import ShapeError

IGNORED = -1


def soft_counts(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Count true positives, false positives and false negatives with probabilities.

    With probability p and truth t: TP = sum pt, FP = sum p(1 - t), FN = sum (1 - p)t.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, for a softmax over K classes with background 0; or
            layers (N, K, *S) of 0 and 1 for K sigmoids. -1 is ignored in both.

    Returns:
        Three counts of shape (K,), float32.

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.
    """
    check_shapes(logits, target)
    axes = [0, *range(2, logits.ndim)]
    with torch.autocast(logits.device.type, enabled=False):
        if target.ndim == logits.ndim:
            valid = target != IGNORED
            truth = target.clamp_min(0).float()
            probability = logits.float().sigmoid() * valid
        else:
            valid = (target != IGNORED)[:, None]
            truth = functional.one_hot(target.clamp_min(0), logits.shape[1]).movedim(-1, 1)
            truth = truth.float() * valid
            probability = logits.float().softmax(dim=1) * valid
        hit = (probability * truth).sum(axes)
        return hit, probability.sum(axes) - hit, (truth * valid).sum(axes) - hit


def tversky_loss(
    logits: Tensor, target: Tensor, *, alpha: float = 0.3, beta: float = 0.7, smooth: float = 1.0
) -> Tensor:
    """One minus the Tversky index, averaged over classes without background.

    T = (TP + e) / (TP + alpha FP + beta FN + e). alpha = beta = 0.5 is Dice; beta > alpha
    punishes misses.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        alpha: Weight of false positives, >= 0.
        beta: Weight of false negatives, >= 0.
        smooth: The e in numerator and denominator, in voxels; > 0.

    Returns:
        Mean loss, (), in [0, 1].

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Salehi et al., 2017, arXiv:1706.05721.
    """
    hit, extra, missed = soft_counts(logits, target)
    index = (hit + smooth) / (hit + alpha * extra + beta * missed + smooth)
    first = 0 if target.ndim == logits.ndim else 1
    return 1 - index[first:].mean()


def dice_loss(logits: Tensor, target: Tensor, *, smooth: float = 1.0) -> Tensor:
    """One minus the soft Dice coefficient, averaged over classes without background.

    D = (2 TP + e) / (2 TP + FP + FN + e).

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        smooth: The e in numerator and denominator, in voxels; > 0.

    Returns:
        Mean loss, (), in [0, 1].

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Milletari et al., 2016, arXiv:1606.04797, with plain instead of squared sums.
    """
    return tversky_loss(logits, target, alpha=0.5, beta=0.5, smooth=smooth / 2)


def check_shapes(logits: Tensor, target: Tensor) -> None:
    """Refuse logits and targets that do not lie on one grid.

    Args:
        logits: Raw scores, (N, K, *S).
        target: Class ids (N, *S), or layers (N, K, *S).

    Raises:
        ShapeError: If they do not.
    """
    lead = logits.shape[:2] if target.ndim == logits.ndim else logits.shape[:1]
    if target.shape != (*lead, *logits.shape[2:]):
        raise ShapeError(
            f"target must have the batch and spatial shape of logits {tuple(logits.shape)}, "
            f"not {tuple(target.shape)}. Resample one of them."
        )
