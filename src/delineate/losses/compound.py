"""Sums of losses, and one loss over several scales."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from delineate.losses.lovasz import lovasz_loss
from delineate.losses.overlap import dice_loss, focal_tversky_loss, tversky_loss
from delineate.losses.pair import PerClass
from delineate.losses.pixel import cross_entropy_loss, focal_loss

Loss = Callable[..., Tensor]


def dice_ce_loss(
    logits: Tensor,
    target: Tensor,
    *,
    dice_weight: float = 1.0,
    smooth: float = 1.0,
    class_weights: PerClass | None = None,
    absent: str = "keep",
) -> Tensor:
    """Cross-entropy plus weighted Dice loss: the steady first choice.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        dice_weight: Weight of the Dice term, >= 0.
        smooth: Smoothing of the Dice term, in voxels.
        class_weights: Weight of each channel in all terms, >= 0; None means 1.
        absent: "keep" or "skip", of the overlap term.

    Returns:
        Loss, ().

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Isensee et al., 2021, doi:10.1038/s41592-020-01008-z.
    """
    overlap = dice_loss(logits, target, smooth=smooth, class_weights=class_weights, absent=absent)
    return cross_entropy_loss(logits, target, class_weights=class_weights) + dice_weight * overlap


def tversky_ce_loss(
    logits: Tensor,
    target: Tensor,
    *,
    alpha: PerClass = 0.3,
    beta: PerClass = 0.7,
    smooth: float = 1.0,
    class_weights: PerClass | None = None,
    absent: str = "keep",
) -> Tensor:
    """Cross-entropy plus Tversky loss, for classes so small that misses are cheap.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        alpha: Weight of false positives, >= 0; one number, or one a channel.
        beta: Weight of false negatives, >= 0; one number, or one a channel.
        smooth: Smoothing of the Tversky term, in voxels.
        class_weights: Weight of each channel in all terms, >= 0; None means 1.
        absent: "keep" or "skip", of the overlap term.

    Returns:
        Loss, ().

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.
    """
    overlap = tversky_loss(
        logits,
        target,
        alpha=alpha,
        beta=beta,
        smooth=smooth,
        class_weights=class_weights,
        absent=absent,
    )
    return cross_entropy_loss(logits, target, class_weights=class_weights) + overlap


def focal_tversky_ce_loss(
    logits: Tensor,
    target: Tensor,
    *,
    alpha: PerClass = 0.3,
    beta: PerClass = 0.7,
    exponent: float = 0.75,
    smooth: float = 1.0,
    class_weights: PerClass | None = None,
    absent: str = "keep",
) -> Tensor:
    """Cross-entropy plus focal Tversky loss, for small classes of unequal difficulty.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        alpha: Weight of false positives, >= 0; one number, or one a channel.
        beta: Weight of false negatives, >= 0; one number, or one a channel.
        exponent: Power of the Tversky term, > 0.
        smooth: Smoothing of the Tversky term, in voxels.
        class_weights: Weight of each channel in all terms, >= 0; None means 1.
        absent: "keep" or "skip", of the overlap term.

    Returns:
        Loss, ().

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.
    """
    overlap = focal_tversky_loss(
        logits,
        target,
        alpha=alpha,
        beta=beta,
        exponent=exponent,
        smooth=smooth,
        class_weights=class_weights,
        absent=absent,
    )
    return cross_entropy_loss(logits, target, class_weights=class_weights) + overlap


def dice_focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    gamma: float = 2.0,
    focal_weight: float = 1.0,
    smooth: float = 1.0,
    class_weights: PerClass | None = None,
    absent: str = "keep",
) -> Tensor:
    """Dice plus weighted focal loss, for rare classes in much that is easy.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        gamma: Power of the focal term, >= 0.
        focal_weight: Weight of the focal term, >= 0.
        smooth: Smoothing of the Dice term, in voxels.
        class_weights: Weight of each channel in all terms, >= 0; None means 1.
        absent: "keep" or "skip", of the overlap term.

    Returns:
        Loss, ().

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Zhu et al., 2019, arXiv:1808.05238, with Dice for all classes.
    """
    overlap = dice_loss(logits, target, smooth=smooth, class_weights=class_weights, absent=absent)
    return overlap + focal_weight * focal_loss(
        logits, target, gamma=gamma, class_weights=class_weights
    )


def bce_dice_lovasz_loss(
    logits: Tensor,
    target: Tensor,
    *,
    ce_weight: float = 0.5,
    dice_weight: float = 0.5,
    lovasz_weight: float = 1.0,
    smooth: float = 1.0,
    class_weights: PerClass | None = None,
    absent: str = "keep",
) -> Tensor:
    """Cross-entropy, Dice and Lovász: a winner of UW-Madison, for layers that overlap.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        ce_weight: Weight of cross-entropy (binary, for layers), >= 0.
        dice_weight: Weight of the Dice term, >= 0.
        lovasz_weight: Weight of the Lovász term, >= 0.
        smooth: Smoothing of the Dice term, in voxels.
        class_weights: Weight of each channel in all terms, >= 0; None means 1.
        absent: "keep" or "skip", of the overlap term.

    Returns:
        Loss, ().

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Third place of the UW-Madison GI tract challenge, 2022, whose Lovász term is the hinge.
    """
    pixels = cross_entropy_loss(logits, target, class_weights=class_weights)
    overlap = dice_loss(logits, target, smooth=smooth, class_weights=class_weights, absent=absent)
    extension = lovasz_loss(logits, target, class_weights=class_weights, absent=absent)
    return ce_weight * pixels + dice_weight * overlap + lovasz_weight * extension


def lovasz_ce_loss(
    logits: Tensor,
    target: Tensor,
    *,
    lovasz_weight: float = 0.2,
    ce_weight: float = 0.8,
    class_weights: PerClass | None = None,
    absent: str = "skip",
) -> Tensor:
    """Cross-entropy and Lovász, 4 to 1, to be scored by intersection over union.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        lovasz_weight: Weight of the Lovász term, >= 0.
        ce_weight: Weight of cross-entropy, >= 0.
        class_weights: Weight of each channel in all terms, >= 0; None means 1.
        absent: "keep" or "skip", of the overlap term.

    Returns:
        Loss, ().

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Berman et al., 2018, arXiv:1705.08790, section 4.
    """
    overlap = lovasz_loss(logits, target, class_weights=class_weights, absent=absent)
    pixels = cross_entropy_loss(logits, target, class_weights=class_weights)
    return lovasz_weight * overlap + ce_weight * pixels


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
