"""Thin convolutions over the image: what an encoder begins with, and refinement looks back at."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from delineate.models.blocks import ConvNorm


class Stem(nn.Module):
    """Convolutions on the image's own grid, then on coarser ones, a map each.

    A transformer that begins with a few small convolutions instead of one large stride learns
    faster and minds its settings less.

    Source:
        Xiao et al., 2021, arXiv:2106.14881; the finest maps as guides of refinement are our own.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        dims: int,
        *,
        strides: Sequence[Sequence[int]],
        depth: int = 1,
        norm: str = "batch",
    ) -> None:
        """Build the layers.

        Args:
            in_channels: Channels of the image.
            channels: Channels of each map.
            dims: Spatial axes, 2 or 3.
            strides: Voxels of the image to one of each map and axis, finest first.
            depth: Convolutions a map.
            norm: "batch", "group" or "instance".
        """
        super().__init__()
        self.channels = channels
        self.grids = nn.ModuleList()
        for fine, coarse in pairwise([[1] * dims, *strides]):
            step = [b // a for a, b in zip(fine, coarse, strict=True)]
            layers = []
            for place in range(depth):
                stride = [1] * dims if place else step
                layers.append(
                    ConvNorm(
                        in_channels, channels, dims, kernel=[3] * dims, stride=stride, norm=norm
                    )
                )
                in_channels = channels
            self.grids.append(nn.Sequential(*layers))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Run the layers.

        Args:
            image: (N, C, *S).

        Returns:
            One (N, channels, *ceil(S / stride)) a grid, finest first.
        """
        maps: list[Tensor] = []
        for grid in self.grids:
            image = grid(image)
            maps.append(image)
        return maps
