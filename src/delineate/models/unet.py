"""U-Net in two and three dimensions, plain or residual."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from delineate.core.errors import PlanError
from delineate.models.blocks import CONVOLUTIONS, TRANSPOSED, FineGrid, PlainBlock, ResidualBlock


class UNet(nn.Module):
    """Contracting and expanding path with skips; strided convolutions instead of pooling.

    Source:
        Ronneberger et al., 2015, arXiv:1505.04597; 3-D: Cicek et al., 2016,
        arXiv:1606.06650; strides, deep supervision and leaky rectifiers: Isensee et al.,
        2021, doi:10.1038/s41592-020-01008-z.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: int,
        *,
        features: Sequence[int] = (32, 64, 128, 256),
        strides: Sequence[Sequence[int]] | None = None,
        kernels: Sequence[Sequence[int]] | None = None,
        residual: bool = False,
        norm: str = "batch",
        deep_supervision: bool = True,
        fine: int = 0,
    ) -> None:
        """Build the network.

        Args:
            in_channels: Channels of the input.
            out_channels: Channels of the logits.
            dims: Spatial axes, 2 or 3.
            features: Channels of each stage, finest first; at least two stages.
            strides: Stride per stage and axis; None means 1 for the first stage, then 2.
            kernels: Odd kernel per stage and axis; None means 3 everywhere.
            residual: Whether the encoder has a shortcut around each pair of convolutions.
            norm: "batch", "group" or "instance".
            deep_supervision: Whether coarser decoder stages have heads of their own.
            fine: Where the first stage has a stride, channels of a thin branch that brings the
                logits back to the input's grid; 0 leaves them on the first stage's grid.
        """
        super().__init__()
        count = len(features)
        steps, sizes = _rows(count, strides, kernels, dims)
        self.cumulative = _cumulative(steps)
        block = ResidualBlock if residual else PlainBlock
        self.encoder = nn.ModuleList(
            block(before, after, dims, kernel=size, stride=step, norm=norm)
            for (before, after), size, step in zip(
                pairwise([in_channels, *features]), sizes, steps, strict=True
            )
        )
        self.up = nn.ModuleList(
            TRANSPOSED[dims](deep, wide, tuple(step), tuple(step), bias=False)
            for (wide, deep), step in zip(pairwise(features), steps[1:], strict=True)
        )
        self.decoder = nn.ModuleList(
            PlainBlock(2 * wide, wide, dims, kernel=size, stride=[1] * dims, norm=norm)
            for wide, size in zip(features[:-1], sizes, strict=False)
        )
        num_heads = max(1, count - 2) if deep_supervision else 1
        self.fine: FineGrid | None = None
        if fine:
            self.fine = FineGrid(features[0], in_channels, fine, dims, stride=steps[0], norm=norm)
        widths = [fine or features[0], *features[1:num_heads]]
        self.heads = nn.ModuleList(CONVOLUTIONS[dims](width, out_channels, 1) for width in widths)
        _initialise(self)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Run the network.

        Args:
            image: (N, C, *S), any size.

        Returns:
            Logits (N, K, *S); in training mode followed by those of coarser stages, each
            smaller by the stage's strides.
        """
        size = image.shape[2:]
        missing = [
            -length % stride for length, stride in zip(size, self.cumulative[-1], strict=True)
        ]
        if any(missing):
            pads = [pad for extra in reversed(missing) for pad in (0, extra)]
            image = functional.pad(image, pads, mode="replicate")
        skips, features = [], image
        for stage in self.encoder:
            features = stage(features)
            skips.append(features)
        outputs: list[Tensor] = []
        features = skips.pop()
        for place in reversed(range(len(self.decoder))):
            joined = torch.cat([self.up[place](features), skips.pop()], dim=1)
            features = self.decoder[place](joined)
            if place == 0 and self.fine is not None:
                logits = self.heads[0](self.fine(features, image))
                outputs.insert(0, logits[(slice(None), slice(None), *map(slice, size))])
            elif place == 0 or (self.training and place < len(self.heads)):
                outputs.insert(0, self._crop(self.heads[place](features), size, place))
        return outputs

    def _crop(self, logits: Tensor, size: Sequence[int], stage: int) -> Tensor:
        for axis, (length, stride) in enumerate(zip(size, self.cumulative[stage], strict=True)):
            logits = logits.narrow(2 + axis, 0, -(-length // stride))
        return logits


def _rows(
    count: int,
    strides: Sequence[Sequence[int]] | None,
    kernels: Sequence[Sequence[int]] | None,
    dims: int,
) -> tuple[list[list[int]], list[list[int]]]:
    steps = [list(row) for row in strides or [[1] * dims, *[[2] * dims] * (count - 1)]]
    sizes = [list(row) for row in kernels or [[3] * dims] * count]
    if count < 2 or len(steps) != count or len(sizes) != count:
        raise PlanError(
            f"features, strides and kernels must have one entry per stage and at least two "
            f"stages, not {count}, {len(steps)} and {len(sizes)}. Correct model_options."
        )
    return steps, sizes


def _cumulative(steps: Sequence[Sequence[int]]) -> list[list[int]]:
    """Multiply the strides from the first stage to each: input voxels to a voxel of it."""
    return [
        [math.prod(axis) for axis in zip(*steps[: k + 1], strict=True)] for k in range(len(steps))
    ]


def _initialise(network: nn.Module) -> None:
    kinds: Any = (*CONVOLUTIONS.values(), *TRANSPOSED.values())
    for module in network.modules():
        if isinstance(module, kinds):
            nn.init.kaiming_normal_(module.weight, a=0.01, nonlinearity="leaky_relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
