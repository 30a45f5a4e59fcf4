"""A feature pyramid network on a chosen encoder, logits from all its levels at once."""

from collections.abc import Sequence

from delineate.models.base import Segmenter
from delineate.models.decoders import FPNDecoder
from delineate.models.encoders import build_encoder


class FPN(Segmenter):
    """Any encoder with the decoder of a feature pyramid network.

    Source:
        Lin et al., 2017, arXiv:1612.03144; Kirillov et al., 2019, arXiv:1901.02446.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: int,
        *,
        encoder: str = "resnet18",
        strides: Sequence[Sequence[int]] | None = None,
        output_stride: int | None = None,
        width: float | None = None,
        levels: int = 4,
        pyramid: int = 256,
        features: int = 128,
        dropout: float = 0.2,
        norm: str = "batch",
        decoder_norm: str = "group",
    ) -> None:
        """Build the network.

        Args:
            in_channels: Channels of the input.
            out_channels: Channels of the logits.
            dims: Spatial axes, 2 or 3.
            encoder: Row of `ENCODERS`.
            strides: Stride per level of the encoder and axis; None means as published.
            output_stride: Coarsest stride, 8, 16 or 32, of encoders that can be dilated.
            width: Channels of the encoder to the published number.
            levels: How many of the encoder's coarsest levels are used; 4 of 5 bring the logits
                to stride 4, all 5 to stride 2.
            pyramid: Channels of the pyramid.
            features: Channels before the head.
            dropout: Share of them dropped in training.
            norm: Normalisation of the encoder, where it leaves a choice.
            decoder_norm: Normalisation of the decoder, "group" as published.
        """
        body = build_encoder(
            encoder,
            in_channels,
            dims,
            norm=norm,
            strides=strides,
            output_stride=output_stride,
            width=width,
        )
        decoder = FPNDecoder(
            body.channels, dims, levels=levels, width=pyramid, features=features, norm=decoder_norm
        )
        super().__init__(body, decoder, out_channels, dims, dropout=dropout)
