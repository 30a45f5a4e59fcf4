"""The loss of nuclei networks: foreground, way to the centre, type, each by its own terms.

Source: foreground and type as Salehi et al., 2017, arXiv:1706.05721, with cross-entropy; the
gradient term as Graham et al., 2019, doi:10.1016/j.media.2019.101563, for offsets instead of
horizontal and vertical maps.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from delineate.core.errors import ShapeError
from delineate.losses.overlap import soft_counts, tversky_loss
from delineate.losses.pair import PerClass, exact, per_class, promote

NUM_SHAPE_HEADS = 3


def nuclei_loss(
    logits: Tensor,
    target: Tensor,
    *,
    alpha: float = 0.5,
    beta: float = 0.5,
    offset_weight: float = 2.0,
    gradient_weight: float = 1.0,
    type_weight: float = 0.5,
    class_weights: Sequence[float] | Tensor | None = None,
    type_alpha: PerClass | None = None,
    type_beta: PerClass | None = None,
) -> Tensor:
    """Sum the losses of all heads of a nuclei network.

    Foreground: Tversky + binary cross-entropy. Offset: smooth-L1 within objects, plus squared
    error of its differences between neighbours of one object. Type: Tversky + weighted
    cross-entropy within objects whose type is known.

    Args:
        logits: (N, 3 + K, Y, X): foreground, offsets along y and x, K types or none.
        target: (N, 4, Y, X), float: foreground (-1 ignored), offsets, place of the type (-1
            unknown), as `learn.targets.make_targets`.
        alpha: Weight of false positives in both Tversky terms, >= 0.
        beta: Weight of false negatives in both Tversky terms, >= 0.
        offset_weight: Weight of the smooth-L1 term, >= 0.
        gradient_weight: Weight of the gradient term, >= 0.
        type_weight: Weight of the type terms, >= 0.
        class_weights: Weight of each type in the cross-entropy, K numbers; None means 1.
        type_alpha: Weight of false positives of types, one number or one a type; None is alpha.
        type_beta: Weight of false negatives of types, one number or one a type; None is beta.

    Returns:
        Loss, ().

    Raises:
        ShapeError: If logits and target do not lie on one grid, or class_weights is no K long.
    """
    if target.shape != (len(logits), 4, *logits.shape[2:]):
        raise ShapeError(
            f"target must be (N, 4, Y, X) on the grid of logits {tuple(logits.shape)}, not "
            f"{tuple(target.shape)}. Make it with learn.targets.make_targets."
        )
    with exact(logits):
        scores, truth = promote(logits), promote(target).to(promote(logits).dtype)
        valid = truth[:, 0] >= 0
        inside = truth[:, 0] > 0
        loss = _foreground_loss(scores[:, :1], truth[:, :1], valid, alpha, beta)
        offsets, wanted = scores[:, 1:NUM_SHAPE_HEADS], truth[:, 1:NUM_SHAPE_HEADS]
        loss = loss + offset_weight * _offset_loss(offsets, wanted, inside)
        loss = loss + gradient_weight * _gradient_loss(offsets, wanted, inside)
        if scores.shape[1] > NUM_SHAPE_HEADS:
            weights = _weights(class_weights, scores)
            kinds, types = scores[:, NUM_SHAPE_HEADS:], truth[:, 3].long()
            type_alpha = alpha if type_alpha is None else type_alpha
            type_beta = beta if type_beta is None else type_beta
            loss = loss + type_weight * _type_loss(kinds, types, weights, type_alpha, type_beta)
        return loss


def count_types(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Count true positives, false positives and false negatives of types with probabilities.

    Args:
        logits: (N, 3 + K, Y, X), as `nuclei_loss`.
        target: (N, 4, Y, X), as `nuclei_loss`.

    Returns:
        Three counts of shape (K,), in pixels within objects whose type is known.
    """
    with exact(logits):
        return soft_counts(logits[:, NUM_SHAPE_HEADS:], target[:, 3].long())


def _foreground_loss(
    scores: Tensor, truth: Tensor, valid: Tensor, alpha: float, beta: float
) -> Tensor:
    cost = functional.binary_cross_entropy_with_logits(scores, truth.clamp_min(0), reduction="none")
    mean = (cost[:, 0] * valid).sum() / valid.sum().clamp_min(1)
    return mean + tversky_loss(scores, truth.long(), alpha=alpha, beta=beta)


def _offset_loss(offsets: Tensor, wanted: Tensor, inside: Tensor) -> Tensor:
    cost = functional.smooth_l1_loss(offsets, wanted, beta=0.1, reduction="none").sum(1)
    return (cost * inside).sum() / inside.sum().clamp_min(1)


def _gradient_loss(offsets: Tensor, wanted: Tensor, inside: Tensor) -> Tensor:
    """Punish wrong differences between neighbours; across borders the truth itself jumps."""
    total = offsets.new_zeros(())
    for axis in (2, 3):
        slope = offsets.diff(dim=axis) - wanted.diff(dim=axis)
        size = inside.shape[axis - 1] - 1
        both = inside.narrow(axis - 1, 0, size) & inside.narrow(axis - 1, 1, size)
        total = total + (slope.square().sum(1) * both).sum() / both.sum().clamp_min(1)
    return total


def _type_loss(
    scores: Tensor, types: Tensor, weights: Tensor, alpha: PerClass, beta: PerClass
) -> Tensor:
    if not bool((types >= 0).any()):
        return scores.sum() * 0.0  # keeps the head in the graph of a batch without types
    cost = functional.cross_entropy(
        scores, types, weight=weights, ignore_index=-1, reduction="mean"
    )
    hit, extra, missed = soft_counts(scores, types)
    wrong = per_class(alpha, hit) * extra + per_class(beta, hit) * missed
    index = (hit + 1) / (hit + wrong + 1)
    present = hit + missed > 0
    return cost + (1 - index[present]).mean()


def _weights(weights: Sequence[float] | Tensor | None, scores: Tensor) -> Tensor:
    count = scores.shape[1] - NUM_SHAPE_HEADS
    if weights is None:
        return torch.ones(count, dtype=scores.dtype, device=scores.device)
    if len(weights) != count:
        raise ShapeError(
            f"class_weights must be {count} numbers, one a type, not {len(weights)}. "
            "Correct loss_options in plan.yaml."
        )
    return torch.as_tensor(weights, dtype=scores.dtype, device=scores.device)
