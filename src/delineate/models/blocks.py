"""Bricks that every network is laid from: normalised convolutions and residual pairs.

All of them keep channels-last memory without copies and export to ONNX.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from delineate.core.errors import pick
from delineate.models.layers import Convolution2d, Convolution3d

# Layers by number of axes; Any, since torch types kernels of 2 and 3 axes apart.
CONVOLUTIONS: dict[int, Any] = {2: Convolution2d, 3: Convolution3d}
TRANSPOSED: dict[int, Any] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
POOLS: dict[int, Any] = {2: nn.AvgPool2d, 3: nn.AvgPool3d}
MAX_POOLS: dict[int, Any] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}


def _group(channels: int, dims: int) -> nn.Module:
    del dims
    groups = max(count for count in range(1, 9) if channels % count == 0)
    return nn.GroupNorm(groups, channels)


def _batch(channels: int, dims: int) -> nn.Module:
    return nn.BatchNorm2d(channels) if dims == 2 else nn.BatchNorm3d(channels)


def _instance(channels: int, dims: int) -> nn.Module:
    kind = nn.InstanceNorm2d if dims == 2 else nn.InstanceNorm3d
    return kind(channels, affine=True)


NORMS: dict[str, Callable[[int, int], nn.Module]] = {
    "batch": _batch,
    "group": _group,
    "instance": _instance,
}


def make_norm(name: str, channels: int, dims: int) -> nn.Module:
    """Make a normalisation layer.

    Args:
        name: "batch", "group" (up to 8 groups) or "instance".
        channels: Number of channels.
        dims: Spatial axes, 2 or 3.

    Returns:
        The layer, (N, C, *S) to (N, C, *S).
    """
    return pick(NORMS, name, what="norm")(channels, dims)


class ConvNorm(nn.Sequential):
    """Convolution, normalisation and, if wanted, a leaky rectifier."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: int,
        *,
        kernel: Sequence[int],
        stride: Sequence[int],
        norm: str,
        has_activation: bool = True,
    ) -> None:
        """Build the layers.

        Args:
            in_channels: Channels in.
            out_channels: Channels out.
            dims: Spatial axes, 2 or 3.
            kernel: Odd kernel size per axis; the padding keeps the size.
            stride: Stride per axis.
            norm: Row of `NORMS`.
            has_activation: Whether a leaky rectifier of slope 0.01 ends it.
        """
        padding = tuple(size // 2 for size in kernel)
        layers: list[nn.Module] = [
            CONVOLUTIONS[dims](
                in_channels, out_channels, tuple(kernel), tuple(stride), padding, bias=False
            ),
            make_norm(norm, out_channels, dims),
        ]
        if has_activation:
            layers.append(nn.LeakyReLU(0.01, inplace=True))
        super().__init__(*layers)


class PlainBlock(nn.Sequential):
    """Two convolutions, each with normalisation and activation (Ronneberger et al., 2015)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: int,
        *,
        kernel: Sequence[int],
        stride: Sequence[int],
        norm: str,
    ) -> None:
        """Build the layers.

        Args:
            in_channels: Channels in.
            out_channels: Channels out.
            dims: Spatial axes, 2 or 3.
            kernel: Odd kernel size per axis.
            stride: Stride per axis of the first convolution.
            norm: Row of `NORMS`.
        """
        ones = [1] * dims
        super().__init__(
            ConvNorm(in_channels, out_channels, dims, kernel=kernel, stride=stride, norm=norm),
            ConvNorm(out_channels, out_channels, dims, kernel=kernel, stride=ones, norm=norm),
        )


class ResidualBlock(nn.Module):
    """Two convolutions around a shortcut (He et al., 2016), the stride in the first.

    Source:
        He et al., 2016, arXiv:1512.03385; the shortcut averages before its 1x1 convolution,
        as He et al., 2019, arXiv:1812.01187, variant D.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: int,
        *,
        kernel: Sequence[int],
        stride: Sequence[int],
        norm: str,
    ) -> None:
        """Build the layers.

        Args:
            in_channels: Channels in.
            out_channels: Channels out.
            dims: Spatial axes, 2 or 3.
            kernel: Odd kernel size per axis.
            stride: Stride per axis of the first convolution.
            norm: Row of `NORMS`.
        """
        super().__init__()
        ones, width = [1] * dims, out_channels
        self.first = ConvNorm(in_channels, width, dims, kernel=kernel, stride=stride, norm=norm)
        self.second = ConvNorm(
            width, width, dims, kernel=kernel, stride=ones, norm=norm, has_activation=False
        )
        shortcut: list[nn.Module] = []
        if max(stride) > 1:
            shortcut.append(POOLS[dims](tuple(stride), tuple(stride), ceil_mode=True))
        if in_channels != out_channels:
            shortcut.append(
                ConvNorm(
                    in_channels,
                    out_channels,
                    dims,
                    kernel=ones,
                    stride=ones,
                    norm=norm,
                    has_activation=False,
                )
            )
        self.shortcut = nn.Sequential(*shortcut)
        self.activation = nn.LeakyReLU(0.01, inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """Run the block.

        Args:
            features: (N, C, *S).

        Returns:
            (N, out_channels, *ceil(S / stride)).
        """
        out: Tensor = self.activation(self.second(self.first(features)) + self.shortcut(features))
        return out


class FineGrid(nn.Module):
    """Back to the input's own grid after a first stage with a stride, guided by the input.

    A network that works at half resolution costs a quarter; what a thin branch on the full
    grid adds is where exactly an edge runs.
    """

    def __init__(
        self,
        in_channels: int,
        image_channels: int,
        out_channels: int,
        dims: int,
        *,
        stride: Sequence[int],
        norm: str,
    ) -> None:
        """Build the layers.

        Args:
            in_channels: Channels of the coarse features.
            image_channels: Channels of the network's input.
            out_channels: Channels out.
            dims: Spatial axes, 2 or 3.
            stride: How much coarser the features are, per axis.
            norm: Row of `NORMS`.
        """
        super().__init__()
        kernel, ones, thin = [3] * dims, [1] * dims, max(1, out_channels // 2)
        self.up = TRANSPOSED[dims](
            in_channels, out_channels, tuple(stride), tuple(stride), bias=False
        )
        self.stem = ConvNorm(image_channels, thin, dims, kernel=kernel, stride=ones, norm=norm)
        self.join = ConvNorm(
            out_channels + thin, out_channels, dims, kernel=kernel, stride=ones, norm=norm
        )

    def forward(self, features: Tensor, image: Tensor) -> Tensor:
        """Run the block.

        Args:
            features: (N, in_channels, *S / stride).
            image: The network's input, (N, image_channels, *S).

        Returns:
            (N, out_channels, *S).
        """
        out: Tensor = self.join(torch.cat([self.up(features), self.stem(image)], dim=1))
        return out
