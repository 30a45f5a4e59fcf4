"""Units that ResUNet++ is built from: scaled residual pairs and summed atrous pooling."""

from collections.abc import Sequence

from torch import Tensor, nn

from delineate.models.blocks import make_norm
from delineate.models.convolutions import make_conv

REDUCTION = 8
"""Channels to one inside a squeeze-and-excitation unit."""


class SqueezeExcitation(nn.Module):
    """Scale each channel by what the whole image says of it.

    Source:
        Hu et al., 2018, arXiv:1709.01507.
    """

    def __init__(self, channels: int) -> None:
        """Build the layers.

        Args:
            channels: Channels in and out.
        """
        super().__init__()
        inner = max(1, channels // REDUCTION)
        self.squeeze = nn.Linear(channels, inner, bias=False)
        self.excite = nn.Linear(inner, channels, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Run the unit.

        Args:
            features: (N, C, *S).

        Returns:
            (N, C, *S).
        """
        whole = features.mean(dim=tuple(range(2, features.ndim)))
        scale = self.excite(self.squeeze(whole).relu()).sigmoid()
        out: Tensor = features * scale.reshape(*scale.shape, *[1] * (features.ndim - 2))
        return out


class ResidualUnit(nn.Module):
    """Two convolutions, activated before each, beside a 1x1 shortcut; scaled at the end."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: int,
        *,
        stride: Sequence[int],
        norm: str,
        is_stem: bool = False,
    ) -> None:
        """Build the layers.

        Args:
            in_channels: Channels in.
            out_channels: Channels out.
            dims: Spatial axes, 2 or 3.
            stride: Stride per axis.
            norm: Row of `NORMS`.
            is_stem: Whether the input is an image, which is not activated.
        """
        super().__init__()
        first = make_conv(in_channels, out_channels, dims, stride=stride, bias=True)
        second = make_conv(out_channels, out_channels, dims, bias=True)
        activated = [] if is_stem else activation(in_channels, dims, norm)
        self.branch = nn.Sequential(
            *activated, first, *activation(out_channels, dims, norm), second
        )
        self.shortcut = nn.Sequential(
            make_conv(in_channels, out_channels, dims, kernel=1, stride=stride, bias=True),
            make_norm(norm, out_channels, dims),
        )
        self.scale = SqueezeExcitation(out_channels)

    def forward(self, features: Tensor) -> Tensor:
        """Run the unit.

        Args:
            features: (N, C, *S).

        Returns:
            (N, out_channels, *ceil(S / stride)).
        """
        out: Tensor = self.scale(self.branch(features) + self.shortcut(features))
        return out


class SummedPooling(nn.Module):
    """Dilated convolutions side by side, their normalised outputs summed and mixed."""

    def __init__(
        self, in_channels: int, out_channels: int, dims: int, *, rates: Sequence[int], norm: str
    ) -> None:
        """Build the branches.

        Args:
            in_channels: Channels in.
            out_channels: Channels out.
            dims: Spatial axes, 2 or 3.
            rates: Dilation of each branch.
            norm: Row of `NORMS`.
        """
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(
                make_conv(in_channels, out_channels, dims, dilation=rate, bias=True),
                make_norm(norm, out_channels, dims),
            )
            for rate in rates
        )
        self.mix = make_conv(out_channels, out_channels, dims, kernel=1, bias=True)

    def forward(self, features: Tensor) -> Tensor:
        """Run the branches.

        Args:
            features: (N, C, *S).

        Returns:
            (N, out_channels, *S).
        """
        first, *others = self.branches
        total = first(features)
        for branch in others:
            total = total + branch(features)
        out: Tensor = self.mix(total)
        return out


def activation(channels: int, dims: int, norm: str) -> list[nn.Module]:
    """Make what stands before a convolution here: a normalisation and a rectifier.

    Args:
        channels: Channels in and out.
        dims: Spatial axes, 2 or 3.
        norm: Row of `NORMS`.

    Returns:
        The two layers.
    """
    return [make_norm(norm, channels, dims), nn.ReLU(inplace=True)]
