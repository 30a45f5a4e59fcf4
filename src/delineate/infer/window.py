"""Tiles over an image of any size: laid out, run in batches, blended, handed on in slabs.

Every image is (C, Z, Y, X) here; a 2-D image has Z = 1, and a 2-D network sees tiles of one
slice. Tiles run along the first axis, so a plane is final as soon as the last tile that
covers it has passed: only a band of one tile's depth is ever held, never all logits.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional

from delineate.core.slices import neighbours

Start = tuple[int, int, int]
Network = Callable[[Tensor], Tensor]
"""Maps tiles (N, C, z, y, x) on the CPU to logits (N, K, z, y, x) on the device."""

SLACK = 1.3
"""An axis up to this many patches long is covered by one tile: one longer pass is cheaper
than two that overlap (2 x patch voxels at the usual overlap against 1.3)."""
GROWTH = (2.0, 1.5, 1.25, 1.0)
"""Tile lengths in patches that are tried where tiles may grow, the largest first. The overlap
stays the same number of voxels, so a doubled 3-D tile computes 2.4 times less twice over."""
PIECE_BYTES = 64 * 2**20
"""Largest piece of finished logits that is handed on at once."""
HALF_ABOVE_BYTES = 2**30
"""A band above this size sums in float16."""


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """Where tiles lie: image shape, padding, tile shape and starts along each axis."""

    shape: tuple[int, int, int]
    """Shape of the image, (Z, Y, X)."""
    before: tuple[int, int, int]
    """Voxels of padding before the image on each axis."""
    padded: tuple[int, int, int]
    """Shape after padding, at least one tile."""
    tile: tuple[int, int, int]
    """Shape of a tile."""
    starts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    """First voxel of the tiles on each axis of the padded image, ascending."""

    @property
    def num_tiles(self) -> int:
        """Number of tiles in all."""
        return math.prod(len(places) for places in self.starts)


def lay_tiles(
    shape: Sequence[int],
    patch: Sequence[int],
    *,
    overlap: float,
    max_voxels: int | None = None,
) -> Tiling:
    """Cover an image with as little double work as the overlap allows.

    Args:
        shape: Image shape, (Z, Y, X).
        patch: Training patch, (z, y, x).
        overlap: Share of a patch that two neighbours both cover, in [0, 1).
        max_voxels: Tiles may outgrow the patch up to this many voxels, which suits networks
            that see every place alike; None keeps them at the patch wherever an axis is
            longer than `SLACK` patches.

    Returns:
        The tiling.
    """
    growths = (1.0,) if max_voxels is None else GROWTH
    for growth in growths:
        axes = [_lay_axis(*pair, overlap, growth) for pair in zip(shape, patch, strict=True)]
        tile = tuple(length for length, _ in axes)
        if max_voxels is None or math.prod(tile) <= max_voxels:
            break
    padded = tuple(max(size, length) for size, length in zip(shape, tile, strict=True))
    before = tuple((full - size) // 2 for full, size in zip(padded, shape, strict=True))
    return Tiling(
        shape=_three(shape),
        before=_three(before),
        padded=_three(padded),
        tile=_three(tile),
        starts=(axes[0][1], axes[1][1], axes[2][1]),
    )


def _lay_axis(size: int, patch: int, overlap: float, growth: float) -> tuple[int, tuple[int, ...]]:
    if size <= SLACK * patch:
        return max(size, patch), (0,)
    shared = min(round(patch * overlap), patch - 1)
    longest = round(patch * growth) if patch > 1 else 1
    count = max(1, math.ceil((size - shared) / (longest - shared)))
    quantum = patch & -patch  # the power of two in it, which the network's strides divide
    least = math.ceil((size + (count - 1) * shared) / count / quantum) * quantum
    tile = min(max(patch, least), size)
    gap = (size - tile) / max(count - 1, 1)
    return tile, tuple(sorted({round(place * gap) for place in range(count)}))


def gaussian(tile: Sequence[int], *, floor: float = 1e-9) -> Tensor:
    """Weigh a tile's voxels by their distance from its middle.

    Args:
        tile: Shape of the tile.
        floor: Least weight, so that a corner that one tile alone covers still counts.

    Returns:
        Product of Gaussians with sigma = length / 8, 1 in the middle, of shape `tile`,
        float32.
    """
    weight = torch.ones(())
    for length in tile:
        offset = torch.arange(length, dtype=torch.float32) - (length - 1) / 2
        weight = weight[..., None] * torch.exp(-0.5 * (offset / (length / 8)) ** 2)
    return (weight / weight.max()).clamp_min(floor)


def slide(
    image: Tensor,
    tiling: Tiling,
    network: Network,
    *,
    background: Tensor,
    batch: int,
    offsets: Sequence[int] = (0,),
) -> Iterator[tuple[int, Tensor]]:
    """Run a network over an image and hand its logits on from the first plane to the last.

    Tiles that hold nothing but each channel's minimum are not run; where no other tile
    reaches, their logits are `background`.

    Args:
        image: Normalised intensities, (C, Z, Y, X), float32, on the CPU.
        tiling: What `lay_tiles` made for that shape.
        network: Maps tiles to logits.
        background: Logits of a voxel of background, (K,), float32, on the network's device.
        batch: Tiles per call of the network, at least 1.
        offsets: Slices that a tile of one slice shows, relative to its own, as channels in the
            order of `core.slices`; (0,) for its own alone. They are cut tile by tile.

    Yields:
        First plane and logits (K, z, Y, X) of consecutive slabs, float32; together (K, *S).
    """
    lowest = image.amin(dim=(1, 2, 3))
    padded = _pad(image, tiling)
    if tiling.num_tiles == 1:
        logits = network(_cut(padded, (0, 0, 0), tiling, offsets)[None])[0].float()
        yield 0, logits[(slice(None), *_inner(tiling))]
        return
    rows = max(1, min(len(tiling.starts[0]), batch // math.prod(map(len, tiling.starts[1:]))))
    band = _Band(tiling, background, rows)
    held = _held(padded, lowest.repeat(len(offsets)), tiling, offsets)
    for starts in _batches(held, tiling, batch=batch, rows=rows):
        yield from band.release(starts[0][0])
        tiles = torch.stack([_cut(padded, start, tiling, offsets) for start in starts])
        for start, logits in zip(starts, network(tiles), strict=True):
            band.add(start, logits)
    yield from band.release(tiling.padded[0])


def _cut(padded: Tensor, start: Start, tiling: Tiling, offsets: Sequence[int]) -> Tensor:
    """Cut a tile (C, z, y, x), or of several slices (len(offsets) * C, 1, y, x)."""
    planes, *across = _box(start, tiling.tile)
    if len(offsets) == 1:
        return padded[(slice(None), planes, *across)]
    seen = neighbours(start[0], offsets, tiling.padded[0])
    return torch.cat([padded[(slice(None), slice(place, place + 1), *across)] for place in seen])


def _held(
    padded: Tensor, lowest: Tensor, tiling: Tiling, offsets: Sequence[int]
) -> Iterator[Start]:
    """List the tiles that hold something, in order."""
    for start in product(*tiling.starts):
        if not _is_empty(_cut(padded, start, tiling, offsets), lowest):
            yield start


def _batches(
    held: Iterator[Start], tiling: Tiling, *, batch: int, rows: int
) -> Iterator[list[Start]]:
    """Gather tiles from at most `rows` neighbouring rows."""
    row_of = {place: row for row, place in enumerate(tiling.starts[0])}
    waiting: list[Start] = []
    for start in held:
        if waiting and (len(waiting) == batch or row_of[start[0]] - row_of[waiting[0][0]] >= rows):
            yield waiting
            waiting = []
        waiting.append(start)
    if waiting:
        yield waiting


def _is_empty(tile: Tensor, lowest: Tensor) -> bool:
    limit = lowest[:, None, None, None]
    glance = tile[:, ::4, ::4, ::4]  # finds nearly every full tile at a 64th of the price
    return not bool((glance > limit).any()) and not bool((tile > limit).any())


class _Band:
    """Weighted sums of logits for the planes that tiles still reach, as a ring of planes."""

    def __init__(self, tiling: Tiling, background: Tensor, rows: int) -> None:
        first = tiling.starts[0]
        reach = max(later - place for place, later in zip(first, first[rows - 1 :], strict=False))
        self.tiling = tiling
        self.background = background[:, None, None, None]
        self.depth = min(tiling.tile[0] + reach, tiling.padded[0])
        self.base = 0
        size = (len(background), self.depth, *tiling.padded[1:])
        kind = torch.float16 if 4 * math.prod(size) > HALF_ABOVE_BYTES else torch.float32
        self.sums = torch.zeros(size, dtype=kind, device=background.device)
        self.weights = torch.zeros(size[1:], device=background.device)
        floor = 1e-9 if kind == torch.float32 else 1e-3  # what half precision can still sum
        self.weight = gaussian(tiling.tile, floor=floor).to(background.device)

    def add(self, start: Start, logits: Tensor) -> None:
        """Add one tile's logits (K, z, y, x)."""
        _, *across = _box(start, self.tiling.tile)
        for ring, planes in self._segments(start[0], logits.shape[1]):
            weight = self.weight[planes]
            self.weights[(ring, *across)] += weight
            target = self.sums[(slice(None), ring, *across)]
            target += (logits[:, planes].float() * weight).to(target.dtype)

    def release(self, until: int) -> Iterator[tuple[int, Tensor]]:
        """Hand on the planes before `until` in pieces, and free them."""
        plane = 4 * self.sums.shape[0] * math.prod(self.sums.shape[2:])
        step = max(1, PIECE_BYTES // plane)
        while self.base < until:
            ring, _ = next(self._segments(self.base, min(step, until - self.base)))
            weights = self.weights[ring]
            logits = self.sums[:, ring].float() / weights.clamp_min(1e-12)
            logits = torch.where(weights > 0, logits, self.background)
            self.sums[:, ring] = 0
            self.weights[ring] = 0
            start, self.base = self.base, self.base + logits.shape[1]
            yield from self._cropped(start, logits)

    def _cropped(self, start: int, logits: Tensor) -> Iterator[tuple[int, Tensor]]:
        planes, rows, columns = _inner(self.tiling)
        first = max(planes.start - start, 0)
        last = min(planes.stop - start, logits.shape[1])
        if first < last:
            yield start + first - planes.start, logits[:, first:last, rows, columns]

    def _segments(self, start: int, length: int) -> Iterator[tuple[slice, slice]]:
        """Split planes where the ring closes: slices of the ring and of the planes."""
        done = 0
        while done < length:
            place = (start + done) % self.depth
            count = min(length - done, self.depth - place)
            yield slice(place, place + count), slice(done, done + count)
            done += count


def _pad(image: Tensor, tiling: Tiling) -> Tensor:
    pads: list[int] = []
    for full, size, before in zip(tiling.padded, tiling.shape, tiling.before, strict=True):
        pads[:0] = [before, full - size - before]
    # Training continues a patch from the image's edge; so does this.
    return functional.pad(image[None], pads, mode="replicate")[0] if any(pads) else image


def _inner(tiling: Tiling) -> tuple[slice, slice, slice]:
    return _box(tiling.before, tiling.shape)


def _box(start: Start, size: Start) -> tuple[slice, slice, slice]:
    return (
        slice(start[0], start[0] + size[0]),
        slice(start[1], start[1] + size[1]),
        slice(start[2], start[2] + size[2]),
    )


def _three(values: Sequence[int]) -> Start:
    first, second, third = values
    return first, second, third
