"""How unsure a network is of an image as a whole: its doubt where what it found ends.

Inside an organ or nucleus, and far from it, nearly every voxel is certain, whatever the
outline is worth; so the mean over the image says how much border there is, not how good.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional


def boundary_score(doubt: Tensor, foreground: Tensor, *, width: int = 3) -> Tensor:
    """Mean doubt near the border of what was found: one number an image.

    Args:
        doubt: In [0, 1], (N, *S).
        foreground: What was found, (N, *S), bool.
        width: Voxels to either side of a border that belong to it, at least 1.

    Returns:
        (N,), float32; nan for an image without a border.
    """
    dims = foreground.ndim - 1
    pool: Callable[..., Tensor] = functional.max_pool2d if dims == 2 else functional.max_pool3d
    inside = foreground[:, None].float()

    def widened(mask: Tensor) -> Tensor:
        for _ in range(width):
            mask = pool(mask, 3, stride=1, padding=1)
        return mask

    band = ((widened(inside) > 0) & (widened(1 - inside) > 0))[:, 0]
    axes = tuple(range(1, foreground.ndim))
    total = torch.where(band, doubt.float(), 0).sum(axes)
    return total / band.sum(axes)
