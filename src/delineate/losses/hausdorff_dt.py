"""The Hausdorff distance, estimated by distance transforms of answer and truth."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from delineate.core.errors import pick
from delineate.losses.distance import distance_to
from delineate.losses.overlap import first_class
from delineate.losses.pair import ABSENT, compare, exact


def hausdorff_dt_loss(
    logits: Tensor,
    target: Tensor,
    *,
    alpha: float = 2.0,
    spacing: Sequence[float] | None = None,
    absent: str = "skip",
    background: bool = False,
) -> Tensor:
    """Squared errors, each weighed by its distance to the borders of answer and truth.

    H = mean (p - t)^2 (d_p^a + d_t^a), with d the distance to the border of p > 0.5 and of the
    truth over the image's diagonal; distances have no gradient. For outliers far from an object,
    late in training and beside an overlap loss, weighed so that both are of one size.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored.
        alpha: The a, > 0; larger looks at the farthest errors only.
        spacing: Size of a voxel along each axis of S; None means 1.
        absent: What an answer or a truth without border weighs, class by class and image by
            image: "skip" is 0, as published; "keep" is 1, the whole diagonal.
        background: True if class 0 is averaged in; layers have none.

    Returns:
        Mean, (), in [0, 2].

    Raises:
        ShapeError: If the spatial shapes of logits and target differ.

    Source:
        Karimi and Salcudean, 2019, arXiv:1904.10030, equation 8.
    """
    first = first_class(logits, target, background)
    far = 0.0 if pick(ABSENT, absent, what="way with absent classes") else 1.0
    with exact(logits):
        pair = compare(logits, target)
        chances, truth = pair.chances[:, first:], pair.truth[:, first:]
        size = np.array(logits.shape[2:]) * (1.0 if spacing is None else np.asarray(spacing))
        diagonal = float(np.linalg.norm(size))
        weights = [border_field(mask, spacing, diagonal, far) ** alpha for mask in (chances, truth)]
        valid = pair.valid.expand_as(pair.chances)[:, first:]
        cost = (chances - truth).square() * (weights[0] + weights[1])
        return cost.sum() / valid.sum().clamp_min(1)


def border_field(
    values: Tensor, spacing: Sequence[float] | None, diagonal: float, far: float
) -> Tensor:
    """Measure distances to the border of what is above a half.

    Args:
        values: Probabilities or truth, (N, K, *S).
        spacing: Size of a voxel along each axis of S; None means 1.
        diagonal: Distance that becomes 1.
        far: Value of masks without border.

    Returns:
        (N, K, *S), on the device and of the type of `values`, without gradient.
    """
    masks: NDArray[np.bool_] = (values.detach() > 0.5).cpu().numpy()
    field = np.full(masks.shape, far)
    for place in np.ndindex(*masks.shape[:2]):
        mask = masks[place]
        if mask.any() and not mask.all():
            both = distance_to(mask, spacing) + distance_to(~mask, spacing)
            field[place] = both / diagonal
    return torch.from_numpy(field).to(values)
