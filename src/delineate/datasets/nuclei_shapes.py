"""Shapes of nuclei: bent ellipses with a wavy rim, crowded until they touch and overlap."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from delineate.core.instances import Instances
from delineate.core.rasters import rasterise

FloatArray = NDArray[np.float32]
CORNERS = 40
"""Corners of every outline."""
WAVES = (2, 3, 4, 5)
"""Waves around a rim; one alone would only shift it."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One nucleus: an ellipse, bent along its length, with a wavy rim; lengths in um."""

    centre: tuple[float, float]
    """(y, x), the centre of the first pixel at (0, 0)."""
    axes: tuple[float, float]
    """Half its length and half its width."""
    tilt: float = 0.0
    """Direction of its length in radians from x to y."""
    bend: float = 0.0
    """How far its ends leave the straight line, over half its length."""
    waves: tuple[complex, ...] = (0j,) * len(WAVES)
    """Height and phase of each of `WAVES`, relative to the radius."""

    def outline(self, mpp: float) -> NDArray[np.float64]:
        """Draw the rim.

        Args:
            mpp: Micrometres per pixel.

        Returns:
            Corners (x, y) in pixels, (CORNERS, 2).
        """
        turn = np.linspace(0, 2 * math.pi, CORNERS, endpoint=False)
        size = self._rim(turn)
        along, across = self.axes[0] * size * np.cos(turn), self.axes[1] * size * np.sin(turn)
        across = across + self.bend * along**2 / self.axes[0]
        cos, sin = math.cos(self.tilt), math.sin(self.tilt)
        x = self.centre[1] + cos * along - sin * across
        y = self.centre[0] + sin * along + cos * across
        return np.stack([x, y], axis=1) / mpp

    def depth(self, y: FloatArray, x: FloatArray) -> FloatArray:
        """Measure how deep points lie inside, along rays from the centre.

        Args:
            y: In um, (Y, 1).
            x: In um, (1, X).

        Returns:
            Way to the rim in um, (Y, X), positive inside, 0 at `outline`.
        """
        cos, sin = np.float32(math.cos(self.tilt)), np.float32(math.sin(self.tilt))
        down, right = y - np.float32(self.centre[0]), x - np.float32(self.centre[1])
        along, across = cos * right + sin * down, cos * down - sin * right
        across = across - np.float32(self.bend / self.axes[0]) * along**2
        one, two = along / np.float32(self.axes[0]), across / np.float32(self.axes[1])
        size = np.sqrt(one * one + two * two)
        reach = size / self._rim(np.arctan2(two, one))
        way = np.sqrt(along * along + across * across)
        tiny = np.float32(1e-3)  # at the centre the rim is half a width away
        inside: FloatArray = (way + tiny) / (reach + tiny / np.float32(self.axes[1])) * (1 - reach)
        return inside

    def _rim(self, turn: NDArray[np.floating]) -> NDArray[np.floating]:
        size = np.ones_like(turn)
        for count, wave in zip(WAVES, self.waves, strict=True):
            if wave:
                size += abs(wave) * np.cos(count * turn + np.angle(wave))
        return size


@dataclass(kw_only=True)
class Crowd:
    """Nuclei that keep off each other as far as is asked."""

    cell_um: float = 12.0
    """Grid of the look-up; no nucleus reaches farther than one cell."""
    shapes: list[Shape] = field(default_factory=list)
    """Those that found room."""
    _near: dict[tuple[int, int], list[Shape]] = field(default_factory=lambda: defaultdict(list))

    def add(self, shape: Shape, slack: float) -> bool:
        """Let one in if there is room.

        Args:
            shape: The nucleus.
            slack: 1 lets nuclei touch, less lets them overlap, more keeps them apart.

        Returns:
            True if it is in.
        """
        row, column = (int(place // self.cell_um) for place in shape.centre)
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                for other in self._near.get((row + down, column + right), ()):
                    if _is_closer(shape, other, slack):
                        return False
        self._near[row, column].append(shape)
        self.shapes.append(shape)
        return True


def _is_closer(one: Shape, two: Shape, slack: float) -> bool:
    down, right = two.centre[0] - one.centre[0], two.centre[1] - one.centre[1]
    way = math.hypot(down, right)
    turn = math.atan2(down, right)
    return way < slack * (_radius(one, turn) + _radius(two, turn))


def _radius(shape: Shape, turn: float) -> float:
    long, short = shape.axes
    angle = turn - shape.tilt
    return long * short / math.hypot(short * math.cos(angle), long * math.sin(angle))


def ruffle(rng: np.random.Generator, amount: float) -> tuple[complex, ...]:
    """Draw waves of a rim, the long ones higher.

    Args:
        rng: Source of chance.
        amount: Height of the longest, relative to the radius; 0.05 is a smooth nucleus.

    Returns:
        One number for each of `WAVES`.
    """
    drawn = rng.standard_normal((len(WAVES), 2)) * amount
    return tuple(
        complex(*pair) * WAVES[0] / count for pair, count in zip(drawn, WAVES, strict=True)
    )


def scatter(
    seed: int,
    shape: Sequence[int],
    *,
    num: int,
    radius_px: float = 6.0,
    slack: float = 0.95,
    num_types: int = 3,
) -> tuple[NDArray[np.int32], NDArray[np.int16]]:
    """Throw nuclei into a picture until they are as many as asked, or no more fit.

    Sizes vary by a quarter, half are elongated; neighbours often touch. Where two overlap, the
    first keeps the pixels.

    Args:
        seed: Any whole number of at least 0.
        shape: Pixels (Y, X).
        num: How many nuclei at most.
        radius_px: Their mean radius.
        slack: 1 lets nuclei touch, less lets them overlap, more keeps them apart.
        num_types: Types to draw from.

    Returns:
        Ids from 1 without gaps, (Y, X), 0 outside, and the type of each from 1, (N,).
    """
    rng = np.random.default_rng(seed)
    crowd = Crowd(cell_um=4 * radius_px)
    for _ in range(20 * num):
        if len(crowd.shapes) == num:
            break
        size, stretch = radius_px * rng.uniform(0.75, 1.25), rng.choice([1.0, 1.1, 1.3, 1.5])
        nucleus = Shape(
            centre=(rng.uniform(0, shape[0] - 1), rng.uniform(0, shape[1] - 1)),
            axes=(size * stretch, size / stretch),
            tilt=rng.uniform(0, math.pi),
            waves=ruffle(rng, 0.03),
        )
        crowd.add(nucleus, slack)
    outlines = [one.outline(1.0) for one in crowd.shapes]
    painted = Instances.of(rasterise(outlines, tuple(shape), order="first", centre="skimage"))
    types = rng.integers(1, num_types + 1, painted.count).astype(np.int16)
    return painted.ids, types
