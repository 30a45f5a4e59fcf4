"""Coarse logits made fine where they are unsure: grid by grid, voxel by voxel.

The last layer of each corrector begins at zero, so that a new network is exactly the
unrefined one and every gain is learnt.

Source: the choice of points follows Kirillov et al., 2020, arXiv:1912.08193 (PointRend); here a
correction is added instead of a new answer given, and the measure of doubt is exchangeable.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from delineate.models.base import Points, resize
from delineate.models.blocks import CONVOLUTIONS
from delineate.models.points import Choice, choose, gather, sample
from delineate.models.uncertainty import measure, probabilities


class _Clues(NamedTuple):
    """What a grid is corrected by."""

    place: int
    """Number of the grid, coarse first."""
    reduced: Tensor
    """The decoder's map, fewer channels, (N, W, *S / stride)."""
    guide: Tensor
    """Map of the stem on this grid, (N, guide, *S_t)."""
    doubt: Tensor | None
    """Map of doubt from elsewhere."""
    priority: Tensor | None
    """Weight of each voxel in the choice of training points."""


def grids(stride: Sequence[int]) -> list[list[int]]:
    """List the strides from coarse logits to the image, halving at each grid.

    Args:
        stride: Voxels of the image to one of the coarse logits, per axis.

    Returns:
        Strides of the finer grids, the last all ones.
    """
    rows: list[list[int]] = []
    row = list(stride)
    while max(row) > 1:
        row = [-(-step // 2) for step in row]
        rows.append(row)
    return rows


class Corrector(nn.Module):
    """Two linear layers that say what to add to the logits of one voxel."""

    def __init__(self, in_channels: int, features: int, out_channels: int) -> None:
        """Build the layers; the last begins at zero.

        Args:
            in_channels: Numbers that describe a voxel.
            features: Numbers inside.
            out_channels: Channels of the logits.
        """
        super().__init__()
        self.inner = nn.Linear(in_channels, features)
        self.activation = nn.GELU()
        self.out = nn.Linear(features, out_channels)
        self.clear()

    def clear(self) -> None:
        """Set the last layer to zero."""
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, described: Tensor) -> Tensor:
        """Run the layers.

        Args:
            described: (N, in_channels, P).

        Returns:
            (N, out_channels, P), float32.
        """
        # Products from the left keep each number's points together: nothing is turned over.
        inner = self.inner.weight @ described + self.inner.bias[:, None]
        out: Tensor = self.out.weight @ self.activation(inner) + self.out.bias[:, None]
        return out.float()


class Refiner(nn.Module):
    """Goes from coarse logits to the image's grid and corrects the unsure voxels of each grid."""

    def __init__(
        self,
        features: int,
        out_channels: int,
        dims: int,
        *,
        num_grids: int,
        guide: int,
        width: int = 64,
        kind: str = "exclusive",
        measure_by: str = "entropy",
        choice: Choice | None = None,
        iterations: int = 1,
        is_dense: bool = False,
    ) -> None:
        """Build the layers.

        Args:
            features: Channels of the decoder's map.
            out_channels: Channels of the logits.
            dims: Spatial axes, 2 or 3.
            num_grids: Grids to correct.
            guide: Channels of the map of the image on each of them.
            width: Channels that the decoder's map is reduced to, and of the correctors.
            kind: Of the outputs, as in `models.uncertainty`.
            measure_by: Row of `uncertainty.MEASURES`, or "aleatoric" or "mc", whose map is
                handed in.
            choice: Which voxels are corrected.
            iterations: Corrections a grid.
            is_dense: Whether all voxels are computed and the chosen ones kept: slower, the
                same result, no gathering.
        """
        super().__init__()
        self.kind = kind
        self.measure_by = measure_by
        self.choice = choice or Choice()
        self.iterations = iterations
        self.is_dense = is_dense
        self.reduce = CONVOLUTIONS[dims](features, width, 1)
        described = width + guide + out_channels + 1
        self.correctors = nn.ModuleList(
            Corrector(described, width, out_channels) for _ in range(num_grids)
        )

    def forward(
        self,
        guides: Sequence[Tensor],
        features: Tensor,
        coarse: Tensor,
        doubt: Tensor | None = None,
        priority: Tensor | None = None,
    ) -> tuple[list[Tensor], tuple[Points, ...]]:
        """Refine.

        Args:
            guides: Maps of the image on the grids to correct, coarse first, (N, guide, *S_t).
            features: The decoder's map, (N, F, *S / stride).
            coarse: Logits, (N, K, *S / stride).
            doubt: Map of doubt in [0, 1] on the coarse grid, (N, *S / stride), where
                `measure_by` cannot be had of the logits.
            priority: Weight of each voxel in the choice of training points, (N, *S), or None.

        Returns:
            Logits of each grid, finest first, (N, K, *S_t), and where they were corrected,
            finest grid first.
        """
        reduced = self.reduce(features)
        coarse = coarse.float().contiguous()  # few channels interpolate faster one by one
        added = torch.zeros_like(coarse)
        grown: list[Tensor] = []
        spots: list[Points] = []
        for place, guide in enumerate(guides):
            size = tuple(guide.shape[2:])
            clues = _Clues(place, reduced, guide, doubt, priority)
            # Interpolated in one go, so that without corrections nothing differs.
            logits = resize(coarse, size)
            added, places = self._correct(logits, resize(added, size), clues)
            logits = logits + added
            grown.insert(0, logits)
            spots.insert(0, Points(places, gather(logits, places), size))
        return grown, tuple(spots)

    def _correct(self, plain: Tensor, added: Tensor, clues: "_Clues") -> tuple[Tensor, Tensor]:
        """Correct one grid, as often as wanted: what is added in all, and where it was last."""
        corrector = self.correctors[clues.place]
        share = self.choice.shares[min(clues.place, len(self.choice.shares) - 1)]
        count = max(1, math.ceil(share * plain[0, 0].numel()))
        places = torch.zeros(len(plain), 0, dtype=torch.long, device=plain.device)
        for _ in range(self.iterations):
            logits = plain + added
            unsure = self._doubt(logits.detach(), clues.doubt)
            places, kept = choose(
                unsure, self.choice, count, clues.priority, is_training=self.training
            )
            if places.shape[1] == 0:
                break
            if self.is_dense:
                whole = self._everywhere(logits, unsure, clues)
                change = corrector(whole)
                mask = torch.zeros_like(unsure).flatten(1).scatter_add_(1, places, kept.float())
                added = added + (change * mask[:, None]).reshape(added.shape)
                continue
            described = self._describe(places, logits, unsure, clues)
            change = corrector(described) * kept[:, None]
            index = places[:, None].expand(-1, added.shape[1], -1)
            added = added.flatten(2).scatter_add(2, index, change).reshape(added.shape)
        return added, places

    def _doubt(self, logits: Tensor, doubt: Tensor | None) -> Tensor:
        if self.choice.by == "random":
            return torch.rand(logits[:, 0].shape, device=logits.device)
        if doubt is not None:
            return resize(doubt[:, None], logits.shape[2:])[:, 0]
        return measure(self.measure_by, logits, self.kind)

    def _describe(self, places: Tensor, logits: Tensor, unsure: Tensor, clues: "_Clues") -> Tensor:
        """Gather what describes chosen voxels, (N, in_channels, P)."""
        parts = [
            sample(clues.reduced, places, logits.shape[2:]),
            gather(clues.guide, places).float(),
            probabilities(gather(logits, places), self.kind),
            unsure.flatten(1).gather(1, places)[:, None],
        ]
        return torch.cat(parts, dim=1)

    def _everywhere(self, logits: Tensor, unsure: Tensor, clues: "_Clues") -> Tensor:
        """Describe every voxel, (N, in_channels, P)."""
        parts = [
            resize(clues.reduced.float(), logits.shape[2:]),
            clues.guide.float(),
            probabilities(logits, self.kind),
            unsure[:, None],
        ]
        return torch.cat(parts, dim=1).flatten(2)
