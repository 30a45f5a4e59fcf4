"""The contract of networks: an encoder's pyramid, a decoder, and heads on the image's grid.

A network maps (N, C, *S) of any size to a list of logits, the finest first and of the image's
size; only while it trains may coarser ones, or an `Answer`, follow. A mapping of channels to
outputs is all that tells semantic, overlapping and instance tasks apart, so every network
serves them all.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from delineate.models.blocks import CONVOLUTIONS

LINEAR = {2: "bilinear", 3: "trilinear"}
"""Interpolation by number of axes."""


class Encoder(Protocol):
    """Turns an image into a pyramid of features; its strides divide the image's size."""

    @property
    def channels(self) -> Sequence[int]:
        """Channels of each level, finest first."""
        ...

    @property
    def strides(self) -> Sequence[Sequence[int]]:
        """Voxels of the image to one of each level, per axis."""
        ...

    def __call__(self, image: Tensor) -> list[Tensor]:
        """Map (N, C, *S) to one (N, channels, *S / strides) a level."""
        ...


class Decoder(Protocol):
    """Joins a pyramid into one map of features."""

    @property
    def channels(self) -> int:
        """Channels of that map."""
        ...

    def __call__(self, pyramid: list[Tensor]) -> Tensor:
        """Map one (N, C_i, *S_i) a level to (N, channels, *S_0), or to a finer grid."""
        ...


class Points(NamedTuple):
    """Voxels at which a network corrected itself."""

    places: Tensor
    """Flat places in the grid, (N, P), int64."""
    logits: Tensor
    """Logits there after the correction, (N, K, P)."""
    size: tuple[int, ...]
    """Shape of the grid."""


class Answer(NamedTuple):
    """What a network that learns more than logits says while it trains."""

    logits: list[Tensor]
    """Finest first, each (N, K, *S_i)."""
    log_variance: Tensor | None = None
    """Logarithm of the variance of the coarsest logits, (N, K, *S_i), or None."""
    points: tuple[Points, ...] = ()
    """Where it corrected itself, finest grid first."""


class Segmenter(nn.Module):
    """Encoder, decoder and a 1x1 head; pads what its strides do not divide, and crops again."""

    def __init__(
        self,
        encoder: Encoder,
        decoder: Decoder,
        out_channels: int,
        dims: int,
        *,
        dropout: float = 0.0,
    ) -> None:
        """Join the parts.

        Args:
            encoder: A module that keeps the contract `Encoder`.
            decoder: A module that keeps the contract `Decoder`.
            out_channels: Channels of the logits.
            dims: Spatial axes, 2 or 3.
            dropout: Share of the decoder's channels that is dropped in training.
        """
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.dropout = nn.Dropout(dropout)
        self.head = CONVOLUTIONS[dims](decoder.channels, out_channels, 1)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Run the network.

        Args:
            image: (N, C, *S), any size.

        Returns:
            One entry, logits (N, K, *S).
        """
        padded = pad_to(image, self.encoder.strides[-1])
        logits = self.head(self.dropout(self.decoder(self.encoder(padded))))
        return [crop(resize(logits, padded.shape[2:]), image.shape[2:])]


def pad_to(image: Tensor, multiple: Sequence[int]) -> Tensor:
    """Continue an image from its far edges until a multiple divides its size.

    Args:
        image: (N, C, *S).
        multiple: Number that each axis must be a multiple of.

    Returns:
        (N, C, *S'), the image itself where nothing is missing.
    """
    missing = [-length % step for length, step in zip(image.shape[2:], multiple, strict=True)]
    if not any(missing):
        return image
    pads = [pad for extra in reversed(missing) for pad in (0, extra)]
    return functional.pad(image, pads, mode="replicate")


def crop(features: Tensor, size: Sequence[int]) -> Tensor:
    """Take away what `pad_to` added.

    Args:
        features: (N, C, *S').
        size: Shape to keep, at most S'.

    Returns:
        (N, C, *size).
    """
    for axis, length in enumerate(size):
        features = features.narrow(2 + axis, 0, length)
    return features


def resize(features: Tensor, size: Sequence[int]) -> Tensor:
    """Interpolate linearly with voxel faces aligned.

    Args:
        features: (N, C, *S), 2 or 3 spatial axes.
        size: Shape wanted.

    Returns:
        (N, C, *size), the features themselves where they have that size.
    """
    if tuple(features.shape[2:]) == tuple(size):
        return features
    mode = LINEAR[features.ndim - 2]
    return functional.interpolate(features, tuple(size), mode=mode, align_corners=False)


def join(pyramid: Sequence[Tensor]) -> Tensor:
    """Bring all levels to the first one's grid and stack their channels.

    Args:
        pyramid: One (N, C_i, *S_i) a level.

    Returns:
        (N, sum of C_i, *S_0).
    """
    size = pyramid[0].shape[2:]
    return torch.cat([resize(level, size) for level in pyramid], dim=1)
