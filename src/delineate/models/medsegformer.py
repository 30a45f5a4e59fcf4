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
from delineate.models.stem import Stem
from delineate.models.strides import stride_rows
from delineate.models.uncertainty import MEASURES, mutual_information

HYBRID: dict[str, Any] = {"attention": "parallel", "drop_path": 0.0}
"""Options of the encoder, unless said otherwise."""
SIZES: dict[str, dict[str, Any]] = {
    size: {
        "stages": {**HYBRID, "widths": widths, "depths": depths},
        "features": features,
        "stem": stem,
    }
    for size, widths, depths, features, stem in (
        ("nano", (16, 32, 80, 128), (1, 1, 2, 1), 64, 16),
        ("tiny", (24, 48, 120, 192), (2, 2, 2, 2), 96, 16),
        ("b0", (32, 64, 160, 256), (2, 2, 2, 2), 128, 24),
        ("b1", (64, 128, 320, 512), (2, 2, 2, 2), 256, 32),
        ("b2", (64, 128, 320, 512), (3, 4, 6, 3), 256, 32),
    )
}
"""Channels and blocks of each stage, channels of the decoder and of the stem."""
STRIDES = (4, 2, 2, 2)
"""Usual stride of each stage."""
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
        stem: str = "shared",
        stem_width: int | None = None,
        stem_depth: int = 1,
        strides: Sequence[Sequence[int]] | None = None,
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
            stem: "shared" if the encoder begins with the convolutions over the image that
                refinement looks at, "apart" if with a large stride of its own.
            stem_width: Channels of these convolutions; None means the size's.
            stem_depth: Convolutions a grid.
            strides: Stride per stage and axis, each 1, 2 or 4; None means 4, 2, 2, 2.
            **hybrid: Of `MixTransformer`, other than the size gives: `attention` ("parallel" if
                left out), `fusion`, `channel_kind`, `spatial_kind`, `depths`, `expansion`,
                `drop_path` (0 if left out).
        """
        super().__init__()
        _check((outputs, uncertainty, points, stem), (refine, iterations, stem_depth))
        chosen = pick(SIZES, size, what="size of medsegformer")
        self.outputs, self.uncertainty = outputs, uncertainty
        thin = {"channels": stem_width or chosen["stem"], "depth": stem_depth, "norm": norm}
        stages = {**chosen["stages"], **hybrid, "strides": stride_rows(strides, STRIDES, dims)}
        self._look(in_channels, dims, stem=stem, thin=thin, stages=stages, is_fine=refine > 0)
        how: dict[str, Any] = {"norm": norm, "to_image": refine == 0}
        how["features"] = chosen["features"] // (2 if decoder == "unet" else 1)
        self.decoder = make_decoder(decoder, self.encoder, dims, **how)
        self._answer(out_channels, dims, dropout, aleatoric or uncertainty == "aleatoric")
        means: dict[str, Any] = {"kind": outputs, "measure_by": uncertainty, "is_dense": dense}
        means |= {"width": min(64, chosen["features"] // 2), "guide": thin["channels"]}
        means |= {"choice": Choice(shares=tuple(shares), by=points), "iterations": iterations}
        self._refine(out_channels, dims, refine, means)
        self._begin()

    def _look(
        self,
        in_channels: int,
        dims: int,
        *,
        stem: str,
        thin: dict[str, Any],
        stages: dict[str, Any],
        is_fine: bool,
    ) -> None:
        """Build what looks at the image: thin convolutions, and the encoder after or beside."""
        first, *rest = stages["strides"]
        finer = grids(first)
        self.is_shared = stem == "shared" and bool(finer)
        is_seen = self.is_shared or (is_fine and bool(finer))
        self.stem = Stem(in_channels, dims=dims, strides=finer[::-1], **thin) if is_seen else None
        if self.is_shared:
            left = [step // done for step, done in zip(first, finer[0], strict=True)]
            stages = {**stages, "strides": [left, *rest], "before": finer[0]}
            in_channels = thin["channels"]
        self.encoder = MixTransformer(in_channels, dims, **stages)

    def _answer(self, out_channels: int, dims: int, dropout: float, is_noisy: bool) -> None:
        """Build what answers on the coarse grid."""
        ends = (self.decoder.channels, out_channels)
        self.dropout = nn.Dropout(dropout)
        self.head = CONVOLUTIONS[dims](*ends, 1)
        self.variance = CONVOLUTIONS[dims](*ends, 1) if is_noisy else None

    def _refine(self, out_channels: int, dims: int, refine: int, means: dict[str, Any]) -> None:
        """Build what corrects the answer."""
        ends, count = (self.decoder.channels, out_channels), len(grids(self.encoder.strides[0]))
        number = min(refine, count)
        self.refiner = Refiner(*ends, dims, num_grids=number, **means) if number else None

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
        maps = [] if self.stem is None else self.stem(padded)
        features = self.decoder(self.encoder(maps[-1] if self.is_shared else padded))
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
            guides = maps[::-1][: len(self.refiner.correctors)]
            finer, points = self.refiner(guides, features, logits, doubt, priority)
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


def _check(words: tuple[str, str, str, str], counts: tuple[int, int, int]) -> None:
    outputs, uncertainty, points, stem = words
    pick(dict.fromkeys(KINDS), outputs, what="outputs")
    pick(dict.fromkeys([*MEASURES, "aleatoric", "mc"]), uncertainty, what="uncertainty")
    pick(dict.fromkeys(["uncertain", "random"]), points, what="points")
    pick(dict.fromkeys(["shared", "apart"]), stem, what="stem")
    refine, iterations, stem_depth = counts
    if refine < 0 or iterations < 1 or stem_depth < 1:
        raise PlanError(
            "refine must be 0 or more, iterations and stem_depth 1 or more, not "
            f"{refine}, {iterations} and {stem_depth}. Correct model_options."
        )
