"""MedSegFormer: attention over places and channels, and refinement where the network is unsure.

The MedSegFormer of the literature states ideas and gives neither code nor numbers. This is a
design of Delineate's own that follows those ideas; docs/networks.md says what trials of its parts
have shown so far.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from delineate.core.errors import PlanError, pick
from delineate.models.base import Answer, crop, pad_to, resize
from delineate.models.blocks import CONVOLUTIONS
from delineate.models.mit import MixTransformer
from delineate.models.points import Choice
from delineate.models.refinement import Corrector, Refiner, grids
from delineate.models.segformer import HEAD_STD, make_decoder
from delineate.models.uncertainty import MEASURES, mutual_information

SIZES: dict[str, dict[str, Any]] = {
    size: {"stages": {"widths": widths, "depths": depths}, "features": features, "stem": stem}
    for size, widths, depths, features, stem in (
        ("nano", (16, 32, 80, 128), (1, 1, 2, 1), 64, 16),
        ("tiny", (24, 48, 120, 192), (2, 2, 2, 2), 96, 16),
        ("b0", (32, 64, 160, 256), (2, 2, 2, 2), 128, 24),
        ("b1", (64, 128, 320, 512), (2, 2, 2, 2), 256, 32),
        ("b2", (64, 128, 320, 512), (3, 4, 6, 3), 256, 32),
    )
}
"""Channels and blocks of each stage, channels of the decoder and of the stem."""
HYBRID: dict[str, Any] = {"attention": "parallel", "drop_path": 0.0}
"""Options of the encoder, unless said otherwise."""
KINDS = ("exclusive", "layers", "instances")
"""What outputs can be: one class a voxel, overlapping layers, or maps of objects."""
LOG_VARIANCE = (-7.0, 3.0)
"""Bounds of the predicted logarithm of variance."""
PASSES = 8
"""Passes with dropout where uncertainty is "mc"."""


class MedSegFormer(nn.Module):
    """Hybrid transformer, light decoder, and correction of unsure voxels up to the image's grid.

    Source:
        The parts: Xie et al., 2021, arXiv:2105.15203; El-Nouby et al., 2021, arXiv:2106.09681;
        Kirillov et al., 2020, arXiv:1912.08193; Kendall and Gal, 2017, arXiv:1703.04977.
    """

    takes_priority = True
    """Says that `forward` heeds a weight of each voxel in training."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: int,
        *,
        size: str = "nano",
        outputs: str = "exclusive",
        decoder: str = "mlp",
        refine: int = 2,
        iterations: int = 1,
        shares: Sequence[float] = (0.125, 0.125),
        points: str = "uncertain",
        uncertainty: str = "entropy",
        aleatoric: bool = False,
        dense: bool = False,
        dropout: float = 0.0,
        norm: str = "batch",
        **hybrid: Any,  # noqa: ANN401 - of the encoder
    ) -> None:
        """Build the network.

        Args:
            in_channels: Channels of the input.
            out_channels: Channels of the logits.
            dims: Spatial axes, 2 or 3.
            size: "nano", "tiny", "b0", "b1" or "b2".
            outputs: One of `KINDS`.
            decoder: "mlp", "fpn" or "unet".
            refine: Grids that are corrected; 0 interpolates the coarse logits.
            iterations: Corrections a grid.
            shares: Share of voxels corrected at most, a number a grid, coarse first.
            points: "uncertain" or, as a control, "random".
            uncertainty: What chooses: "entropy", "margin", "evidential", "aleatoric" or "mc".
            aleatoric: Whether a variance of the logits is learnt; "aleatoric" implies it.
            dense: Whether refinement computes every voxel: the same result, without gathering.
            dropout: Share of the decoder's channels dropped in training.
            norm: Normalisation in decoder and stem.
            **hybrid: Of `MixTransformer`, other than the size gives: `attention` ("parallel" if
                left out), `fusion`, `channel_kind`, `spatial_kind`, `strides`, `depths`,
                `expansion`, `drop_path` (0 if left out).
        """
        super().__init__()
        _check(outputs, uncertainty, points, refine, iterations)
        chosen = pick(SIZES, size, what="size of medsegformer")
        self.outputs, self.uncertainty = outputs, uncertainty
        self.encoder = MixTransformer(in_channels, dims, **{**chosen["stages"], **HYBRID, **hybrid})
        wide = chosen["features"] // (2 if decoder == "unet" else 1)
        how: dict[str, Any] = {"features": wide, "norm": norm, "to_image": refine == 0}
        self.decoder = make_decoder(decoder, self.encoder, dims, **how)
        ends = (self.decoder.channels, out_channels)
        self.dropout = nn.Dropout(dropout)
        self.head = CONVOLUTIONS[dims](*ends, 1)
        noisy = aleatoric or uncertainty == "aleatoric"
        self.variance = CONVOLUTIONS[dims](*ends, 1) if noisy else None
        finer = grids(self.encoder.strides[0])[:refine]
        means: dict[str, Any] = {"choice": Choice(shares=tuple(shares), by=points)}
        means |= {"kind": outputs, "measure_by": uncertainty, "stem": chosen["stem"]}
        means |= {"norm": norm, "strides": finer, "iterations": iterations, "is_dense": dense}
        means["width"] = min(64, chosen["features"] // 2)
        self.refiner = Refiner(in_channels, *ends, dims, **means) if finer else None
        self._begin()

    def _begin(self) -> None:
        # Wider than SegFormer draws its weights: that learns markedly faster from scratch.
        convolutions: Any = tuple(CONVOLUTIONS.values())
        for module in self.modules():
            if isinstance(module, convolutions):
                nn.init.kaiming_normal_(module.weight, a=0.01, nonlinearity="leaky_relu")
            elif isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
            for name, value in module.named_parameters(recurse=False):
                if name == "bias" and isinstance(module, (*convolutions, nn.Linear)):
                    nn.init.zeros_(value)
        nn.init.normal_(self.head.weight, std=HEAD_STD)
        if self.variance is not None:
            nn.init.constant_(self.variance.bias, -3.0)
        for module in self.modules():
            if isinstance(module, Corrector):
                module.clear()

    def forward(self, image: Tensor, priority: Tensor | None = None) -> list[Tensor] | Answer:
        """Run the network.

        Args:
            image: (N, C, *S), any size.
            priority: Weight of each voxel in the choice of training points, (N, *S), or None.

        Returns:
            One entry, logits (N, K, *S); in training an `Answer` with those of every grid, the
            last the unrefined ones.
        """
        size = image.shape[2:]
        padded = pad_to(image, self.encoder.strides[0])
        features = self.decoder(self.encoder(padded))
        logits = self.head(self.dropout(features))
        variance = None
        if self.variance is not None:
            variance = self.variance(features).float().clamp(*LOG_VARIANCE)
        grown: list[Tensor] = [logits]
        points: tuple[Any, ...] = ()
        if self.refiner is not None:
            if priority is not None:
                priority = pad_to(priority[:, None], self.encoder.strides[0])[:, 0]
            doubt = self._doubt(features, variance)
            finer, points = self.refiner(padded, features, logits, doubt, priority)
            grown = [*finer, logits]
        if self.training:
            fine = [self._cropped(entry, padded, size) for entry in grown]
            return Answer(logits=fine, log_variance=variance, points=points)
        return [crop(resize(grown[0].float(), padded.shape[2:]), size)]

    def _cropped(self, logits: Tensor, padded: Tensor, size: Sequence[int]) -> Tensor:
        """Crop the grid of some logits as the image is cropped."""
        steps = [
            -(-whole // part)
            for whole, part in zip(padded.shape[2:], logits.shape[2:], strict=True)
        ]
        return crop(logits, [-(-length // step) for length, step in zip(size, steps, strict=True)])

    @torch.no_grad()
    def _doubt(self, features: Tensor, variance: Tensor | None) -> Tensor | None:
        """Make the map of doubt that logits alone do not give, (N, *S / stride)."""
        if self.uncertainty == "aleatoric" and variance is not None:
            return variance.sigmoid().mean(1)
        if self.uncertainty == "mc":
            drop = nn.functional.dropout
            passes = [self.head(drop(features, 0.1, training=True)) for _ in range(PASSES)]
            return mutual_information(torch.stack(passes), self.outputs)
        return None


def _check(outputs: str, uncertainty: str, points: str, refine: int, iterations: int) -> None:
    pick(dict.fromkeys(KINDS), outputs, what="outputs")
    pick(dict.fromkeys([*MEASURES, "aleatoric", "mc"]), uncertainty, what="uncertainty")
    pick(dict.fromkeys(["uncertain", "random"]), points, what="points")
    if refine < 0 or iterations < 1:
        raise PlanError(
            f"refine must be 0 or more and iterations 1 or more, not {refine} and {iterations}. "
            "Correct model_options."
        )
