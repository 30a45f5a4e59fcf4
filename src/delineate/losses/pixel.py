"""Losses of single voxels: cross-entropy over classes or layers, plain and focal."""

import torch
from torch import Tensor
from torch.nn import functional

from delineate.losses.pair import (
    IGNORED,
    TINY,
    PerClass,
    check_shapes,
    exact,
    has_layers,
    log_likelihood,
    per_class,
    promote,
)


def cross_entropy_loss(
    logits: Tensor,
    target: Tensor,
    *,
    smoothing: float = 0.0,
    class_weights: PerClass | None = None,
    pixel_weights: Tensor | None = None,
) -> Tensor:
    """Mean cross-entropy of the voxels that are not ignored.

    L = -sum w_y u log p_y / sum w_y u, with the weight w of the true class (or of the layer) and u
    of the voxel. Softmax over classes where the target holds ids, sigmoids where it holds layers.
    Its chances can be believed more than those of overlap losses, but rare classes drown without
    weights.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        smoothing: Share of the truth that is spread over all classes, in [0, 1).
        class_weights: Weight of each channel, >= 0; None means 1.
        pixel_weights: Weight of each voxel, shape of the target, >= 0; None means 1.

    Returns:
        Mean loss, (), in nats; 0 if every voxel is ignored.

    Raises:
        ShapeError: If the shapes of logits, target and weights do not go together.
    """
    check_shapes(logits, target)
    with exact(logits):
        if has_layers(logits, target):
            cost = -log_likelihood(logits, target, smoothing)
            weights = voxel_weights(logits, target, class_weights, pixel_weights)
            return (cost * weights).sum() / weights.sum().clamp_min(TINY)
        scores = promote(logits)
        each = None if class_weights is None else per_class(class_weights, scores[0])
        cost = functional.cross_entropy(
            scores,
            target,
            weight=each,
            ignore_index=IGNORED,
            label_smoothing=smoothing,
            reduction="none",
        )
        if pixel_weights is not None:
            cost = cost * promote(pixel_weights)
        weights = voxel_weights(logits, target, class_weights, pixel_weights)
        return cost.sum() / weights.sum().clamp_min(TINY)


def focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    gamma: float = 2.0,
    alpha: float | None = None,
    class_weights: PerClass | None = None,
) -> Tensor:
    """Cross-entropy that lets go of voxels that are right already.

    L = -sum w_y (1 - p_y)^g log p_y / sum w_y. g = 0 is cross-entropy. For rare classes among much
    that is easy.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        gamma: The g, >= 0.
        alpha: Of layers, weight of what is there, in (0, 1); what is not there gets 1 - alpha.
            These factors stay out of the sum below, as in the paper. None means 1 for both.
        class_weights: Weight of each channel, >= 0; None means 1.

    Returns:
        Mean loss, (), in nats; 0 if every voxel is ignored.

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Lin et al., 2017, arXiv:1708.02002.
    """
    with exact(logits):
        likelihood = log_likelihood(logits, target)
        doubt = (-torch.expm1(likelihood)).clamp_min(TINY)
        cost = -likelihood * doubt.pow(gamma)
        if alpha is not None and has_layers(logits, target):
            cost = cost * torch.where(target > 0, alpha, 1 - alpha)
        weights = voxel_weights(logits, target, class_weights)
        return (cost * weights).sum() / weights.sum().clamp_min(TINY)


def voxel_weights(
    logits: Tensor,
    target: Tensor,
    class_weights: PerClass | None = None,
    pixel_weights: Tensor | None = None,
) -> Tensor:
    """Weigh each voxel by its true class (or its layer) and by its place.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        class_weights: Weight of each channel; None means 1.
        pixel_weights: Weight of each voxel, shape of the target; None means 1.

    Returns:
        Shape of the target; 0 where it is ignored.

    Raises:
        ShapeError: If there are several class weights, but not K.
    """
    weights = (target != IGNORED).to(promote(logits).dtype)
    if class_weights is not None:
        each = per_class(class_weights, promote(logits)[0])
        if has_layers(logits, target):
            weights = weights * each.reshape(-1, *[1] * (logits.ndim - 2))
        else:
            weights = weights * each[target.clamp_min(0)]
    return weights if pixel_weights is None else weights * promote(pixel_weights)
