"""Attention over places and over channels, on tokens that lie as channels-last memory does.

Tokens are (N, *S, C): a permuted view of a channels-last map, so that linear layers and
normalisation run without a copy, and so do convolutions on the view back.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from delineate.core.errors import pick
from delineate.models.blocks import CONVOLUTIONS

EPS = 1e-12
"""Least squared length of a channel over all tokens."""
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


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention, by whichever way is faster here.

    On a CPU and for the few keys that reduction leaves, two products and a softmax take half
    the time of the fused kernel in bfloat16, and a fifth with the way back
    (benchmarks/networks/blocks.py).

    Args:
        query: (N, heads, T, d).
        key: (N, heads, M, d).
        value: (N, heads, M, d).

    Returns:
        (N, heads, T, d).
    """
    is_small = query.device.type == "cpu" and key.shape[2] <= FEW_KEYS
    if is_small and query.dtype == torch.bfloat16:
        scores = query @ (key * key.shape[-1] ** -0.5).transpose(-2, -1)
        mixed: Tensor = scores.softmax(dim=-1, dtype=torch.bfloat16) @ value
        return mixed
    return functional.scaled_dot_product_attention(query, key, value)


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
        self, channels: int, dims: int, *, heads: int, ratio: Sequence[int], eps: float
    ) -> None:
        """Build the layers.

        Args:
            channels: Channels of a token, a multiple of heads.
            dims: Spatial axes, 2 or 3.
            heads: Number of heads.
            ratio: Tokens to one key, per axis.
            eps: Of the normalisation of reduced tokens.
        """
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(channels, 2 * channels)
        self.reduction = Reduction(channels, dims, ratio, eps) if max(ratio) > 1 else None
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


class CrossCovariance(nn.Module):
    """Each channel asks the others, over all places: linear in the number of tokens.

    The lengths of queries and keys divide their small product instead of the tokens
    themselves, which is the same and leaves the tokens untouched.

    Source:
        El-Nouby et al., 2021, arXiv:2106.09681 (XCiT), equation 3.
    """

    def __init__(self, channels: int, *, heads: int) -> None:
        """Build the layers.

        Args:
            channels: Channels of a token, a multiple of heads.
            heads: Number of heads.
        """
        super().__init__()
        self.heads = heads
        self.mixed = nn.Linear(channels, 3 * channels)
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.out = nn.Linear(channels, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """Run the attention.

        Args:
            tokens: (N, *S, C).

        Returns:
            (N, *S, C).
        """
        flat = tokens.flatten(1, -2)
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.mixed(flat).chunk(3, dim=-1)
        )  # each (N, heads, T, d)
        product = query.transpose(-2, -1) @ key
        with torch.autocast(tokens.device.type, enabled=False):
            lengths = self._length(query)[..., :, None] * self._length(key)[..., None, :]
            scores = (product.float() / lengths * self.temperature.float()).softmax(dim=-1)
        mixed = value @ scores.to(value.dtype).transpose(-2, -1)
        out: Tensor = self.out(mixed.transpose(1, 2).reshape(tokens.shape))
        return out

    @staticmethod
    def _length(tokens: Tensor) -> Tensor:
        return tokens.float().square().sum(-2).clamp_min(EPS).sqrt()


class ChannelGroups(CrossCovariance):
    """Attention over channels whose scores are scaled by the number of tokens instead.

    Source:
        Ding et al., 2022, arXiv:2204.03645 (DaViT), channel group attention.
    """

    @staticmethod
    def _length(tokens: Tensor) -> Tensor:
        root = float(tokens.shape[-2]) ** 0.25
        return torch.full((*tokens.shape[:-2], tokens.shape[-1]), root, device=tokens.device)


class SqueezeExcite(nn.Module):
    """Channels weighed by what the whole image holds of them.

    Source:
        Hu et al., 2018, arXiv:1709.01507.
    """

    def __init__(self, channels: int, *, heads: int) -> None:
        """Build the layers.

        Args:
            channels: Channels of a token.
            heads: Not used; here so that all kinds are built alike.
        """
        super().__init__()
        del heads
        inner = max(channels // 16, 4)
        self.gate = nn.Sequential(
            nn.Linear(channels, inner), nn.ReLU(), nn.Linear(inner, channels), nn.Sigmoid()
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Weigh the channels.

        Args:
            tokens: (N, *S, C).

        Returns:
            (N, *S, C).
        """
        flat = tokens.flatten(1, -2)
        weighed: Tensor = flat * self.gate(flat.mean(1, keepdim=True))
        return weighed.reshape(tokens.shape)


CHANNEL_KINDS: dict[str, Callable[..., nn.Module]] = {
    "xca": CrossCovariance,
    "group": ChannelGroups,
    "se": SqueezeExcite,
}
"""Ways to attend to channels."""


def make_channel_attention(name: str, channels: int, *, heads: int) -> nn.Module:
    """Make attention over channels.

    Args:
        name: Row of `CHANNEL_KINDS`.
        channels: Channels of a token.
        heads: Number of heads.

    Returns:
        Module that maps (N, *S, C) to the same shape.
    """
    return pick(CHANNEL_KINDS, name, what="channel attention")(channels, heads=heads)


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
