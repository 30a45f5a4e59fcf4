"""Attention over places, on tokens that lie as channels-last memory does.

Tokens are (N, *S, C): a permuted view of a channels-last map, so that linear layers and
normalisation run without a copy, and so do convolutions on the view back.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from delineate.models.blocks import CONVOLUTIONS

FEW_KEYS = 256
"""Keys up to which the scores of all tokens are held in memory."""


def to_map(tokens: Tensor) -> Tensor:
    """See tokens as a map.

    Args:
        tokens: (N, *S, C).

    Returns:
        (N, C, *S), a view.
    """
    return tokens.movedim(-1, 1)


def to_tokens(features: Tensor) -> Tensor:
    """See a map as tokens.

    Args:
        features: (N, C, *S).

    Returns:
        (N, *S, C), a view.
    """
    return features.movedim(1, -1)


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention, by whichever way is faster here.

    On a CPU and for the few keys that reduction leaves, two products and a softmax take half
    the time of the fused kernel in bfloat16, and a fifth with the way back
    (benchmarks/networks/blocks.py).

    Args:
        query: (N, heads, T, d).
        key: (N, heads, M, d).
        value: (N, heads, M, d).
        mask: Which keys are asked, bool, of a shape that goes to (N, heads, T, M); None asks
            all. Every query must have one.

    Returns:
        (N, heads, T, d).
    """
    is_small = query.device.type == "cpu" and key.shape[2] <= FEW_KEYS
    if is_small and query.dtype == torch.bfloat16:
        scores = query @ (key * key.shape[-1] ** -0.5).transpose(-2, -1)
        scores = scores if mask is None else scores.masked_fill(~mask, -torch.inf)
        mixed: Tensor = scores.softmax(dim=-1, dtype=torch.bfloat16) @ value
        return mixed
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


class Reduction(nn.Module):
    """Blocks of tokens become one each, by a convolution whose stride is its kernel."""

    def __init__(self, channels: int, dims: int, ratio: Sequence[int], eps: float) -> None:
        """Build the layers.

        Args:
            channels: Channels of a token.
            dims: Spatial axes, 2 or 3.
            ratio: Tokens to one, per axis.
            eps: Of the normalisation.
        """
        super().__init__()
        self.ratio = tuple(ratio)
        self.conv = CONVOLUTIONS[dims](channels, channels, self.ratio, self.ratio)
        self.norm = nn.LayerNorm(channels, eps=eps)

    def forward(self, tokens: Tensor) -> Tensor:
        """Reduce the tokens; what does not fill a block is filled up with zeros.

        Args:
            tokens: (N, *S, C).

        Returns:
            (N, M, C).
        """
        features = to_map(tokens)
        missing = [-size % step for size, step in zip(features.shape[2:], self.ratio, strict=True)]
        if any(missing):
            features = functional.pad(features, [p for m in reversed(missing) for p in (0, m)])
        reduced: Tensor = self.norm(to_tokens(self.conv(features)).flatten(1, -2))
        return reduced


class SpatialAttention(nn.Module):
    """Each place asks a coarse grid of places: global context at a linear price.

    Source:
        Xie et al., 2021, arXiv:2105.15203 (efficient self-attention of SegFormer).
    """

    def __init__(
        self,
        channels: int,
        dims: int,
        *,
        heads: int,
        ratio: Sequence[int],
        eps: float,
        reduction: nn.Module | None = None,
    ) -> None:
        """Build the layers.

        Args:
            channels: Channels of a token, a multiple of heads.
            dims: Spatial axes, 2 or 3.
            heads: Number of heads.
            ratio: Tokens to one key, per axis.
            eps: Of the normalisation of reduced tokens.
            reduction: Makes keys (N, M, C) of tokens (N, *S, C) instead of that ratio.
        """
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(channels, 2 * channels)
        if reduction is None and max(ratio) > 1:
            reduction = Reduction(channels, dims, ratio, eps)
        self.reduction = reduction
        self.out = nn.Linear(channels, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """Run the attention.

        Args:
            tokens: (N, *S, C).

        Returns:
            (N, *S, C).
        """
        count, channels = len(tokens), tokens.shape[-1]
        flat = tokens.flatten(1, -2)
        memory = flat if self.reduction is None else self.reduction(tokens)
        shape = (self.heads, channels // self.heads)
        query = self.query(flat).unflatten(-1, shape).transpose(1, 2)
        pair = self.key_value(memory).unflatten(-1, (2, *shape))
        key, value = pair.transpose(1, 3).unbind(2)
        mixed = attend(query, key, value)
        out: Tensor = self.out(mixed.transpose(1, 2).reshape(count, *tokens.shape[1:]))
        return out


def initialise(network: nn.Module) -> None:
    """Draw the weights of a transformer as its authors did.

    Linear layers: normal with standard deviation 0.02, cut at two of them. Convolutions:
    normal with variance 2 / fan-out. Biases: zero.

    Args:
        network: Changed in place.
    """
    kinds: Any = tuple(CONVOLUTIONS.values())
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, kinds):
            taps = module.weight[0, 0].numel()
            fan_out = taps * module.out_channels // module.groups
            nn.init.normal_(module.weight, std=(2 / fan_out) ** 0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
