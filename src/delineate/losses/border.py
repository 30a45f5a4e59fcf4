"""The border weights of U-Net: narrow gaps between objects count many times over."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from delineate.losses.pair import PerClass, check_shapes, exact, has_layers, promote
from delineate.losses.pixel import cross_entropy_loss

REACH = 5.0
"""Distance, in sigmas, beyond which an object is not looked for: less than 1e-5 of w0."""


def unet_border_weight(
    ids: NDArray[np.generic], *, border_weight: float = 10.0, sigma: float = 5.0
) -> NDArray[np.float64]:
    """Weigh each voxel by how narrow the gap between objects is that it lies in.

    w = 1 + w0 exp(-(d1 + d2)^2 / 2 sigma^2) between objects, with the distances d1 and d2 to the
    two nearest of them; 1 inside objects, and where there are fewer than two.

    Args:
        ids: Objects by number, (*S), 0 and below is none; or one mask, (*S), bool, whose
            connected parts are the objects (corners connect).
        border_weight: The w0, >= 0.
        sigma: Reach of the weight, in voxels, > 0.

    Returns:
        Weights, (*S), in [1, 1 + w0].

    Source:
        Ronneberger et al., 2015, arXiv:1505.04597, equation 2.
    """
    from scipy import ndimage

    if ids.dtype == np.bool_:
        ids = ndimage.label(ids, np.ones([3] * ids.ndim))[0]
    nearest = np.full((2, *ids.shape), np.inf)
    reach = int(np.ceil(REACH * sigma))
    objects = np.maximum(ids.astype(np.int64), 0)
    _, numbers = np.unique(objects, return_inverse=True)
    numbers = numbers.reshape(ids.shape) + int(objects.min(initial=1) > 0)  # 0 stays nothing
    for number, box in enumerate(ndimage.find_objects(numbers), start=1):
        around = tuple(
            slice(max(0, side.start - reach), min(size, side.stop + reach))
            for side, size in zip(box, ids.shape, strict=True)
        )
        distance = ndimage.distance_transform_edt(numbers[around] != number)
        first, second = nearest[0][around], nearest[1][around]
        second[...] = np.minimum(second, np.maximum(first, distance))
        first[...] = np.minimum(first, distance)
    gap = np.where(objects > 0, np.inf, nearest.sum(0))
    return 1 + border_weight * np.exp(-(gap**2) / (2 * sigma**2))


def border_ce_loss(
    logits: Tensor,
    target: Tensor,
    *,
    border_weight: float = 10.0,
    sigma: float = 5.0,
    class_weights: PerClass | None = None,
) -> Tensor:
    """Cross-entropy with the border weights of U-Net, made of the target's connected parts.

    For objects that nearly touch, such as cells in culture; border_weight 0 is cross-entropy.

    Args:
        logits: Raw scores, (N, K, *S), float.
        target: Class ids (N, *S), int64, or layers (N, K, *S); -1 is ignored. Objects are the
            connected parts of each class but the background, or of each layer.
        border_weight: Weight of the narrowest gap over that of other voxels, >= 0.
        sigma: Reach of the weight, in voxels, > 0.
        class_weights: Weight of each channel, >= 0; None means 1.

    Returns:
        Weighted mean, (), in nats.

    Raises:
        ShapeError: If the shapes of logits, target and weights do not go together.

    Source:
        Ronneberger et al., 2015, arXiv:1505.04597, equations 1 and 2.
    """
    check_shapes(logits, target)
    maps = target.flatten(0, 1) if has_layers(logits, target) else target
    weights = [
        unet_border_weight(_objects(labels), border_weight=border_weight, sigma=sigma)
        for labels in maps.detach().cpu().numpy()
    ]
    places = torch.from_numpy(np.stack(weights)).reshape(target.shape)
    with exact(logits):
        return cross_entropy_loss(
            logits,
            target,
            class_weights=class_weights,
            pixel_weights=places.to(logits.device, promote(logits).dtype),
        )


def _objects(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the connected parts of every class above 0."""
    from scipy import ndimage

    objects = np.zeros(labels.shape, np.int64)
    for label in np.unique(labels[labels > 0]):
        parts = ndimage.label(labels == label, np.ones([3] * labels.ndim))[0]
        objects = np.where(parts > 0, parts + objects.max(), objects)
    return objects
