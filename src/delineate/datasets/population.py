"""Which nuclei stand where in made tissue: palisades, nests, crowds and spindles."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.datasets.architecture import Ground, Style
from delineate.datasets.nuclei_shapes import Crowd, Shape, ruffle
from delineate.datasets.shapes import smooth_field

EPITHELIAL, INFLAMMATORY, CONNECTIVE = 1, 2, 3
"""Types of nuclei."""
MARGIN_UM = 7.0
"""How far outside of the picture centres may lie, since nuclei reach in."""
PER_UM2 = {"spindle": 1 / 400, "scattered": 1 / 2500, "crowd": 1 / 62}
"""Nuclei an area of stroma: fibroblasts, lymphocytes alone and in a crowd."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One nucleus with what it is."""

    shape: Shape
    """Its rim."""
    type: int
    """One of the types."""


@dataclass(kw_only=True, eq=False)
class Settlers:
    """Cells moving in, one kind after the other."""

    rng: np.random.Generator
    """Source of chance."""
    ground: Ground
    """The map that they settle on."""
    style: Style
    """How the tissue is built."""

    def __post_init__(self) -> None:
        """Start with nobody."""
        self.crowd = Crowd(cell_um=26.0)
        self.types: list[int] = []
        self.size_um = np.array(self.ground.shape) * self.ground.mpp
        self.area_um2 = float(np.prod(self.size_um + 2 * MARGIN_UM))

    def places(self, number: float) -> NDArray[np.float64]:
        """Throw places over the picture and a margin.

        Args:
            number: How many, on average.

        Returns:
            (y, x) in um, (N, 2).
        """
        count = self.rng.poisson(number)
        return self.rng.uniform(-MARGIN_UM, self.size_um + MARGIN_UM, (count, 2))

    def add(self, shape: Shape, type: int, slack: float) -> bool:
        """Let a cell in if there is room.

        Args:
            shape: Its nucleus.
            type: What it is.
            slack: See `Crowd.add`.

        Returns:
            True if it is in.
        """
        is_in = self.crowd.add(shape, slack)
        if is_in:
            self.types.append(type)
        return is_in


def populate(rng: np.random.Generator, ground: Ground, style: Style) -> list[Cell]:
    """Fill the tissue with cells.

    Args:
        rng: Source of chance.
        ground: Where epithelium, stroma and vessels are.
        style: How dense, how large, how uneven.

    Returns:
        The cells in the order in which they lie over each other, the uppermost first.
    """
    settlers = Settlers(rng=rng, ground=ground, style=style)
    _settle_epithelium(settlers)
    _settle_vessels(settlers)
    _settle_lymphocytes(settlers)
    _settle_fibroblasts(settlers)
    pairs = list(zip(settlers.crowd.shapes, settlers.types, strict=True))
    order = rng.permutation(len(pairs))
    return [Cell(shape=pairs[place][0], type=pairs[place][1]) for place in order]


def _settle_epithelium(settlers: Settlers) -> None:
    rng, style, ground = settlers.rng, settlers.style, settlers.ground
    territory = math.pi * style.size_um**2 * style.room
    places = settlers.places(16 * settlers.area_um2 / territory)
    depth, rooms = ground.at(ground.depth, places), ground.at(ground.lumen, places)
    has_ring = style.ring_um < 90
    is_palisade = style.columnar > 0.5
    low = style.size_um * (1.3 if is_palisade else 0.85)
    top = 0.62 * style.ring_um if has_ring and is_palisade else 1000.0
    turned = ground.slope(ground.depth, places)
    free = rng.uniform(0, math.pi, len(places))
    near_border = np.exp(-np.maximum(depth, 0) / 14)
    spread = 0.22 if is_palisade else 0.9
    tilts = np.where(rng.random(len(places)) < near_border + is_palisade, turned, free)
    tilts = tilts + rng.normal(0, spread, len(places))
    fits = (depth > low) & (depth < top) & (rooms < -0.9 * style.size_um)
    closeness = min(1.3, max(0.8, math.sqrt(style.room) * 0.64))
    for place, tilt in zip(places[fits], tilts[fits], strict=True):
        size = style.size_um * math.exp(rng.normal(0, style.spread))
        stretch = style.stretch * math.exp(rng.normal(0, 0.07))
        nucleus = Shape(
            centre=(place[0], place[1]),
            axes=(size * stretch, size / stretch),
            tilt=tilt,
            bend=rng.normal(0, 0.07),
            waves=ruffle(rng, 0.018 + 0.06 * style.spread),
        )
        settlers.add(nucleus, EPITHELIAL, closeness * rng.uniform(0.68, 1.15))


