"""How a block joins its two kinds of attention, and how training skips a branch."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class GateFusion(nn.Module):
    """Each channel chooses between the two by what the whole image holds of both.

    Source:
        Li et al., 2019, arXiv:1903.06586 (selective kernels), for attentions instead of kernels.
    """

    def __init__(self, channels: int) -> None:
        """Build the layers.

        Args:
            channels: Channels of a token.
        """
        super().__init__()
        self.gate = nn.Sequential(
            nn.Linear(2 * channels, max(channels // 4, 8)),
            nn.GELU(),
            nn.Linear(max(channels // 4, 8), 2 * channels),
        )

    def forward(self, spatial: Tensor, channel: Tensor) -> Tensor:
        """Join them.

        Args:
            spatial: (N, *S, C).
            channel: (N, *S, C).

        Returns:
            (N, *S, C), per channel a mean whose weights sum to 1.
        """
        axes = tuple(range(1, spatial.ndim - 1))
        means = torch.cat([spatial.mean(axes), channel.mean(axes)], dim=-1)
        shares = self.gate(means).unflatten(-1, (2, -1)).softmax(dim=1)
        shape = (len(spatial), *[1] * len(axes), -1)
        share = shares[:, 0].reshape(shape).to(spatial.dtype)
        return torch.lerp(channel, spatial, share)


class ScalarFusion(nn.Module):
    """One learned share for all channels and images."""

    def __init__(self, channels: int) -> None:
        """Build the layer.

        Args:
            channels: Not used; here so that all kinds are built alike.
        """
        super().__init__()
        del channels
        self.share = nn.Parameter(torch.zeros(()))

    def forward(self, spatial: Tensor, channel: Tensor) -> Tensor:
        """Join them.

        Args:
            spatial: (N, *S, C).
            channel: (N, *S, C).

        Returns:
            (N, *S, C).
        """
        return torch.lerp(channel, spatial, self.share.sigmoid().to(spatial.dtype))


class SumFusion(nn.Module):
    """The plain sum."""

    def __init__(self, channels: int) -> None:
        """Build nothing.

        Args:
            channels: Not used; here so that all kinds are built alike.
        """
        super().__init__()
        del channels

    def forward(self, spatial: Tensor, channel: Tensor) -> Tensor:
        """Join them.

        Args:
            spatial: (N, *S, C).
            channel: (N, *S, C).

        Returns:
            (N, *S, C).
        """
        return spatial + channel


FUSIONS: dict[str, Callable[[int], nn.Module]] = {
    "gate": GateFusion,
    "scalar": ScalarFusion,
    "sum": SumFusion,
}
"""Ways to join two kinds of attention."""


class PathDrop(nn.Module):
    """Lets samples skip a branch by chance while training (stochastic depth).

    Source:
        Huang et al., 2016, arXiv:1603.09382.
    """

    def __init__(self, rate: float) -> None:
        """Say how often.

        Args:
            rate: Chance that a sample skips, in [0, 1).
        """
        super().__init__()
        self.rate = rate

    def forward(self, branch: Tensor) -> Tensor:
        """Drop the branch of some samples and scale the others up.

        Args:
            branch: (N, ...).

        Returns:
            (N, ...).
        """
        if not self.training or self.rate == 0:
            return branch
        shape = (len(branch), *[1] * (branch.ndim - 1))
        kept = torch.rand(shape, device=branch.device) >= self.rate
        return branch * (kept / (1 - self.rate)).to(branch.dtype)
