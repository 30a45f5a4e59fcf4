"""The Lovász extension of the Jaccard loss: intersection over union itself, made differentiable."""

import torch
from torch import Tensor

from delineate.losses.overlap import first_class
from delineate.losses.pair import PerClass, average_classes, compare, exact


def lovasz_loss(
    logits: Tensor,
    target: Tensor,
    *,
    class_weights: PerClass | None = None,
    absent: str = "skip",
    background: bool = True,
) -> Tensor:
    """Errors in falling order, each times what the Jaccard loss gains by it; mean over classes.

    With errors m = |t - p| sorted downwards and J(i) the Jaccard loss of having the first i wrong:
    L = sum_i m_i (J(i) - J(i - 1)). For fine-tuning towards IoU, beside cross-entropy. Layers take
    the sigmoid's errors, too, not the paper's hinge.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        class_weights: Weight of each channel in the average, >= 0; None means 1.
        absent: "skip" leaves classes out that the batch lacks, as the paper; "keep" gives them
            the largest of their errors.
        background: True if class 0 is averaged in, as in the paper; layers have none.

    Returns:
        Mean loss, (), in [0, 1]; 0 if no class is left.

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Berman et al., 2018, arXiv:1705.08790, algorithm 1 and equation 9.
    """
    with exact(logits):
        pair = compare(logits, target)
        truth = pair.truth.movedim(1, 0).flatten(1)  # (K, P)
        errors = (pair.chances.movedim(1, 0).flatten(1) - truth).abs()
        # Ignored voxels have no error, so they come last and weigh nothing.
        errors, order = errors.sort(dim=1, descending=True)
        costs = (errors * jaccard_gains(truth.gather(1, order))).sum(1)
        return average_classes(
            costs,
            truth.sum(1) > 0,
            first=first_class(logits, target, background),
            class_weights=class_weights,
            absent=absent,
        )


def jaccard_gains(truth: Tensor) -> Tensor:
    """Tell how much the Jaccard loss grows as one voxel after the other is got wrong.

    Args:
        truth: 1 where the class is, in the order of getting wrong, (K, P).

    Returns:
        Gains, (K, P), >= 0.
    """
    size = truth.sum(1, keepdim=True)
    left = size - truth.cumsum(1)
    union = size + (1 - truth).cumsum(1)
    losses = 1 - left / union.clamp_min(1)
    return torch.cat([losses[:, :1], losses.diff(dim=1)], dim=1)
