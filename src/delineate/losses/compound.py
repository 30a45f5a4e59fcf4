"""Sums of losses, and one loss over several scales."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from delineate.losses.overlap import dice_loss, tversky_loss
from delineate.losses.pixel import cross_entropy_loss

Loss = Callable[..., Tensor]


def dice_ce_loss(
    logits: Tensor, target: Tensor, *, dice_weight: float = 1.0, smooth: float = 1.0
) -> Tensor:
    """Cross-entropy plus weighted Dice loss.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        dice_weight: Weight of the Dice term, >= 0.
        smooth: Smoothing of the Dice term, in voxels.

    Returns:
        Loss, ().

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Isensee et al., 2021, doi:10.1038/s41592-020-01008-z.
    """
    return cross_entropy_loss(logits, target) + dice_weight * dice_loss(
        logits, target, smooth=smooth
    )


def tversky_ce_loss(
    logits: Tensor, target: Tensor, *, alpha: float = 0.3, beta: float = 0.7, smooth: float = 1.0
) -> Tensor:
    """Cross-entropy plus Tversky loss, for classes so small that misses are cheap.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        alpha: Weight of false positives, >= 0.
        beta: Weight of false negatives, >= 0.
        smooth: Smoothing of the Tversky term, in voxels.

    Returns:
        Loss, ().

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.
    """
    overlap = tversky_loss(logits, target, alpha=alpha, beta=beta, smooth=smooth)
    return cross_entropy_loss(logits, target) + overlap


def deep_supervision(outputs: Sequence[Tensor], target: Tensor, loss: Loss) -> Tensor:
    """Weigh a loss over scales by 1, 1/2, 1/4, ..., normalised to a sum of 1.

    Args:
        outputs: Logits of each scale, finest first, (N, K, *S_i).
        target: Class ids (N, *S), int64, or layers (N, K, *S), at the finest scale.
        loss: Function of logits and target.

    Returns:
        Loss, ().

    Source:
        Lee et al., 2015, arXiv:1409.5185; weights: Isensee et al., 2021.
    """
    weights = [0.5**scale for scale in range(len(outputs))]
    parts = [
        weight * loss(logits, _shrink(target, logits))
        for weight, logits in zip(weights, outputs, strict=True)
    ]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total / sum(weights)


def _shrink(target: Tensor, logits: Tensor) -> Tensor:
    """Take the label nearest to the middle of each coarse voxel."""
    dims = logits.ndim - 2
    for axis in range(-dims, 0):
        length, size = target.shape[axis], logits.shape[axis]
        if length != size:
            step = -(-length // size)
            middle = torch.arange(size, device=target.device) * step + step // 2
            target = target.index_select(axis, middle.clamp_max(length - 1))
    return target
