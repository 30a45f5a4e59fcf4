"""Objects by voting: each pixel points at its object's centre, and votes that meet are one.

Every step looks at a bounded neighbourhood only, and ties are broken by where things lie to
each other, never by where the window begins. So an object that is decoded in a tile is, pixel
by pixel, the one that is decoded in the whole image, as long as the tile reaches `reach` pixels
beyond the object's centre. Source: the idea as Neven et al., 2019, arXiv:1906.11109, and Cheng
et al., 2020, arXiv:1911.10194 (centre offsets); the climb and its bound are our own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import PlanError
from delineate.infer.decoders import Found, Maps
from delineate.infer.summary import keep_sure, sum_up

Whole = NDArray[np.signedinteger[Any]]

STRIP_CELLS = 2**16
"""Cells that are smoothed at once, so that they stay in the processor's cache."""


@dataclass(frozen=True, kw_only=True)
class Voting:
    """Groups pixels whose offsets lead to the same peak of votes."""

    threshold: float = 0.5
    """Least probability of a foreground pixel, in [0, 1]."""
    max_offset: int = 40
    """Farthest that a pixel's offset leads along an axis, in pixels; longer ones are cut."""
    steps: int = 2
    """How often an offset is followed: from the pixel, then from where it led."""
    correction: int = 8
    """Farthest that the second and later steps lead along an axis, in pixels."""
    blur: int = 4
    """Half width of the triangle that smooths the votes, in pixels; 0 leaves them."""
    radius: int = 3
    """How far a vote looks for a better place, in pixels; no two centres are nearer."""
    hops: int = 8
    """Most moves of a vote to its peak, a power of two; votes that need more are dropped."""
    min_area: int = 20
    """Fewest pixels of an object."""
    min_confidence: float = 0.0
    """Least mean probability of an object's pixels, in [0, 1]."""

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            PlanError: If one is out of its range.
        """
        least = {"max_offset": 1, "steps": 1, "correction": 0, "blur": 0, "radius": 1, "hops": 1}
        for name, bound in least.items():
            value = getattr(self, name)
            if not isinstance(value, int) or value < bound:
                raise PlanError(
                    f"decoder_options: {name} must be a whole number from {bound}, not {value}. "
                    "Correct it in plan.yaml."
                )
        if self.hops & (self.hops - 1):
            raise PlanError(
                f"decoder_options: hops must be a power of two, not {self.hops}. "
                "Take 8 or 16 in plan.yaml."
            )

    @property
    def reach(self) -> int:
        """Pixels beyond an object's centre that its decoding may look at.

        The climb, a last look around, the smoothing, and the way of the votes that are smoothed.
        """
        way = self.max_offset + (self.steps - 1) * self.correction
        return way + self.blur + (self.hops + 1) * self.radius

    def decode(self, maps: Maps) -> Found:
        """Find the objects of a window.

        Args:
            maps: Foreground, offsets in pixels, types.

        Returns:
            The objects, numbered by their centres' rows, then columns.
        """
        height, width = maps.foreground.shape
        pad = self.blur + self.radius
        stride = width + 2 * pad
        pixels, rows, columns = self._vote(maps)
        flat = ((rows + pad) * np.int32(stride) + (columns + pad)).astype(np.intp)
        counts = np.bincount(flat, minlength=(height + 2 * pad) * stride)
        cells = np.flatnonzero(counts != 0)
        peaks = self._climb(counts.reshape(-1, stride), cells)
        areas = np.bincount(peaks + 1, weights=counts[cells])
        found = np.flatnonzero(areas[1:] >= max(self.min_area, 1))
        numbers = np.zeros(len(cells) + 1, np.intp)  # the first is for votes without a peak
        numbers[found + 1] = np.arange(1, len(found) + 1)
        table = np.empty(len(counts), np.intp)
        table[cells] = numbers[peaks + 1]
        owners = table[flat]
        centres = np.stack(np.divmod(cells[found], stride), axis=1) - pad
        return keep_sure(sum_up(maps, centres, pixels, owners), self.min_confidence)

    def _vote(self, maps: Maps) -> tuple[Whole, Whole, Whole]:
        """Follow the offsets: flat places of foreground pixels, rows and columns voted for."""
        height, width = maps.foreground.shape
        inside = maps.foreground >= self.threshold
        pixels = np.flatnonzero(inside)
        rows = np.repeat(np.arange(height, dtype=np.int32), np.count_nonzero(inside, axis=1))
        columns = pixels.astype(np.int32) - rows * np.int32(width)
        offsets, known = maps.vectors.reshape(2, -1), inside.ravel()
        places = pixels
        for step in range(self.steps):
            bound = np.float32(self.correction if step else self.max_offset)
            moves = [_whole_moves(along.take(places), bound) for along in offsets]
            if step:
                still = known.take(places)
                moves = [move * still for move in moves]
            np.clip(rows + moves[0], 0, height - 1, out=rows)
            np.clip(columns + moves[1], 0, width - 1, out=columns)
            places = (rows * np.int32(width) + columns).astype(np.intp)
        return pixels, rows, columns

    def _climb(self, counts: Whole, cells: Whole) -> Whole:
        """Lead each cell that has votes to its peak: places among cells, -1 if too far away."""
        stride, side = counts.shape[1], 2 * self.radius + 1
        pad = self.blur + self.radius
        most = (2**31 - 1) // (side * side * (self.blur + 1) ** 4)  # keeps sums within int32
        best = np.empty(counts.shape, np.int32)
        for rows in _strips(len(counts) - 2 * pad, stride):
            window = np.minimum(counts[rows.start : rows.stop + 2 * pad], most).astype(np.int32)
            best[pad + rows.start : pad + rows.stop, pad:-pad] = self._best_near(window)
        code = side * side - 1 - best.ravel().take(cells) % (side * side)
        down, right = np.divmod(code, side)
        target = cells + (down - self.radius) * stride + (right - self.radius)
        slots = np.empty(counts.size, np.intp)
        slots[cells] = np.arange(len(cells))
        leads: Whole = slots[target]
        is_peak = leads == np.arange(len(cells))
        for _ in range(self.hops.bit_length() - 1):
            leads = leads[leads]
        return np.where(is_peak[leads], leads, -1)

    def _best_near(self, votes: Whole) -> Whole:
        """Say for every cell which one around it is best, as value * side² + its place."""
        smooth = votes
        for axis in (0, 1):
            for _ in range(2):
                smooth = _box(smooth, self.blur + 1, axis)
        # Only places that were voted for may be peaks: no votes climb to an empty one.
        edge = slice(self.blur, -self.blur or None)
        side = 2 * self.radius + 1
        smooth *= np.int32(side * side)
        smooth *= votes[edge, edge] > 0
        smooth += np.int32(side * side - 1)
        return _best_of(_best_of(smooth, side, 1, 1), side, 0, side)


def _whole_moves(move: NDArray[np.float32], bound: np.float32) -> NDArray[np.int32]:
    np.clip(move, -bound, bound, out=move)
    if np.isnan(move.sum()):
        np.nan_to_num(move, copy=False)
    return np.rint(move, out=move).astype(np.int32)


def _strips(length: int, width: int) -> Iterator[slice]:
    step = max(16, STRIP_CELLS // width)
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))


def _box(values: Whole, length: int, axis: int) -> Whole:
    """Sum `length` neighbours along an axis, which grows shorter; whole numbers, so exact."""
    if length == 1:
        return values
    half = _box(values, length // 2, axis)
    size = values.shape[axis] - length + 1
    total: Whole = _cut(half, axis, 0, size) + _cut(half, axis, length // 2, size)
    if length % 2:
        total += _cut(values, axis, length - 1, size)
    return total


def _best_of(values: Whole, side: int, axis: int, step: int) -> Whole:
    """Take the largest of `side` neighbours, each less by `step` than the one before it."""
    if side == 1:
        return values
    part = (side + 1) // 2
    best = _best_of(values, part, axis, step)
    size = values.shape[axis] - side + 1
    later: Whole = _cut(best, axis, side - part, size) - np.int32((side - part) * step)
    np.maximum(_cut(best, axis, 0, size), later, out=later)
    return later


def _cut(values: Whole, axis: int, start: int, size: int) -> Whole:
    part: Whole = values[start : start + size] if axis == 0 else values[:, start : start + size]
    return part
