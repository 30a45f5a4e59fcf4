"""U-Net as published: pairs of 3x3 convolutions, pooling down, transposed steps up, skips."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from delineate.core.errors import PlanError
from delineate.models.base import Segmenter
from delineate.models.blocks import MAX_POOLS, TRANSPOSED, make_norm
from delineate.models.convolutions import ConvReLU, initialise_rectified, make_conv
from delineate.models.strides import cumulative, stride_rows


class ConvPair(nn.Module):
    """Two 3x3 convolutions with rectifiers, with a 1x1 shortcut beside them if wanted."""

    def __init__(
        self, in_channels: int, out_channels: int, dims: int, *, norm: str | None, residual: bool
    ) -> None:
        """Build the layers.

        Args:
            in_channels: Channels in.
            out_channels: Channels out.
            dims: Spatial axes, 2 or 3.
            norm: Row of `NORMS`; None for biases instead.
            residual: Whether a shortcut is added before the last rectifier.
        """
        super().__init__()
        self.first = ConvReLU(in_channels, out_channels, dims, norm=norm)
        self.second = ConvReLU(out_channels, out_channels, dims, norm=norm)
        self.shortcut: nn.Module | None = None
        if residual:
            layers = [make_conv(in_channels, out_channels, dims, kernel=1, bias=norm is None)]
            if norm is not None:
                layers.append(make_norm(norm, out_channels, dims))
            self.shortcut = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        """Run the layers.

        Args:
            features: (N, C, *S).

        Returns:
            (N, out_channels, *S).
        """
        out: Tensor
        if self.shortcut is None:
            out = self.second(self.first(features))
            return out
        *layers, rectifier = self.second
        out = self.first(features)
        for layer in layers:
            out = layer(out)
        out = rectifier(out + self.shortcut(features))
        return out


class ContractingPath(nn.Module):
    """Pairs of convolutions with pooling before each, an encoder by contract."""

    def __init__(
        self,
        in_channels: int,
        features: Sequence[int],
        dims: int,
        *,
        rows: Sequence[Sequence[int]],
        norm: str | None,
        residual: bool,
    ) -> None:
        """Build the stages.

        Args:
            in_channels: Channels of the image.
            features: Channels of each stage, finest first.
            dims: Spatial axes, 2 or 3.
            rows: Stride per stage and axis.
            norm: Row of `NORMS`, or None.
            residual: Whether pairs have shortcuts.
        """
        super().__init__()
        self.channels: Sequence[int] = list(features)
        self.strides: Sequence[Sequence[int]] = cumulative(rows)
        self.pools = nn.ModuleList(make_pool(row, dims) for row in rows)
        self.stages = nn.ModuleList(
            ConvPair(before, after, dims, norm=norm, residual=residual)
            for before, after in pairwise([in_channels, *features])
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """Run the stages.

        Args:
            image: (N, C, *S).

        Returns:
            One (N, features[i], *S / strides[i]) a stage.
        """
        pyramid, features = [], image
        for pool, stage in zip(self.pools, self.stages, strict=True):
            features = stage(pool(features))
            pyramid.append(features)
        return pyramid


class ExpandingPath(nn.Module):
    """Transposed steps, each joined with the skip of its grid, a decoder by contract."""

    def __init__(
        self,
        features: Sequence[int],
        dims: int,
        *,
        rows: Sequence[Sequence[int]],
        norm: str | None,
        residual: bool,
    ) -> None:
        """Build the stages.

        Args:
            features: Channels of each stage, finest first.
            dims: Spatial axes, 2 or 3.
            rows: Stride per stage and axis.
            norm: Row of `NORMS`, or None.
            residual: Whether pairs have shortcuts.
        """
        super().__init__()
        self.channels = features[0]
        self.up = nn.ModuleList(
            make_raise(deep, wide, dims, row)
            for (wide, deep), row in zip(pairwise(features), rows[1:], strict=True)
        )
        self.stages = nn.ModuleList(
            ConvPair(2 * wide, wide, dims, norm=norm, residual=residual) for wide in features[:-1]
        )

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        """Climb.

        Args:
            pyramid: One (N, features[i], *S_i) a stage, finest first.

        Returns:
            (N, features[0], *S_0).
        """
        features = pyramid[-1]
        for place in reversed(range(len(self.stages))):
            joined = torch.cat([pyramid[place], self.up[place](features)], dim=1)
            features = self.stages[place](joined)
        return features


class UNetOriginal(Segmenter):
    """U-Net with the published layout, padded so that sizes stay.

    Source:
        Ronneberger et al., 2015, arXiv:1505.04597; 3-D: Cicek et al., 2016, arXiv:1606.06650.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: int,
        *,
        features: Sequence[int] = (64, 128, 256, 512, 1024),
        strides: Sequence[Sequence[int]] | None = None,
        norm: str | None = "batch",
        residual: bool = False,
        dropout: float = 0.0,
    ) -> None:
        """Build the network.

        Args:
            in_channels: Channels of the input.
            out_channels: Channels of the logits.
            dims: Spatial axes, 2 or 3.
            features: Channels of each stage, finest first; at least two stages.
            strides: Stride per stage and axis; None means 1 for the first stage, then 2.
            norm: "batch", "group" or "instance"; None for biases instead, as in the paper.
            residual: Whether each pair of convolutions has a shortcut.
            dropout: Share of the last channels dropped in training.
        """
        rows = stage_rows(features, strides, dims)
        super().__init__(
            ContractingPath(in_channels, features, dims, rows=rows, norm=norm, residual=residual),
            ExpandingPath(features, dims, rows=rows, norm=norm, residual=residual),
            out_channels,
            dims,
            dropout=dropout,
        )
        initialise_rectified(self)


def stage_rows(
    features: Sequence[int], strides: Sequence[Sequence[int]] | None, dims: int
) -> list[list[int]]:
    """Give the strides of a U-Net's stages.

    Args:
        features: Channels of each stage, finest first.
        strides: Stride per stage and axis; None means 1 for the first stage, then 2.
        dims: Spatial axes, 2 or 3.

    Returns:
        Stride per stage and axis.

    Raises:
        PlanError: If there are fewer than two stages.
    """
    if len(features) < 2:
        raise PlanError(
            f"features must have at least two entries, not {list(features)}. Correct model_options."
        )
    return stride_rows(strides, (1, *[2] * (len(features) - 1)), dims)


def make_pool(row: Sequence[int], dims: int) -> nn.Module:
    """Make what brings features to a coarser grid.

    Args:
        row: Stride per axis.
        dims: Spatial axes, 2 or 3.

    Returns:
        Maximum over boxes of that size; nothing where it is 1.
    """
    if max(row) == 1:
        return nn.Identity()
    layer: nn.Module = MAX_POOLS[dims](tuple(row), tuple(row))
    return layer


def make_raise(deep: int, wide: int, dims: int, row: Sequence[int]) -> nn.Module:
    """Make what brings features to a finer grid.

    Args:
        deep: Channels in.
        wide: Channels out.
        dims: Spatial axes, 2 or 3.
        row: Stride per axis.

    Returns:
        A transposed convolution whose boxes do not overlap, with bias.
    """
    layer: nn.Module = TRANSPOSED[dims](deep, wide, tuple(row), tuple(row))
    return layer
