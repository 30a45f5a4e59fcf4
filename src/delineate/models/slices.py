"""Late fusion: a stem that reads each slice alike, before any 2-D network.

Where slices become channels of the first layer (early fusion) no module is needed. Here every
slice passes the same two-dimensional stem first, so that edges are learnt once and not once a
slice, and a convolution of 1 x 1 x k then mixes the slices at each pixel.
"""

from typing import Any

from torch import Tensor, nn

from delineate.models.blocks import ConvNorm

WIDTH = 16
"""Features that the stem hands to the network."""
SLICE_WIDTH = 8
"""Features of each slice before they are mixed."""


class LateFusion(nn.Module):
    """A 2-D network that sees the features of several slices mixed instead of an image."""

    def __init__(self, network: nn.Module, in_channels: int, slices: int) -> None:
        """Put the stem before a network.

        Args:
            network: Any network of the table, made for `WIDTH` channels and 2 axes.
            in_channels: Channels of one slice.
            slices: Number of slices.
        """
        super().__init__()
        self.slices = slices
        self.stem = ConvNorm(
            in_channels, SLICE_WIDTH, 2, kernel=(3, 3), stride=(1, 1), norm="batch"
        )
        # 1 x 1 x k over the slices, written flat so that the memory format of images suits it.
        self.mix = nn.Conv2d(slices * SLICE_WIDTH, WIDTH, 1)
        self.network = network
        self.takes_priority = bool(getattr(network, "takes_priority", False))

    def forward(self, image: Tensor, *hints: Tensor | None) -> Any:  # noqa: ANN401 - list or Answer
        """Run stem and network.

        Args:
            image: Slices one after the other, each with all its channels,
                (N, slices * C, Y, X).
            *hints: What the network takes besides, handed on.

        Returns:
            What the network returns: logits of the middle slice, (N, K, Y, X), the finest
            first.
        """
        size, grid = image.shape[0], image.shape[2:]
        each = image.reshape(size * self.slices, -1, *grid)  # (N * slices, C, Y, X)
        features = self.stem(each).reshape(size, -1, *grid)  # (N, slices * F, Y, X)
        return self.network(self.mix(features), *hints)
