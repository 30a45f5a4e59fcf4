"""A U-Net whose contracting path is a chosen encoder, such as one that knows ImageNet."""

from collections.abc import Sequence

from delineate.models.base import Segmenter
from delineate.models.decoders import UNetDecoder
from delineate.models.encoders import build_encoder


class UNetOnEncoder(Segmenter):
    """Any encoder with the expanding path of a U-Net, logits on the image's own grid.

    Source:
        Iglovikov and Shvets, 2018, arXiv:1801.05746.
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
        features: Sequence[int] = (256, 128, 64, 32, 16),
        dropout: float = 0.0,
        norm: str = "batch",
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
            features: Channels of each step of the decoder, coarsest first.
            dropout: Share of the last ones dropped in training.
            norm: Normalisation of the decoder, and of encoders that leave a choice.
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
        decoder = UNetDecoder(body.channels, body.strides, dims, features=features, norm=norm)
        super().__init__(body, decoder, out_channels, dims, dropout=dropout)