def _settle_vessels(settlers: Settlers) -> None:
    ground, rng = settlers.ground, settlers.rng
    places = settlers.places(settlers.area_um2 / 4)
    inside = ground.at(ground.vessel, places)
    on_wall = (inside > -1.8) & (inside < -0.6)
    tilts = ground.slope(ground.vessel, places) + math.pi / 2
    for place, tilt in zip(places[on_wall], tilts[on_wall], strict=True):
        settlers.add(_spindle(rng, place, tilt, bend=-0.12), CONNECTIVE, 1.7)


def _settle_lymphocytes(settlers: Settlers) -> None:
    rng, ground, style = settlers.rng, settlers.ground, settlers.style
    places = settlers.places(settlers.area_um2 * PER_UM2["crowd"] * 2.2)
    hills = smooth_field(rng, ground.shape, _cells(ground, 55))
    level = 1.9 - 2.6 * style.inflamed  # the share of crowded stroma grows with inflammation
    chance = 1 / (1 + np.exp(-(ground.at(hills, places) - level) * 5))
    chance = np.maximum(chance, PER_UM2["scattered"] / PER_UM2["crowd"] * (0.4 + style.inflamed))
    depth = ground.at(ground.depth, places)
    chance = chance * np.where(depth > 0, 0.03, 1.0) * (ground.at(ground.vessel, places) < -3)
    chance = chance * (ground.at(ground.lumen, places) < 0)
    base = rng.uniform(2.5, 3.1)
    for place in places[rng.random(len(places)) < chance]:
        size = base * math.exp(rng.normal(0, 0.09))
        stretch = math.exp(abs(rng.normal(0, 0.06)))
        nucleus = Shape(
            centre=(place[0], place[1]),
            axes=(size * stretch, size / stretch),
            tilt=rng.uniform(0, math.pi),
            waves=ruffle(rng, 0.03),
        )
        settlers.add(nucleus, INFLAMMATORY, rng.uniform(0.75, 1.25))


def _settle_fibroblasts(settlers: Settlers) -> None:
    rng, ground = settlers.rng, settlers.ground
    places = settlers.places(settlers.area_um2 * PER_UM2["spindle"] * rng.uniform(0.7, 2.6))
    depth, vessel = ground.at(ground.depth, places), ground.at(ground.vessel, places)
    tilts = ground.slope(ground.stream, places) + math.pi / 2
    tilts = tilts + rng.normal(0, 0.16, len(places))
    fits = (depth < -1.2) & (vessel < -2.5)
    for place, tilt in zip(places[fits], tilts[fits], strict=True):
        settlers.add(_spindle(rng, place, tilt), CONNECTIVE, rng.uniform(0.7, 1.2))


def _spindle(
    rng: np.random.Generator, place: NDArray[np.floating], tilt: float, bend: float | None = None
) -> Shape:
    plump = rng.beta(1.3, 3)
    long = rng.uniform(4.2, 8.5) * (1 - 0.35 * plump)
    return Shape(
        centre=(float(place[0]), float(place[1])),
        axes=(long, 0.95 + 1.7 * plump + rng.uniform(0, 0.35)),
        tilt=tilt,
        bend=rng.normal(0, 0.13) if bend is None else bend,
        waves=ruffle(rng, 0.035),
    )


def _cells(ground: Ground, length_um: float) -> tuple[int, int]:
    rows, columns = (max(1, round(size * ground.mpp / length_um)) for size in ground.shape)
    return rows, columns
