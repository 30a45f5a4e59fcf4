"""MobileNetV2 as an encoder, in two and three dimensions, for machines with little to give.

Parameters carry the names that published ImageNet weights use, so that such a file fits.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from delineate.models.blocks import make_norm
from delineate.models.convolutions import initialise_rectified, make_conv
from delineate.models.strides import cumulative, dilate, stride_rows

STAGES = (
    (1, 16, 1, 0),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 3),
    (6, 96, 3, 3),
    (6, 160, 3, 4),
    (6, 320, 1, 4),
)
"""Expansion, channels, number of blocks and level of each stage; the first block of a level
has its stride."""
STEM, LAST = 32, 1280
"""Channels of the first and of the last convolution."""


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, narrow again; a shortcut where the shape stays."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: int,
        *,
        expansion: int,
        stride: Sequence[int],
        dilation: Sequence[int],
        norm: str,
    ) -> None:
        """Build the layers.

        Args:
            in_channels: Channels in.
            out_channels: Channels out.
            dims: Spatial axes, 2 or 3.
            expansion: Channels inside to one outside.
            stride: Stride per axis.
            dilation: Dilation per axis.
            norm: Row of `NORMS`.
        """
        super().__init__()
        inner = in_channels * expansion
        layers: list[nn.Module] = []
        if expansion > 1:
            layers.append(_rectified(make_conv(in_channels, inner, dims, kernel=1), norm, dims))
        filters = make_conv(inner, inner, dims, stride=stride, dilation=dilation, groups=inner)
        layers.append(_rectified(filters, norm, dims))
        layers.append(make_conv(inner, out_channels, dims, kernel=1))
        layers.append(make_norm(norm, out_channels, dims))
        self.conv = nn.Sequential(*layers)
        self.has_shortcut = in_channels == out_channels and max(stride) == 1

    def forward(self, features: Tensor) -> Tensor:
        """Run the block.

        Args:
            features: (N, C, *S).

        Returns:
            (N, out_channels, *ceil(S / stride)).
        """
        out: Tensor = self.conv(features)
        return features + out if self.has_shortcut else out


class MobileNetV2(nn.Module):
    """MobileNetV2 without its classifier; five levels at strides 2, 4, 8, 16 and 32.

    Source:
        Sandler et al., 2018, arXiv:1801.04381, table 2.
    """

    def __init__(
        self,
        in_channels: int,
        dims: int,
        *,
        width: float = 1.0,
        strides: Sequence[Sequence[int]] | None = None,
        output_stride: int = 32,
        norm: str = "batch",
    ) -> None:
        """Build the stages.

        Args:
            in_channels: Channels of the image.
            dims: Spatial axes, 2 or 3.
            width: Channels to the published number, > 0; rounded to multiples of 8, in the
                last convolution too.
            strides: Stride per level and axis.
            output_stride: Coarsest stride of any axis: 8, 16 or 32.
            norm: "batch" as published, "group" or "instance".
        """
        super().__init__()
        rows, gaps = dilate(stride_rows(strides, (2,) * 5, dims), output_stride)
        before, last = _scaled(STEM, width), _scaled(LAST, width)
        stem = make_conv(in_channels, before, dims, stride=rows[0])
        layers: list[nn.Module] = [_rectified(stem, norm, dims)]
        self.channels: list[int] = []
        self._ends: list[int] = []
        reached = 0
        for expansion, wide, level in _blocks(width):
            is_first = level > reached
            if is_first:
                self._ends.append(len(layers))
                self.channels.append(before)
            block = InvertedResidual(
                before,
                wide,
                dims,
                expansion=expansion,
                stride=rows[level] if is_first else [1] * dims,
                dilation=gaps[reached],
                norm=norm,
            )
            layers.append(block)
            before, reached = wide, level
        layers.append(_rectified(make_conv(before, last, dims, kernel=1), norm, dims))
        self.features = nn.Sequential(*layers)
        self._ends.append(len(layers))
        self.channels.append(last)
        self.strides: Sequence[Sequence[int]] = cumulative(rows)
        initialise_rectified(self)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Run the stages.

        Args:
            image: (N, C, *S).

        Returns:
            Five levels, (N, channels[i], *ceil(S / strides[i])).
        """
        features, pyramid = image, []
        for place, layer in enumerate(self.features, start=1):
            features = layer(features)
            if place in self._ends:
                pyramid.append(features)
        return pyramid


def _blocks(width: float) -> list[tuple[int, int, int]]:
    """List the expansion, the channels and the level of each block."""
    return [
        (expansion, _scaled(channels, width), level)
        for expansion, channels, count, level in STAGES
        for _ in range(count)
    ]


def _rectified(conv: nn.Module, norm: str, dims: int) -> nn.Sequential:
    channels = int(conv.get_parameter("weight").shape[0])
    return nn.Sequential(conv, make_norm(norm, channels, dims), nn.ReLU6(inplace=True))


def _scaled(channels: int, width: float) -> int:
    """Scale to a multiple of 8 that is not 10 % short."""
    wished = channels * width
    number = max(8, int(wished + 4) // 8 * 8)
    return number + 8 if number < 0.9 * wished else number
