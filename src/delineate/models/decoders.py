"""Decoders for any encoder: what joins a pyramid of features into one map."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from delineate.core.errors import PlanError
from delineate.models.base import resize
from delineate.models.convolutions import ConvReLU, initialise_rectified, make_conv


class FPNDecoder(nn.Module):
    """Feature pyramid network: coarse levels are added to finer ones, then all to one map.

    Source:
        Lin et al., 2017, arXiv:1612.03144 (the pyramid); Kirillov et al., 2019,
        arXiv:1901.02446, figure 3 (the map).
    """

    def __init__(
        self,
        channels: Sequence[int],
        dims: int,
        *,
        levels: int = 4,
        width: int = 256,
        features: int = 128,
        norm: str = "group",
    ) -> None:
        """Build the layers.

        Args:
            channels: Channels of each level of the encoder, finest first.
            dims: Spatial axes, 2 or 3.
            levels: How many of the coarsest levels are used; the map has the finest one's grid.
            width: Channels of the pyramid.
            features: Channels of the map.
            norm: "group" as published, "batch" or "instance".

        Raises:
            PlanError: If the encoder has fewer levels.
        """
        super().__init__()
        if not 1 <= levels <= len(channels):
            raise PlanError(
                f"levels must lie between 1 and {len(channels)}, the levels of the encoder, not "
                f"{levels}. Correct model_options."
            )
        self.channels = features
        self.levels = levels
        self.lateral = nn.ModuleList(
            make_conv(wide, width, dims, kernel=1, bias=True) for wide in channels[-levels:]
        )
        self.smooth = nn.ModuleList(
            nn.ModuleList(
                ConvReLU(features if place else width, features, dims, norm=norm)
                for place in range(max(1, level))
            )
            for level in range(levels)
        )
        initialise_rectified(self)

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        """Join the levels.

        Args:
            pyramid: One (N, C_i, *S_i) a level, finest first.

        Returns:
            (N, features, *S_f), the grid of the finest level that is used.
        """
        used = pyramid[-self.levels :]
        sizes = [level.shape[2:] for level in used]
        above: Tensor | None = None
        parts: list[Tensor] = []
        for place in reversed(range(self.levels)):
            level = self.lateral[place](used[place])
            if above is not None:
                level = level + functional.interpolate(above, sizes[place], mode="nearest")
            above = level
            for step, layer in enumerate(self.smooth[place].children(), start=1):
                level = layer(level)
                level = resize(level, sizes[max(0, place - step)])
            parts.append(level)
        return sum(parts[1:], parts[0])


class UNetDecoder(nn.Module):
    """The expanding path of a U-Net on any pyramid, up to the grid of the image.

    Below the encoder's finest level, where no skip is left, it goes on doubling by itself.

    Source:
        Ronneberger et al., 2015, arXiv:1505.04597; on a pre-trained encoder: Iglovikov and
        Shvets, 2018, arXiv:1801.05746.
    """

    def __init__(
        self,
        channels: Sequence[int],
        strides: Sequence[Sequence[int]],
        dims: int,
        *,
        features: Sequence[int] = (256, 128, 64, 32, 16),
        norm: str = "batch",
    ) -> None:
        """Build the layers.

        Args:
            channels: Channels of each level of the encoder, finest first.
            strides: Voxels of the image to one of each level, per axis.
            dims: Spatial axes, 2 or 3.
            features: Channels of each step, coarsest first. With fewer steps than lie between
                the coarsest level and the image, the map stays coarser than the image.
            norm: "batch", "group" or "instance".

        Raises:
            PlanError: If there is no step.
        """
        super().__init__()
        if not features:
            raise PlanError("features must have at least one entry. Correct model_options.")
        self.steps = _doublings(strides)
        skips = [*reversed(channels[:-1]), *[0] * len(self.steps)]
        before = channels[-1]
        self.blocks = nn.ModuleList()
        for skip, wide in zip(skips, features, strict=False):
            self.blocks.append(
                nn.Sequential(
                    ConvReLU(before + skip, wide, dims, norm=norm),
                    ConvReLU(wide, wide, dims, norm=norm),
                )
            )
            before = wide
        self.channels = before
        initialise_rectified(self)

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        """Join the levels.

        Args:
            pyramid: One (N, C_i, *S_i) a level, finest first.

        Returns:
            (N, channels, *S'), on the image's grid unless there were too few steps.
        """
        features = pyramid[-1]
        skips, steps = list(reversed(pyramid[:-1])), iter(self.steps)
        for place, block in enumerate(self.blocks):
            if place < len(skips):
                skip = skips[place]
                raised = functional.interpolate(features, skip.shape[2:], mode="nearest")
                features = torch.cat([raised, skip], dim=1)
            else:
                sizes = zip(features.shape[2:], next(steps), strict=True)
                size = [length * step for length, step in sizes]
                features = functional.interpolate(features, size, mode="nearest")
            features = block(features)
        return features


def _doublings(strides: Sequence[Sequence[int]]) -> list[list[int]]:
    """Split the finest level's stride into steps of at most 2."""
    left, steps = list(strides[0]), []
    while math.prod(left) > 1:
        row = [2 if rest % 2 == 0 else rest for rest in left]
        steps.append(row)
        left = [rest // step for rest, step in zip(left, row, strict=True)]
    return steps
