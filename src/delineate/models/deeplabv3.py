"""DeepLab v3: dilated features, seen at several rates and as a whole."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from delineate.core.errors import PlanError
from delineate.models.base import Segmenter
from delineate.models.convolutions import ConvReLU, initialise_rectified
from delineate.models.encoders import build_encoder

RATES = (6, 12, 18)
"""Published dilations at output stride 16; at 8 they are doubled."""
WHOLE = 512
"""Size, in voxels, of the crops that those were chosen for."""
Rates = Sequence[int | Sequence[int]]
"""Dilations of the atrous convolutions, each one number for all axes or one an axis."""


class ImagePooling(nn.Module):
    """The mean over the whole image, mapped and laid under every voxel."""

    def __init__(self, in_channels: int, out_channels: int, dims: int, *, norm: str) -> None:
        """Build the layers.

        Args:
            in_channels: Channels in.
            out_channels: Channels out.
            dims: Spatial axes, 2 or 3.
            norm: Row of `NORMS`; "instance" becomes "group" here, since one voxel has no spread.
        """
        super().__init__()
        kind = "group" if norm == "instance" else norm
        self.conv, self.norm, self.relu = ConvReLU(
            in_channels, out_channels, dims, kernel=1, norm=kind
        )

    def forward(self, features: Tensor) -> Tensor:
        """Run the layers.

        Args:
            features: (N, C, *S).

        Returns:
            (N, out_channels, *S), the same at every voxel of an image.
        """
        axes = tuple(range(2, features.ndim))
        mapped = self.conv(features.mean(dim=axes, keepdim=True))
        is_batch = isinstance(self.norm, nn.BatchNorm2d | nn.BatchNorm3d)
        if is_batch and self.training and mapped.shape[0] == 1:
            # One image has no spread either; what was gathered so far serves.
            mapped = nn.functional.batch_norm(
                mapped,
                self.norm.get_buffer("running_mean"),
                self.norm.get_buffer("running_var"),
                self.norm.get_parameter("weight"),
                self.norm.get_parameter("bias"),
            )
        else:
            mapped = self.norm(mapped)
        return self.relu(mapped).expand(-1, -1, *features.shape[2:])  # type: ignore[no-any-return]


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: a 1x1 convolution, dilated ones, and the whole image.

    Source:
        Chen et al., 2017, arXiv:1706.05587, section 3.3.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: int,
        *,
        rates: Rates,
        norm: str,
        separable: bool = False,
        dropout: float = 0.5,
    ) -> None:
        """Build the branches.

        Args:
            in_channels: Channels in.
            out_channels: Channels of each branch, and out.
            dims: Spatial axes, 2 or 3.
            rates: Dilation of each atrous branch.
            norm: Row of `NORMS`.
            separable: Whether atrous branches filter each channel by itself first.
            dropout: Share of the output dropped in training.
        """
        super().__init__()
        branches: list[nn.Module] = [
            ConvReLU(in_channels, out_channels, dims, kernel=1, norm=norm),
            *(
                ConvReLU(
                    in_channels, out_channels, dims, dilation=rate, norm=norm, separable=separable
                )
                for rate in rates
            ),
            ImagePooling(in_channels, out_channels, dims, norm=norm),
        ]
        self.branches = nn.ModuleList(branches)
        self.project = nn.Sequential(
            ConvReLU(len(branches) * out_channels, out_channels, dims, kernel=1, norm=norm),
            nn.Dropout(dropout),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Run the branches and join them.

        Args:
            features: (N, C, *S).

        Returns:
            (N, out_channels, *S).
        """
        joined = torch.cat([branch(features) for branch in self.branches], dim=1)
        out: Tensor = self.project(joined)
        return out


