"""Ways to attend to places, by name: what the keys are that each place asks."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from delineate.core.errors import pick
from delineate.models.attention import SpatialAttention
from delineate.models.windows import WindowGrid

POOLED = 7
"""Keys per axis of pooled attention, for any size of image."""
EPS = 1e-5
"""Of the normalisation within attention."""


class Pooling(nn.Module):
    """Tokens averaged to a grid of `POOLED` per axis, mixed and normalised.

    Source:
        Wang et al., 2022, arXiv:2106.13797 (PVTv2), linear spatial-reduction attention.
    """

    def __init__(self, channels: int, eps: float) -> None:
        """Build the layers.

        Args:
            channels: Channels of a token.
            eps: Of the normalisation.
        """
        super().__init__()
        self.mix = nn.Linear(channels, channels)
        self.norm = nn.LayerNorm(channels, eps=eps)
        self.activation = nn.GELU()

    def forward(self, tokens: Tensor) -> Tensor:
        """Average and mix.

        Args:
            tokens: (N, *S, C).

        Returns:
            (N, M, C), M the product over axes of min(S, `POOLED`).
        """
        mixed: Tensor = self.mix(average_to(tokens, POOLED).flatten(1, -2))
        keys: Tensor = self.activation(self.norm(mixed))
        return keys


def average_to(tokens: Tensor, side: int) -> Tensor:
    """Average tokens to a grid, as adaptive pooling does: bins overlap where they must.

    One small product an axis, which, unlike adaptive pooling, reads tokens as they lie and is
    there in ONNX for any size and three axes.

    Args:
        tokens: (N, *S, C).
        side: Bins per axis; an axis that has no more tokens stays as it is.

    Returns:
        (N, *min(S, side), C).
    """
    shape = list(tokens.shape)
    for axis in range(1, len(shape) - 1):
        length = shape[axis]
        if length <= side:
            continue
        bins = torch.arange(side, device=tokens.device)
        places = torch.arange(length, device=tokens.device)
        low, high = bins * length // side, ((bins + 1) * length + side - 1) // side
        inside = (places >= low[:, None]) & (places < high[:, None])
        weights = inside.to(tokens.dtype) / (high - low)[:, None].to(tokens.dtype)
        rows = tokens.reshape(-1, length, tokens.shape[axis + 1 :].numel())
        shape[axis] = side
        tokens = (weights @ rows).reshape(shape)
    return tokens


def _pooled(
    channels: int, dims: int, *, heads: int, ratio: Sequence[int], eps: float
) -> SpatialAttention:
    keys = Pooling(channels, eps)
    return SpatialAttention(channels, dims, heads=heads, ratio=ratio, eps=eps, reduction=keys)


SPATIAL_KINDS: dict[str, Callable[..., nn.Module]] = {
    "sra": SpatialAttention,
    "window": WindowGrid,
    "pool": _pooled,
}
"""Ways to attend to places."""


def make_spatial_attention(
    name: str, channels: int, dims: int, *, heads: int, ratio: Sequence[int]
) -> nn.Module:
    """Make attention over places.

    Args:
        name: Row of `SPATIAL_KINDS`.
        channels: Channels of a token, a multiple of heads.
        dims: Spatial axes, 2 or 3.
        heads: Number of heads.
        ratio: Tokens to one key, per axis, for "sra".

    Returns:
        Module that maps (N, *S, C) to the same shape.
    """
    kind = pick(SPATIAL_KINDS, name, what="spatial attention")
    return kind(channels, dims, heads=heads, ratio=ratio, eps=EPS)
