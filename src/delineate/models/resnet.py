"""Residual networks as encoders, in two and three dimensions.

Parameters carry the names that published ImageNet weights use, so that such a file fits.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from delineate.core.errors import pick
from delineate.models.blocks import MAX_POOLS, make_norm
from delineate.models.convolutions import initialise_rectified, make_conv
from delineate.models.strides import cumulative, dilate, stride_rows


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut, the stride in the first."""

    expansion = 1

    def __init__(
        self,
        in_channels: int,
        channels: int,
        dims: int,
        *,
        stride: Sequence[int],
        dilations: Sequence[Sequence[int]],
        norm: str,
    ) -> None:
        """Build the layers.

        Args:
            in_channels: Channels in.
            channels: Channels inside and out.
            dims: Spatial axes, 2 or 3.
            stride: Stride per axis.
            dilations: Dilation of the strided convolution and of what follows, per axis.
            norm: Row of `NORMS`.
        """
        super().__init__()
        first, later = dilations
        self.conv1 = make_conv(in_channels, channels, dims, stride=stride, dilation=first)
        self.bn1 = make_norm(norm, channels, dims)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = make_conv(channels, channels, dims, dilation=later)
        self.bn2 = make_norm(norm, channels, dims)
        self.downsample = _shortcut(in_channels, channels, dims, stride, norm)

    def forward(self, features: Tensor) -> Tensor:
        """Run the block.

        Args:
            features: (N, C, *S).

        Returns:
            (N, channels, *ceil(S / stride)).
        """
        branch = self.relu(self.bn1(self.conv1(features)))
        out: Tensor = self.relu(self.bn2(self.conv2(branch)) + self.downsample(features))
        return out


class Bottleneck(nn.Module):
    """A 3x3 convolution between two 1x1 ones, around a shortcut; the stride in the 3x3 one."""

    expansion = 4

    def __init__(
        self,
        in_channels: int,
        channels: int,
        dims: int,
        *,
        stride: Sequence[int],
        dilations: Sequence[Sequence[int]],
        norm: str,
    ) -> None:
        """Build the layers.

        Args:
            in_channels: Channels in.
            channels: Channels inside; four times as many come out.
            dims: Spatial axes, 2 or 3.
            stride: Stride per axis.
            dilations: Dilation of the strided convolution and of what follows, per axis.
            norm: Row of `NORMS`.
        """
        super().__init__()
        wide = channels * self.expansion
        self.conv1 = make_conv(in_channels, channels, dims, kernel=1)
        self.bn1 = make_norm(norm, channels, dims)
        self.conv2 = make_conv(channels, channels, dims, stride=stride, dilation=dilations[0])
        self.bn2 = make_norm(norm, channels, dims)
        self.conv3 = make_conv(channels, wide, dims, kernel=1)
        self.bn3 = make_norm(norm, wide, dims)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(in_channels, wide, dims, stride, norm)

    def forward(self, features: Tensor) -> Tensor:
        """Run the block.

        Args:
            features: (N, C, *S).

        Returns:
            (N, 4 * channels, *ceil(S / stride)).
        """
        branch = self.relu(self.bn1(self.conv1(features)))
        branch = self.relu(self.bn2(self.conv2(branch)))
        out: Tensor = self.relu(self.bn3(self.conv3(branch)) + self.downsample(features))
        return out


LAYOUTS: dict[str, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, ...]]] = {
    "18": (BasicBlock, (2, 2, 2, 2)),
    "34": (BasicBlock, (3, 4, 6, 3)),
    "50": (Bottleneck, (3, 4, 6, 3)),
    "101": (Bottleneck, (3, 4, 23, 3)),
}
"""Kind of block and blocks a stage, by number of layers."""


class ResNet(nn.Module):
    """A residual network without its classifier; five levels at strides 2, 4, 8, 16 and 32.

    With a smaller `output_stride` the last stages are dilated instead of strided, so that
    weights trained without dilation mean the same.

    Source:
        He et al., 2016, arXiv:1512.03385; the stride stands in the 3x3 convolution, as in
        most published weights.
    """

    def __init__(
        self,
        in_channels: int,
        dims: int,
        *,
        depth: int = 18,
        width: float = 1.0,
        strides: Sequence[Sequence[int]] | None = None,
        output_stride: int = 32,
        norm: str = "batch",
    ) -> None:
        """Build the stages.

        Args:
            in_channels: Channels of the image.
            dims: Spatial axes, 2 or 3.
            depth: 18, 34, 50 or 101 layers.
            width: Channels to the published number, > 0; rounded to multiples of 8.
            strides: Stride per level and axis: first convolution, pool, three stages.
            output_stride: Coarsest stride of any axis: 8, 16 or 32.
            norm: "batch" as published, "group" or "instance".
        """
        super().__init__()
        block, counts = pick(LAYOUTS, str(depth), what="depth of a ResNet")
        rows, gaps = dilate(stride_rows(strides, (2,) * 5, dims), output_stride)
        widths = [max(8, round(64 * 2**stage * width / 8) * 8) for stage in range(4)]
        self.strides: Sequence[Sequence[int]] = cumulative(rows)
        self.channels = [widths[0], *(wide * block.expansion for wide in widths)]
        self.conv1 = make_conv(in_channels, widths[0], dims, kernel=7, stride=rows[0])
        self.bn1 = make_norm(norm, widths[0], dims)
        self.relu = nn.ReLU(inplace=True)
        kernel = tuple(3 if step > 1 else 1 for step in rows[1])
        padding = tuple(size // 2 for size in kernel)
        self.maxpool = MAX_POOLS[dims](kernel, tuple(rows[1]), padding)
        for stage, (count, wide) in enumerate(zip(counts, widths, strict=True)):
            before, level = self.channels[stage], stage + 1
            blocks = [
                block(
                    wide * block.expansion if place else before,
                    wide,
                    dims,
                    stride=[1] * dims if place or not stage else rows[level],
                    dilations=(gaps[level] if place else gaps[level - 1], gaps[level]),
                    norm=norm,
                )
                for place in range(count)
            ]
            self.add_module(f"layer{level}", nn.Sequential(*blocks))
        initialise_rectified(self)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Run the stages.

        Args:
            image: (N, C, *S).

        Returns:
            Five levels, (N, channels[i], *ceil(S / strides[i])).
        """
        features = self.relu(self.bn1(self.conv1(image)))
        pyramid = [features]
        features = self.maxpool(features)
        for stage in range(1, 5):
            features = self.get_submodule(f"layer{stage}")(features)
            pyramid.append(features)
        return pyramid


def _shortcut(
    in_channels: int, out_channels: int, dims: int, stride: Sequence[int], norm: str
) -> nn.Sequential:
    if in_channels == out_channels and max(stride) == 1:
        return nn.Sequential()
    return nn.Sequential(
        make_conv(in_channels, out_channels, dims, kernel=1, stride=stride),
        make_norm(norm, out_channels, dims),
    )