class DeepLabV3Decoder(nn.Module):
    """The pyramid pooling and one 3x3 convolution, on the coarsest level alone."""

    def __init__(
        self,
        channels: Sequence[int],
        dims: int,
        *,
        rates: Rates,
        features: int = 256,
        norm: str = "batch",
        dropout: float = 0.5,
    ) -> None:
        """Build the layers.

        Args:
            channels: Channels of each level of the encoder; the last one counts.
            dims: Spatial axes, 2 or 3.
            rates: Dilation of each atrous branch.
            features: Channels out.
            norm: Row of `NORMS`.
            dropout: Share of the pooled features dropped in training.
        """
        super().__init__()
        self.channels = features
        self.aspp = ASPP(channels[-1], features, dims, rates=rates, norm=norm, dropout=dropout)
        self.smooth = ConvReLU(features, features, dims, norm=norm)
        initialise_rectified(self)

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        """Run the layers.

        Args:
            pyramid: One (N, C_i, *S_i) a level; the last one counts.

        Returns:
            (N, features, *S_last).
        """
        out: Tensor = self.smooth(self.aspp(pyramid[-1]))
        return out


class DeepLabV3(Segmenter):
    """DeepLab v3: logits at the encoder's coarsest stride, interpolated.

    Source:
        Chen et al., 2017, arXiv:1706.05587.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: int,
        *,
        encoder: str = "resnet50",
        strides: Sequence[Sequence[int]] | None = None,
        output_stride: int = 8,
        width: float | None = None,
        size: int | Sequence[int] | None = None,
        rates: Rates | None = None,
        features: int = 256,
        dropout: float = 0.5,
        norm: str = "batch",
    ) -> None:
        """Build the network.

        Args:
            in_channels: Channels of the input.
            out_channels: Channels of the logits.
            dims: Spatial axes, 2 or 3.
            encoder: Row of `ENCODERS`.
            strides: Stride per level of the encoder and axis; None means as published.
            output_stride: Coarsest stride, 8, 16 or 32; 32 leaves the encoder undilated.
            width: Channels of the encoder to the published number.
            size: Patch that the rates are to suit, in voxels; None means 512.
            rates: Dilations in place of those, each a number or one an axis.
            features: Channels of the decoder.
            dropout: Share of the pooled features dropped in training.
            norm: Normalisation of the decoder, and of encoders that leave a choice.
        """
        body = build_encoder(
            encoder,
            in_channels,
            dims,
            norm=norm,
            strides=strides,
            output_stride=None if output_stride == 32 else output_stride,
            width=width,
        )
        decoder = self._make_decoder(
            body.channels,
            dims,
            rates=choose_rates(rates, body.strides[-1], size),
            features=features,
            norm=norm,
            dropout=dropout,
        )
        super().__init__(body, decoder, out_channels, dims)

    def _make_decoder(self, channels: Sequence[int], dims: int, **common: Any) -> Any:  # noqa: ANN401
        return DeepLabV3Decoder(channels, dims, **common)


def choose_rates(
    rates: Rates | None, stride: Sequence[int], size: int | Sequence[int] | None = None
) -> list[list[int]]:
    """Take the dilations that are given, or the published ones shrunk to the patch.

    A dilation beyond the patch sees only padding, so that r at 512 voxels becomes
    max(1, round(r * size / 512)), and at half the stride it is doubled.

    Args:
        rates: Dilations, each one number for all axes or one an axis; None to choose.
        stride: Voxels of the image to one of the features, per axis.
        size: Patch in voxels, one number for all axes or one an axis; None means 512.

    Returns:
        Dilations, one number an axis each.

    Raises:
        PlanError: If a dilation or a size is below 1 or has another number of axes.

    Source:
        Chen et al., 2017, arXiv:1706.05587, section 4 (the published ones).

    Example:
        >>> choose_rates(None, (16, 16), 256)
        [[3, 3], [6, 6], [9, 9]]
    """
    dims = len(stride)
    sizes = _per_axis(WHOLE if size is None else size, dims, "size")
    if rates is not None:
        return [_per_axis(rate, dims, "rates") for rate in rates]
    return [
        [
            max(1, round(rate * 16 / step * length / WHOLE))
            for step, length in zip(stride, sizes, strict=True)
        ]
        for rate in RATES
    ]


def _per_axis(value: int | Sequence[int], dims: int, name: str) -> list[int]:
    numbers = [value] * dims if isinstance(value, int) else list(value)
    if len(numbers) != dims or min(numbers) < 1:
        raise PlanError(
            f"{name} must be whole numbers from 1 on, one for all axes or {dims}, not {value}. "
            "Correct model_options."
        )
    return numbers
