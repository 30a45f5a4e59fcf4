"""ResUNet++: residual U-Net with squeeze-and-excitation, atrous pooling and gates on the way up."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from delineate.core.errors import PlanError
from delineate.models.base import Segmenter
from delineate.models.blocks import MAX_POOLS
from delineate.models.convolutions import make_conv
from delineate.models.strides import cumulative, stride_rows
from delineate.models.units import ResidualUnit, SummedPooling, activation


class Ascent(nn.Module):
    """One step up: deep features, gated by the skip, raised, joined with it, one unit."""

    def __init__(
        self,
        skip_channels: int,
        deep_channels: int,
        out_channels: int,
        dims: int,
        *,
        stride: Sequence[int],
        norm: str,
    ) -> None:
        """Build the layers.

        Args:
            skip_channels: Channels of the skip.
            deep_channels: Channels from below.
            out_channels: Channels out.
            dims: Spatial axes, 2 or 3.
            stride: Voxels of the skip to one from below, per axis.
            norm: Row of `NORMS`.
        """
        super().__init__()
        deep = deep_channels
        self.from_skip = nn.Sequential(
            *activation(skip_channels, dims, norm),
            make_conv(skip_channels, deep, dims, bias=True),
            MAX_POOLS[dims](tuple(stride), tuple(stride)),
        )
        self.from_deep = nn.Sequential(
            *activation(deep, dims, norm), make_conv(deep, deep, dims, bias=True)
        )
        self.gate = nn.Sequential(
            *activation(deep, dims, norm), make_conv(deep, deep, dims, bias=True)
        )
        self.unit = ResidualUnit(
            skip_channels + deep, out_channels, dims, stride=[1] * dims, norm=norm
        )

    def forward(self, skip: Tensor, deep: Tensor) -> Tensor:
        """Take the step.

        Args:
            skip: (N, skip_channels, *S).
            deep: (N, deep_channels, *S / stride).

        Returns:
            (N, out_channels, *S).
        """
        gated = self.gate(self.from_skip(skip) + self.from_deep(deep)) * deep
        raised = functional.interpolate(gated, skip.shape[2:], mode="nearest")
        out: Tensor = self.unit(torch.cat([raised, skip], dim=1))
        return out


class Descent(nn.Module):
    """The way down: a stem and residual units, an encoder by contract."""

    def __init__(
        self, widths: Sequence[int], dims: int, *, rows: Sequence[Sequence[int]], norm: str
    ) -> None:
        """Build the units.

        Args:
            widths: Channels of the image, then of each stage.
            dims: Spatial axes, 2 or 3.
            rows: Stride per stage and axis.
            norm: Row of `NORMS`.
        """
        super().__init__()
        self.channels: Sequence[int] = list(widths[1:])
        self.strides: Sequence[Sequence[int]] = cumulative(rows)
        self.stages = nn.ModuleList(
            ResidualUnit(before, after, dims, stride=row, norm=norm, is_stem=place == 0)
            for place, ((before, after), row) in enumerate(zip(pairwise(widths), rows, strict=True))
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """Run the units.

        Args:
            image: (N, C, *S).

        Returns:
            One (N, channels[i], *S / strides[i]) a stage.
        """
        pyramid = [image]
        for stage in self.stages:
            pyramid.append(stage(pyramid[-1]))
        return pyramid[1:]


class Climb(nn.Module):
    """The bridge, the way up and a last pooling, a decoder by contract."""

    def __init__(
        self,
        features: Sequence[int],
        dims: int,
        *,
        rows: Sequence[Sequence[int]],
        rates: Sequence[int],
        norm: str,
    ) -> None:
        """Build the steps.

        Args:
            features: Channels of each stage on the way down, then of the bridge.
            dims: Spatial axes, 2 or 3.
            rows: Stride per stage and axis.
            rates: Dilations of either pooling.
            norm: Row of `NORMS`.
        """
        super().__init__()
        *down, bridge = features
        self.channels = features[0]
        self.bridge = SummedPooling(down[-1], bridge, dims, rates=rates, norm=norm)
        # A step gives as many channels as the stage below its skip has.
        self.steps = nn.ModuleList(
            Ascent(skip, after_next, after, dims, stride=row, norm=norm)
            for skip, after, after_next, row in zip(
                features, features[1:], features[2:], rows[1:], strict=False
            )
        )
        self.pooling = SummedPooling(features[1], features[0], dims, rates=rates, norm=norm)

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        """Climb.

        Args:
            pyramid: One (N, C_i, *S_i) a stage, finest first.

        Returns:
            (N, features[0], *S_0).
        """
        deep = self.bridge(pyramid[-1])
        for place in reversed(range(len(self.steps))):
            deep = self.steps[place](pyramid[place], deep)
        out: Tensor = self.pooling(deep)
        return out


class ResUNetPP(Segmenter):
    """ResUNet++.

    Source:
        Jha et al., 2019, arXiv:1911.07067, with the layout of the authors' PyTorch file.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: int,
        *,
        features: Sequence[int] = (16, 32, 64, 128, 256),
        strides: Sequence[Sequence[int]] | None = None,
        rates: Sequence[int] = (1, 6, 12, 18),
        norm: str = "batch",
        dropout: float = 0.0,
    ) -> None:
        """Build the network.

        Args:
            in_channels: Channels of the input.
            out_channels: Channels of the logits.
            dims: Spatial axes, 2 or 3.
            features: Channels of each stage, finest first, then of the bridge; three or more.
            strides: Stride per stage and axis, without the bridge; None means 1, then 2.
            rates: Dilations of the bridge and of the last pooling.
            norm: "batch" as published, "group" or "instance".
            dropout: Share of the last channels dropped in training.

        Raises:
            PlanError: If there are too few stages, or no dilations.
        """
        if len(features) < 3 or not rates or min(rates) < 1:
            raise PlanError(
                "features must have at least three entries and rates one of at least 1, not "
                f"{list(features)} and {list(rates)}. Correct model_options."
            )
        usual = (1, *[2] * (len(features) - 2))
        rows = stride_rows(strides, usual, dims)
        super().__init__(
            Descent([in_channels, *features[:-1]], dims, rows=rows, norm=norm),
            Climb(features, dims, rows=rows, rates=rates, norm=norm),
            out_channels,
            dims,
            dropout=dropout,
        )
