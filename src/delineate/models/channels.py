"""Attention over channels, on tokens (N, *S, C) that lie as channels-last memory does."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from delineate.core.errors import pick

EPS = 1e-12
"""Least squared length of a channel over all tokens."""


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


class ChannelAffinity(nn.Module):
    """Channels mixed by how alike they are, without any projection.

    softmax(X^T X) X^T times a learned scale, which begins at 0; X are the tokens. The scores grow
    with the number of tokens, so over large maps each channel hears little but itself.

    Source:
        Fu et al., 2019, arXiv:1809.02983 (DANet), equation 3.
    """

    def __init__(self, channels: int, *, heads: int) -> None:
        """Build the scale.

        Args:
            channels: Not used; here so that all kinds are built alike.
            heads: Likewise.
        """
        super().__init__()
        del channels, heads
        self.scale = nn.Parameter(torch.zeros(1))

    def forward(self, tokens: Tensor) -> Tensor:
        """Mix the channels.

        Args:
            tokens: (N, *S, C).

        Returns:
            (N, *S, C).
        """
        flat = tokens.flatten(1, -2)
        with torch.autocast(tokens.device.type, enabled=False):
            whole = flat.float()
            scores = (whole.transpose(1, 2) @ whole).softmax(dim=-1)
        mixed: Tensor = self.scale * (flat @ scores.to(flat.dtype).transpose(1, 2))
        return mixed.reshape(tokens.shape)


CHANNEL_KINDS: dict[str, Callable[..., nn.Module]] = {
    "xca": CrossCovariance,
    "group": ChannelGroups,
    "se": SqueezeExcite,
    "danet": ChannelAffinity,
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
