"""Which voxels of a grid are looked at again, and how their features are fetched.

Source: Kirillov et al., 2020, arXiv:1912.08193 (PointRend), section 3.1, with a quota for rare
classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

HALVINGS = 24
"""Steps in which an exported network finds the doubt of the last voxel that it corrects."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which voxels are corrected."""

    shares: tuple[float, ...] = (0.125, 0.125)
    """Share of a grid's voxels at most, coarse grid first."""
    threshold: float = 0.05
    """Doubt above which a voxel is corrected at prediction."""
    exit_share: float = 0.005
    """A grid with fewer unsure voxels than this is left alone at prediction."""
    by: str = "uncertain"
    """"uncertain", or "random" as a control."""
    oversampling: float = 3.0
    """Candidates to one chosen voxel, in training."""
    importance: float = 0.75
    """Share of chosen voxels that are the most unsure candidates, in training."""
    quota: float = 0.2
    """Share of chosen voxels drawn by priority, in training, where one is given."""


@torch.no_grad()
def choose(
    unsure: Tensor,
    choice: Choice,
    count: int,
    priority: Tensor | None = None,
    *,
    is_training: bool,
) -> tuple[Tensor, Tensor]:
    """Choose the voxels of a grid that are corrected.

    Args:
        unsure: Doubt, (N, *S), in [0, 1].
        choice: How to choose.
        count: Voxels an image.
        priority: Weight of each voxel of the image's own grid, or None; training alone heeds it.
        is_training: Whether chance takes part.

    Returns:
        Flat places (N, P), int64, and which of them count, (N, P), bool; none that counts is
        there twice.
    """
    flat = unsure.flatten(1)
    count = min(count, flat.shape[1])
    if is_training:
        weights = None
        if priority is not None:
            size = tuple(unsure.shape[1:])
            weights = functional.interpolate(priority[:, None].float(), size)[:, 0].flatten(1)
        places = _draw(flat, choice, count, weights)
        return places, torch.ones_like(places, dtype=torch.bool)
    above = (flat > choice.threshold).sum(1)
    enough = above >= choice.exit_share * flat.shape[1]
    if torch.compiler.is_compiling():  # a compiled or exported network has fixed shapes
        places, kept = highest(flat, choice.threshold, count)
        return places, kept & enough[:, None]
    count = min(count, int((above * enough).max()))
    best = flat.topk(count, dim=1, sorted=False)
    return best.indices, (best.values > choice.threshold) & enough[:, None]


def highest(flat: Tensor, threshold: float, count: int) -> tuple[Tensor, Tensor]:
    """Find the most unsure voxels by halving, since runtimes sort all voxels for a top-k.

    Args:
        flat: Doubt, (N, V), in [0, 1].
        threshold: Doubt above which a voxel may be chosen.
        count: Voxels to choose at most.

    Returns:
        Flat places (N, count), int64, and which of them count, (N, count), bool. Voxels closer
        to the last one chosen than the last halving reaches are left out.
    """
    low = torch.full_like(flat[:, :1], threshold)
    high = torch.maximum(flat.amax(1, keepdim=True), low)
    is_many = (flat > low).sum(1, keepdim=True) > count
    high = torch.where(is_many, high, low)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_many = (flat > middle).sum(1, keepdim=True) > count
        low, high = torch.where(is_many, middle, low), torch.where(is_many, high, middle)
    chosen = flat > high
    slots = torch.where(chosen, chosen.cumsum(1) - 1, count)  # the last slot takes the rest
    numbers = torch.arange(flat.shape[1], device=flat.device).expand(len(flat), -1)
    places = torch.zeros(len(flat), count + 1, dtype=torch.long, device=flat.device)
    places = places.scatter(1, slots, numbers)[:, :count]
    return places, torch.arange(count, device=flat.device) < chosen.sum(1, keepdim=True)


def _draw(flat: Tensor, choice: Choice, count: int, weights: Tensor | None) -> Tensor:
    """Draw training points: unsure candidates, some of high priority, some anywhere."""
    quota = 0 if weights is None else round(choice.quota * count)
    unsure = round(choice.importance * (count - quota))
    wanted = min(flat.shape[1], max(unsure, round(choice.oversampling * count)))
    candidates = torch.rand_like(flat).topk(wanted, dim=1, sorted=False).indices
    order = flat.gather(1, candidates).topk(unsure, dim=1, sorted=False).indices
    parts = [candidates.gather(1, order)]
    taken = torch.zeros_like(flat).scatter_(1, parts[0], 1.0)
    if weights is not None and quota:
        free = weights.clamp_min(1e-6) * (1 - taken) + 1e-12
        keys = torch.rand_like(free).clamp_min(1e-9).log() / free  # weighted, none twice
        parts.append(keys.topk(quota, dim=1, sorted=False).indices)
        taken.scatter_(1, parts[-1], 1.0)
    rest = count - unsure - quota
    parts.append((torch.rand_like(flat) - 2 * taken).topk(rest, dim=1, sorted=False).indices)
    return torch.cat(parts, dim=1)


def gather(features: Tensor, places: Tensor) -> Tensor:
    """Take the features of chosen voxels.

    Args:
        features: (N, C, *S).
        places: Flat places, (N, P), int64.

    Returns:
        (N, C, P).
    """
    if features.shape[1] > 1 and features.stride(1) == 1:  # a voxel's channels lie together
        rows = features.flatten(2).transpose(1, 2)
        count, total, channels = rows.shape
        offset = torch.arange(count, device=places.device)[:, None] * total
        flat = rows.reshape(count * total, channels)
        chosen = flat.index_select(0, (places + offset).flatten())
        return chosen.reshape(count, -1, channels).transpose(1, 2)
    index = places[:, None].expand(-1, features.shape[1], -1)
    return features.flatten(2).gather(2, index)


def sample(features: Tensor, places: Tensor, size: Sequence[int]) -> Tensor:
    """Interpolate coarse features at chosen voxels of a finer grid, as `base.resize` would.

    Args:
        features: (N, C, *S'), 2 or 3 spatial axes.
        places: Flat places in the finer grid, (N, P), int64.
        size: Shape of the finer grid.

    Returns:
        (N, C, P), float32.
    """
    axes: list[Tensor] = []
    rest = places
    for length in reversed(size):
        axes.append((rest % length + 0.5) * (2 / length) - 1)  # x first, as grid_sample wants
        rest = rest // length
    points = torch.stack(axes, dim=-1).float()
    shape = (len(points), *[1] * (len(size) - 1), -1, len(size))
    with torch.autocast(features.device.type, enabled=False):
        sampled = functional.grid_sample(
            features.float(), points.reshape(shape), padding_mode="border", align_corners=False
        )
    return sampled.flatten(2)
