"""The unified focal loss: focal cross-entropy and focal Tversky with one pair of options."""

import torch
from torch import Tensor

from delineate.losses.overlap import tame_power
from delineate.losses.pair import (
    IGNORED,
    PerClass,
    average_classes,
    compare,
    exact,
    has_layers,
    log_likelihood,
)


def unified_focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    balance: float = 0.5,
    delta: float = 0.6,
    gamma: float = 0.5,
    smooth: float = 1.0,
    class_weights: PerClass | None = None,
    absent: str = "keep",
) -> Tensor:
    """Asymmetric focal cross-entropy and asymmetric focal Tversky, weighed l to 1 - l.

    Cross-entropy: -d log p_y where a foreground class is, -(1 - d)(1 - p_y)^g log p_y elsewhere.
    Tversky, with alpha = 1 - d and beta = d: (1 - T)^(1 - g) of foreground classes, 1 - T of
    background. So background is let go of and foreground is not. For one rare class in much
    background.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S), each of which is a foreground
            class with a background of its own that the Tversky part leaves out; -1 is ignored.
        balance: The l, share of cross-entropy, in [0, 1].
        delta: The d, weight of foreground and of misses, in (0, 1).
        gamma: The g, in [0, 1); 0 lets nothing go.
        smooth: The e of the Tversky index, in voxels; > 0.
        class_weights: Weight of each channel in the average of the Tversky part; None means 1.
        absent: "keep" pushes classes that the batch lacks to nothing, "skip" leaves them out of
            the Tversky part.

    Returns:
        Loss, (), >= 0.

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Yeung et al., 2022, doi:10.1016/j.compmedimag.2021.102026, equations 17 to 19.
    """
    axes = [0, *range(2, logits.ndim)]
    with exact(logits):
        likelihood = log_likelihood(logits, target)
        doubt = -torch.expm1(likelihood)
        cost = -likelihood * torch.where(target > 0, delta, (1 - delta) * tame_power(doubt, gamma))
        pixels = cost.sum() / (target != IGNORED).sum().clamp_min(1)
        pair = compare(logits, target)
        hit = (pair.chances * pair.truth).sum(axes)
        size = pair.truth.sum(axes)
        wrong = (1 - delta) * (pair.chances.sum(axes) - hit) + delta * (size - hit)
        lost = wrong / (hit + wrong + smooth)
        powers = torch.full_like(lost, 1 - gamma)
        if not has_layers(logits, target):
            powers[0] = 1
        overlap = average_classes(
            tame_power(lost, powers), size > 0, class_weights=class_weights, absent=absent
        )
        return balance * pixels + (1 - balance) * overlap
