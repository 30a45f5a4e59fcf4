"""DeepLab v3+: what DeepLab v3 sees, sharpened by features from early in the encoder."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from delineate.core.errors import PlanError
from delineate.models.base import resize
from delineate.models.convolutions import ConvReLU, initialise_rectified
from delineate.models.deeplabv3 import ASPP, DeepLabV3, Rates


class DeepLabV3PlusDecoder(nn.Module):
    """Pyramid pooling, brought to an early level and joined with a few of its channels.

    Source:
        Chen et al., 2018, arXiv:1802.02611, figure 2 and section 3.2.
    """

    def __init__(
        self,
        channels: Sequence[int],
        dims: int,
        *,
        rates: Rates,
        features: int = 256,
        early: int = 48,
        norm: str = "batch",
        dropout: float = 0.5,
    ) -> None:
        """Build the layers.

        Args:
            channels: Channels of each level of the encoder, finest first; the fourth from the
                end gives the early features, stride 4 in published encoders.
            dims: Spatial axes, 2 or 3.
            rates: Dilation of each atrous branch.
            features: Channels of the pooling, and out.
            early: Channels that the early level keeps.
            norm: Row of `NORMS`.
            dropout: Share of the pooled features dropped in training.

        Raises:
            PlanError: If the encoder has fewer than four levels.
        """
        super().__init__()
        if len(channels) < 4:
            raise PlanError(
                f"encoder must have at least 4 levels, not {len(channels)}. Choose another."
            )
        self.channels = features
        self.aspp = ASPP(
            channels[-1], features, dims, rates=rates, norm=norm, separable=True, dropout=dropout
        )
        self.early = ConvReLU(channels[-4], early, dims, kernel=1, norm=norm)
        self.smooth = nn.Sequential(
            ConvReLU(features + early, features, dims, norm=norm, separable=True),
            ConvReLU(features, features, dims, norm=norm, separable=True),
        )
        initialise_rectified(self)

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        """Run the layers.

        Args:
            pyramid: One (N, C_i, *S_i) a level, finest first.

        Returns:
            (N, features, *S_-4).
        """
        early = self.early(pyramid[-4])
        pooled = resize(self.aspp(pyramid[-1]), early.shape[2:])
        out: Tensor = self.smooth(torch.cat([pooled, early], dim=1))
        return out


class DeepLabV3Plus(DeepLabV3):
    """DeepLab v3+: logits at stride 4, interpolated.

    Source:
        Chen et al., 2018, arXiv:1802.02611.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: int,
        *,
        encoder: str = "resnet50",
        output_stride: int = 16,
        early: int = 48,
        **options: Any,  # noqa: ANN401 - of `DeepLabV3`
    ) -> None:
        """Build the network.

        Args:
            in_channels: Channels of the input.
            out_channels: Channels of the logits.
            dims: Spatial axes, 2 or 3.
            encoder: Row of `ENCODERS`.
            output_stride: Coarsest stride, 8, 16 or 32; 32 leaves the encoder undilated.
            early: Channels that the early level keeps.
            **options: As in `deeplabv3`: `strides`, `width`, `size`, `rates`, `features`,
                `dropout`, `norm`.
        """
        self.early_channels = early  # asked for while the parent builds
        options |= {"encoder": encoder, "output_stride": output_stride}
        super().__init__(in_channels, out_channels, dims, **options)

    def _make_decoder(self, channels: Sequence[int], dims: int, **common: Any) -> Any:  # noqa: ANN401
        return DeepLabV3PlusDecoder(channels, dims, early=self.early_channels, **common)
