"""Losses of single pixels: cross-entropy over classes or layers."""

import torch
from torch import Tensor
from torch.nn import functional

from delineate.losses.overlap import IGNORED, check_shapes


def cross_entropy_loss(logits: Tensor, target: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy of the pixels that are not ignored.

    Softmax over classes where the target holds ids, sigmoids where it holds layers.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        smoothing: Share of the truth that is spread over all classes, in [0, 1).

    Returns:
        Mean loss, (), in nats; 0 if every pixel is ignored.

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.
    """
    check_shapes(logits, target)
    valid = target != IGNORED
    with torch.autocast(logits.device.type, enabled=False):
        scores = logits.float()
        if target.ndim == logits.ndim:
            truth = target.clamp_min(0).float() * (1 - smoothing) + smoothing / 2
            loss = functional.binary_cross_entropy_with_logits(scores, truth, reduction="none")
            return (loss * valid).sum() / valid.sum().clamp_min(1)
        total = functional.cross_entropy(
            scores, target, ignore_index=IGNORED, label_smoothing=smoothing, reduction="sum"
        )
        return total / valid.sum().clamp_min(1)
