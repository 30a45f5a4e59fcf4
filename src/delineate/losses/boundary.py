"""Losses of the border: probability far on the wrong side, and cross-entropy near it."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from delineate.core.errors import pick
from delineate.losses.distance import border_distance, signed_distances
from delineate.losses.overlap import first_class
from delineate.losses.pair import (
    ABSENT,
    PerClass,
    check_shapes,
    compare,
    exact,
    has_layers,
    promote,
)
from delineate.losses.pixel import cross_entropy_loss


def boundary_loss(
    logits: Tensor,
    target: Tensor,
    *,
    clip: float = 20.0,
    spacing: Sequence[float] | None = None,
    absent: str = "keep",
    background: bool = False,
) -> Tensor:
    """Probability times the signed distance to the true border, averaged over voxels and classes.

    B = mean p_c phi_c / clip, with phi < 0 inside, > 0 outside, cut at +-clip. Beside an overlap
    loss, with a weight that grows slowly: alone it does not find small objects, and a perfect
    answer costs less than nothing.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        clip: Distance from which farther is no worse, > 0, in voxels or units of `spacing`.
        spacing: Size of a voxel along each axis of S; None means 1.
        absent: "keep" takes classes that an image lacks as farther than `clip` everywhere,
            "skip" gives them no distance, as the paper's code.
        background: True if class 0 is averaged in; layers have none.

    Returns:
        Mean, (), in [-1, 1].

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Kervadec et al., 2019, arXiv:1812.07032, equation 5.
    """
    check_shapes(logits, target)
    layers, first = has_layers(logits, target), first_class(logits, target, background)
    with exact(logits):
        pair = compare(logits, target)
        field = signed_distances(target, logits.shape[1], layers=layers, spacing=spacing)
        field = (field.clamp(-clip, clip) / clip).to(pair.chances)
        if pick(ABSENT, absent, what="way with absent classes"):
            present = pair.truth.flatten(2).sum(2) > 0
            field = field * present.reshape(*present.shape, *[1] * (logits.ndim - 2))
        valid = pair.valid.expand_as(pair.chances)[:, first:]
        cost = (pair.chances * field)[:, first:]
        return cost.sum() / valid.sum().clamp_min(1)


def boundary_ce_loss(
    logits: Tensor,
    target: Tensor,
    *,
    strength: float = 4.0,
    sigma: float = 3.0,
    band: float | None = None,
    class_weights: PerClass | None = None,
) -> Tensor:
    """Cross-entropy that weighs voxels near a true border more, or counts no others.

    Weight 1 + s exp(-d^2 / 2 sigma^2) at distance d from the nearest voxel of another class; with
    a band, 1 where d <= band and 0 elsewhere. For outlines that matter more than areas; strength
    0 is cross-entropy.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        strength: The s, >= 0.
        sigma: Reach of the weight, in voxels, > 0.
        band: Half-width of a band around borders, in voxels; None weighs all voxels.
        class_weights: Weight of each channel, >= 0; None means 1.

    Returns:
        Weighted mean, (), in nats; 0 if there is a band and no border.

    Raises:
        ShapeError: If the shapes of logits, target and weights do not go together.
    """
    check_shapes(logits, target)
    maps = target.flatten(0, 1) if has_layers(logits, target) else target
    distances = np.stack([border_distance(labels) for labels in maps.detach().cpu().numpy()])
    if band is None:
        weights = 1 + strength * np.exp(-(distances**2) / (2 * sigma**2))
    else:
        weights = (distances <= band).astype(np.float64)
    near = torch.from_numpy(weights).reshape(target.shape).to(logits.device, promote(logits).dtype)
    with exact(logits):
        return cross_entropy_loss(logits, target, class_weights=class_weights, pixel_weights=near)
