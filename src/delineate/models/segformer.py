"""SegFormer: a hierarchical transformer and a decoder of linear layers, or another decoder.

Written from the paper; weights of published checkpoints come in by `models.imported`.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from delineate.core.errors import pick
from delineate.models.attention import initialise
from delineate.models.base import Segmenter, resize
from delineate.models.blocks import make_norm
from delineate.models.decoders import FPNDecoder, UNetDecoder
from delineate.models.mit import MixTransformer

HEAD_STD = 0.02
"""Spread of a new head's weights: logits begin near zero, so that training need not undo them."""
LINEAR_MAPS: dict[int, Any] = {2: functional.conv2d, 3: functional.conv3d}

SIZES: dict[str, dict[str, Any]] = {
    "b0": {"widths": (32, 64, 160, 256), "depths": (2, 2, 2, 2), "features": 256},
    "b1": {"widths": (64, 128, 320, 512), "depths": (2, 2, 2, 2), "features": 256},
    "b2": {"widths": (64, 128, 320, 512), "depths": (3, 4, 6, 3), "features": 768},
    "b3": {"widths": (64, 128, 320, 512), "depths": (3, 4, 18, 3), "features": 768},
    "b4": {"widths": (64, 128, 320, 512), "depths": (3, 8, 27, 3), "features": 768},
    "b5": {"widths": (64, 128, 320, 512), "depths": (3, 6, 40, 3), "features": 768},
}
"""Published sizes: channels and blocks of each stage, channels of the decoder."""


class MLPDecoder(nn.Module):
    """A linear layer a level, brought to the finest grid, stacked and mixed by one more.

    Interpolation and a linear layer may change places, so what mixes the stacked levels is
    multiplied into each level's own layer first and works on that level's grid: the same
    function, weights and gradients at a small part of the work.

    Source:
        Xie et al., 2021, arXiv:2105.15203, section 3.2.
    """

    def __init__(
        self, in_channels: Sequence[int], features: int, dims: int, *, norm: str = "batch"
    ) -> None:
        """Build the layers.

        Args:
            in_channels: Channels of each level, finest first.
            features: Channels out.
            dims: Spatial axes, 2 or 3.
            norm: "batch", "group" or "instance".
        """
        super().__init__()
        self.channels = features
        self.dims = dims
        self.levels = nn.ModuleList(nn.Linear(width, features) for width in in_channels)
        self.mix = nn.Linear(len(in_channels) * features, features, bias=False)
        self.norm = make_norm(norm, features, dims)
        self.activation = nn.ReLU()

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        """Join the levels.

        Args:
            pyramid: One (N, C_i, *S_i) a level, finest first.

        Returns:
            (N, features, *S_0).
        """
        size = pyramid[0].shape[2:]
        parts = self.mix.weight.chunk(len(pyramid), dim=1)  # stacked coarsest first
        total: Tensor | None = None
        for level, layer, part in zip(pyramid, self.levels, reversed(parts), strict=True):
            with torch.autocast(level.device.type, enabled=False):
                weight = part @ layer.get_parameter("weight")
                bias = part @ layer.get_parameter("bias")
            mapped = LINEAR_MAPS[self.dims](
                level, weight.reshape(*weight.shape, *[1] * self.dims), bias
            )
            mapped = resize(mapped, size)
            total = mapped if total is None else total + mapped
        out: Tensor = self.activation(self.norm(total))
        return out


class SegFormer(Segmenter):
    """The Mix Transformer with a decoder; logits at a quarter of the image, interpolated.

    Source:
        Xie et al., 2021, arXiv:2105.15203.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: int,
        *,
        size: str = "b0",
        decoder: str = "mlp",
        strides: Sequence[Sequence[int]] | None = None,
        features: int | None = None,
        dropout: float = 0.1,
        drop_path: float = 0.1,
        eps: float = 1e-6,
        norm: str = "batch",
    ) -> None:
        """Build the network.

        Args:
            in_channels: Channels of the input.
            out_channels: Channels of the logits.
            dims: Spatial axes, 2 or 3.
            size: "b0" to "b5".
            decoder: "mlp" as published, "fpn" or "unet".
            strides: Stride per stage and axis, each 1, 2 or 4; None means 4, 2, 2, 2.
            features: Channels of the decoder; None means the published number.
            dropout: Share of the decoder's channels dropped in training.
            drop_path: Chance that the last block skips a branch in training.
            eps: Of the normalisations of blocks; checkpoints of Hugging Face need 1e-5.
            norm: Normalisation in the decoder.
        """
        chosen = pick(SIZES, size, what="size of segformer")
        encoder = MixTransformer(
            in_channels,
            dims,
            widths=chosen["widths"],
            depths=chosen["depths"],
            strides=strides,
            drop_path=drop_path,
            eps=eps,
        )
        published = chosen["features"] if decoder == "mlp" else None
        joined = make_decoder(decoder, encoder, dims, features=features or published, norm=norm)
        super().__init__(encoder, joined, out_channels, dims, dropout=dropout)
        initialise(self)
        nn.init.normal_(self.head.weight, std=HEAD_STD)


def make_decoder(
    name: str,
    encoder: MixTransformer,
    dims: int,
    *,
    features: int | None,
    norm: str,
    to_image: bool = True,
) -> Any:  # noqa: ANN401 - a module that keeps the contract Decoder
    """Make a decoder for a transformer's pyramid.

    Args:
        name: "mlp", "fpn" or "unet".
        encoder: Whose pyramid it joins.
        dims: Spatial axes, 2 or 3.
        features: Channels that it works with; None means the published number.
        norm: Normalisation.
        to_image: Whether "unet" goes on to the image's grid instead of stopping at the
            encoder's finest.

    Returns:
        The decoder.
    """
    pick(dict.fromkeys(("mlp", "fpn", "unet")), name, what="decoder")
    if name == "fpn":
        width = features or 256
        levels = len(encoder.channels)
        return FPNDecoder(
            encoder.channels, dims, levels=levels, width=width, features=width // 2, norm=norm
        )
    if name == "unet":
        wide = features or 64
        joins: list[int] = [4 * wide, 2 * wide, *[wide] * (len(encoder.channels) - 3)]
        rest = [max(8, wide // 2), max(8, wide // 4)] if to_image else []
        return UNetDecoder(
            encoder.channels, encoder.strides, dims, features=[*joins, *rest], norm=norm
        )
    return MLPDecoder(encoder.channels, features or 256, dims, norm=norm)
