"""Objects from horizontal and vertical maps, as HoVer-Net-like networks give them.

Where two objects touch, the maps fall from 1 to -1; a wide Sobel filter finds that fall, what
remains are markers, and the foreground is flooded from them. The published algorithm scales the
filtered maps by the least and the largest value in the tile, so that one fold or pen stroke
changes every nucleus of the tile. Here the scale is that of the fall itself, which is known.

Source: Graham et al., 2019, doi:10.1016/j.media.2019.101563, section 3.2; the scale is ours.
"""

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from delineate.core.errors import PlanError
from delineate.infer.decoders import Found, Maps
from delineate.infer.flood import flood
from delineate.infer.summary import sum_up

Plane = NDArray[np.float32]
Flags = NDArray[np.bool_]

RISE = 0.6
"""Steepest rise within an object as a share of the fall between two; of 0.4 to 0.9 the value with
the best objects on made tiles with and without noise."""
BORDER = 0.4
"""A pixel is border from this share of the fall on; the published value."""


@dataclass(frozen=True, kw_only=True)
class HorizontalVertical:
    """Finds objects between the falls of the horizontal and the vertical map."""

    threshold: float = 0.5
    """Least probability of a foreground pixel, in [0, 1]."""
    size: int = 21
    """Length of the Sobel filter in pixels, odd: 21 at 0.25 um to the pixel, 11 at 0.5."""
    min_area: int = 10
    """Fewest pixels of a marker and of a clump of foreground."""
    margin: int = 96
    """Pixels that a tile sees beyond its core. Floods know no bound: only what lies in clumps of
    foreground that end within this margin is surely the same in every tile."""
    legacy: bool = False
    """Scale by the least and largest value of the window, as published; then tiles matter."""

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            PlanError: If the filter has no middle or the margin is negative.
        """
        if self.size < 3 or self.size % 2 == 0 or self.margin < 0:
            raise PlanError(
                f"decoder_options: size must be odd and at least 3, and margin not negative, not "
                f"{self.size} and {self.margin}. Correct them in plan.yaml."
            )

    @property
    def reach(self) -> int:
        """Pixels beyond an object's centre that its decoding may look at."""
        return self.margin

    def decode(self, maps: Maps) -> Found:
        """Find the objects of a window.

        Args:
            maps: Foreground, place within the object from -1 to 1 along y and x, types.

        Returns:
            The objects, numbered by their markers' first pixels, which name them.
        """
        inside = _without_small(maps.foreground >= self.threshold, self.min_area) > 0
        border = self._border(maps.vectors)
        border *= inside
        height = 1 - _soften((1 - border) * inside)
        markers = _open(_fill(inside & (border < BORDER)))
        labels = _without_small(markers, self.min_area)
        first = _first_pixels(labels)
        ids = flood(height, labels, inside)
        pixels = np.flatnonzero(ids)
        owners = ids.ravel()[pixels].astype(np.intp)
        centres = np.stack(np.divmod(first, ids.shape[1]), axis=1)
        return sum_up(maps, centres, pixels, owners)

    def _border(self, vectors: Plane) -> Plane:
        """How much each pixel lies on a fall, from 0 to 1."""
        strongest = np.zeros(vectors.shape[1:], np.float32)
        for axis, values in enumerate(vectors):
            bounded = values if self.legacy else np.nan_to_num(np.clip(values, -1, 1))
            slope = _sobel(bounded, self.size, axis)
            if self.legacy:
                low, high = np.float32(slope.min()), np.float32(slope.max())
            else:
                low = np.float32(-2 * comb(self.size - 2, self.size // 2) / 2 ** (self.size - 2))
                high = np.float32(-RISE * low)
            slope -= high
            slope /= min(low - high, np.float32(-1e-12))
            np.maximum(strongest, slope, out=strongest)
        return np.minimum(strongest, 1, out=strongest)


def _sobel(values: Plane, size: int, axis: int) -> Plane:
    """Differentiate along an axis, smoothed by binomials, per pixel; mirrored at the edges."""
    # Sums of shifted arrays: each pixel's sum runs in one order, wherever the window begins.
    result = np.pad(values, size // 2, mode="reflect")
    for step in range(size - 1):
        result = _pair(result, 1 - axis, is_difference=False)
        result = _pair(result, axis, is_difference=step == 0)
    result *= np.float32(2.0 ** -(2 * size - 3))
    return result


def _pair(values: Plane, axis: int, *, is_difference: bool) -> Plane:
    low, high = (values[:-1], values[1:]) if axis == 0 else (values[:, :-1], values[:, 1:])
    return high - low if is_difference else high + low


def _soften(values: Plane) -> Plane:
    """Blur by 1 2 1 along both axes."""
    padded = np.pad(values, 1, mode="reflect")
    for axis in (0, 1, 0, 1):
        padded = _pair(padded, axis, is_difference=False)
    softened: Plane = padded * np.float32(1 / 16)
    return softened


def _without_small(flags: Flags, min_area: int) -> NDArray[np.int32]:
    """Number the components that are large enough, from 1."""
    labels, count = ndimage.label(flags)
    is_large = np.bincount(labels.ravel(), minlength=count + 1) >= max(min_area, 1)
    is_large[0] = False
    numbers = (np.cumsum(is_large) * is_large).astype(np.int32)
    kept: NDArray[np.int32] = numbers[labels]
    return kept


def _fill(flags: Flags) -> Flags:
    """Fill holes: what is empty and not joined to the window's edge."""
    labels, count = ndimage.label(~flags)
    is_hole = np.ones(count + 1, np.bool_)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        is_hole[edge] = False
    filled: Flags = flags | is_hole[labels]
    return filled


def _open(flags: Flags) -> Flags:
    """Erode, then dilate by a disc of 5 pixels; beyond the edge nothing is taken or given."""
    eroded = _spread(flags, is_growing=False)
    return _spread(eroded, is_growing=True)


def _spread(flags: Flags, *, is_growing: bool) -> Flags:
    join = np.logical_or if is_growing else np.logical_and
    padded = np.pad(flags, 2, constant_values=not is_growing)
    height, width = flags.shape
    column = padded[0:height]
    for shift in range(1, 5):
        column = join(column, padded[shift : shift + height])
    block = join(join(padded[1 : 1 + height], padded[2 : 2 + height]), padded[3 : 3 + height])
    disc: Flags = column[:, 2 : 2 + width]
    for shift in range(5):
        disc = join(disc, block[:, shift : shift + width])
    return disc


def _first_pixels(labels: NDArray[np.int32]) -> NDArray[np.intp]:
    """Flat place of the first pixel of each id."""
    pixels = np.flatnonzero(labels)
    first = np.zeros(int(labels.max(initial=0)) + 1, np.intp)
    first[labels.ravel()[pixels[::-1]]] = pixels[::-1]  # of several, the last one stays
    return first[1:]
