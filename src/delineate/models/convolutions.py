"""Convolutions as the published networks have them: zero-padded, dilated, separable.

They keep channels-last memory without copies and export to ONNX.
"""

from collections.abc import Sequence
from typing import Any

from torch import nn

from delineate.models.blocks import CONVOLUTIONS, TRANSPOSED, make_norm


def make_conv(
    in_channels: int,
    out_channels: int,
    dims: int,
    *,
    kernel: int = 3,
    stride: int | Sequence[int] = 1,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    bias: bool = False,
) -> nn.Module:
    """Make a convolution whose zero padding keeps the size that its stride leaves.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        dims: Spatial axes, 2 or 3.
        kernel: Odd kernel size, the same for all axes.
        stride: Stride, one for all axes or one each.
        dilation: Voxels between taps, one for all axes or one each.
        groups: Groups of channels that do not see each other.
        bias: Whether a bias is added.

    Returns:
        The layer, (N, C, *S) to (N, out_channels, *ceil(S / stride)).
    """
    steps = (stride,) * dims if isinstance(stride, int) else tuple(stride)
    gaps = (dilation,) * dims if isinstance(dilation, int) else tuple(dilation)
    layer: nn.Module = CONVOLUTIONS[dims](
        in_channels,
        out_channels,
        kernel,
        stride=steps,
        padding=tuple(gap * (kernel // 2) for gap in gaps),
        dilation=gaps,
        groups=groups,
        bias=bias,
    )
    return layer


def initialise_rectified(network: nn.Module) -> None:
    """Draw the weights of convolutions for rectifiers; biases become zero.

    Args:
        network: Changed in place.

    Source:
        He et al., 2015, arXiv:1502.01852, with the variance kept on the way back.
    """
    kinds: Any = (*CONVOLUTIONS.values(), *TRANSPOSED.values())
    for module in network.modules():
        if isinstance(module, kinds):
            taps = module.weight[0, 0].numel()
            fan_out = taps * module.out_channels / module.groups  # torch's own forgets groups
            nn.init.normal_(module.weight, std=(2 / fan_out) ** 0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class ConvReLU(nn.Sequential):
    """Convolution, normalisation if any, and a rectifier."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: int,
        *,
        kernel: int = 3,
        dilation: int | Sequence[int] = 1,
        norm: str | None = "batch",
        separable: bool = False,
    ) -> None:
        """Build the layers.

        Args:
            in_channels: Channels in.
            out_channels: Channels out.
            dims: Spatial axes, 2 or 3.
            kernel: Odd kernel size, the same for all axes.
            dilation: Voxels between taps, one for all axes or one each.
            norm: Row of `NORMS`; None for a bias in place of a normalisation.
            separable: Whether a convolution of each channel by itself and a 1x1 one share the
                work (Chollet, 2017, arXiv:1610.02357).
        """
        wide = in_channels
        layers: list[nn.Module] = []
        if separable:
            layers.append(
                make_conv(wide, wide, dims, kernel=kernel, dilation=dilation, groups=wide)
            )
            kernel, dilation = 1, 1
        layers.append(
            make_conv(wide, out_channels, dims, kernel=kernel, dilation=dilation, bias=norm is None)
        )
        if norm is not None:
            layers.append(make_norm(norm, out_channels, dims))
        super().__init__(*layers, nn.ReLU(inplace=True))
