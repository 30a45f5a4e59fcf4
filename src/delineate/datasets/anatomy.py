"""An abdomen painted organ by organ: skin to spine first, then liver to pancreas."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.datasets.shapes import (
    FloatArray,
    Space,
    ellipsoid,
    pillar,
    smooth_curve,
    smooth_field,
    tube,
)

AnyFloat = NDArray[np.floating[Any]]

SIGNAL = {
    "fat": 0.60, "skin": 0.42, "muscle": 0.20, "marrow": 0.42, "bone": 0.08, "disc": 0.34,
    "csf": 0.98, "cord": 0.45, "liver": 0.27, "vessel": 0.50, "flow": 0.07, "vein": 0.22,
    "spleen": 0.42, "cortex": 0.40, "medulla": 0.52, "bile": 1.0, "pancreas": 0.38,
    "wall": 0.26, "fluid": 0.92, "food": 0.46, "stool": 0.40, "gas": 0.025,
}  # fmt: skip
"""T2-weighted signal of each tissue, before the scanner; fluid is 1."""


@dataclass(kw_only=True, eq=False)
class Canvas:
    """The picture while it is painted; later paint covers earlier paint."""

    space: Space
    """Where the voxels are."""
    signal: dict[str, float]
    """Signal by tissue, of this patient."""
    anatomy: np.random.Generator
    """Chance that is the same for all scans of a patient."""
    today: np.random.Generator
    """Chance of this scan: what the bowel holds."""
    picture: FloatArray = field(init=False)
    """Signal, (Z, Y, X)."""

    def __post_init__(self) -> None:
        """Start with air."""
        self.picture = np.full(self.space.left.shape, 0.004, np.float32)

    def paint(self, distance: AnyFloat, value: AnyFloat | float, opacity: float = 1.0) -> None:
        """Cover the inside of a surface, with an edge as soft as a voxel.

        Args:
            distance: Distance to the surface in mm, negative inside.
            value: Signal, a number or a texture.
            opacity: 1 covers fully.
        """
        share = np.clip(0.5 - distance / self.space.step_mm, 0, 1) * np.float32(opacity)
        self.picture += share * (value - self.picture)

    def texture(self, tissue: str, amount: float, cells: int) -> FloatArray:
        """Make a tissue's signal uneven.

        Args:
            tissue: Key of `SIGNAL`.
            amount: Relative deviation.
            cells: Grains along an axis of the picture.

        Returns:
            Signal, (Z, Y, X).
        """
        depth, height, width = self.picture.shape
        grains = tuple(min(cells, size) for size in (max(2, depth * cells // width), height, width))
        grain = smooth_field(self.anatomy, (depth, height, width), grains[:1] + (grains[1],) * 2)
        value: FloatArray = np.float32(self.signal[tissue]) * (1 + np.float32(amount) * grain)
        return value

    def threads(self, cells: int, width: float) -> FloatArray:
        """Draw vessels: where two smooth fields vanish together.

        Args:
            cells: Grains along an axis; more give denser vessels.
            width: How wide, in deviations of the fields.

        Returns:
            Nearness to a vessel's middle in [0, 1], (Z, Y, X).
        """
        shape = self.picture.shape
        grains = (max(3, cells * shape[0] // shape[2] * 2), cells, cells)
        one, two = (smooth_field(self.anatomy, shape, grains) for _ in range(2))
        near: FloatArray = np.exp(-(one * one + two * two) / np.float32(width**2))
        return near


def paint_frame(canvas: Canvas, fatness: float) -> FloatArray:
    """Paint skin, fat, the muscles of the wall, ribs, back and spine.

    Args:
        canvas: The picture.
        fatness: Thickness of the fat under the skin; 1 is average.

    Returns:
        Distance to the abdominal cavity in mm, negative inside, (Z, Y, X).
    """
    space, signal = canvas.space, canvas.signal
    waist = 1 - 0.05 * np.cos(space.up / 55)
    x, y = space.left / (164 * waist), space.back / np.where(space.back > 0, 98, 108)
    length = np.hypot(space.left, space.back)
    size = (np.abs(x) ** 2.5 + np.abs(y) ** 2.5) ** np.float32(0.4)
    body = length - length / np.maximum(size, 1e-3)
    side = space.left**2 / np.maximum(length, 1) ** 2
    fat = fatness * (9 + 7 * side + 5 * (space.back > 0) * (1 - side)) + 2.5
    canvas.paint(body, signal["skin"])
    canvas.paint(body + 3.0, canvas.texture("fat", 0.05, 24))
    wall = body + fat
    canvas.paint(wall, canvas.texture("muscle", 0.10, 30))
    for depth in (4.0, 8.0):  # fat planes between the three flat muscles
        plane = np.abs(wall + depth) - 0.5
        canvas.paint(np.maximum(plane, 45 - np.abs(space.left)), signal["fat"], 0.35)
    middle = np.maximum(np.maximum(np.abs(space.left) - 3, wall), space.back + 40)
    canvas.paint(middle, signal["fat"], 0.6)
    seam = np.exp(-(((np.abs(space.left) - 62) / 14) ** 2)) * (space.back < 0)
    cavity = wall + 10 + 4.5 * side - 4.0 * seam  # flat muscles thick, their tendon thin
    canvas.paint(cavity, canvas.texture("fat", 0.06, 14))
    ribs = np.cos((space.up + 0.5 * np.abs(space.back) - 0.3 * np.abs(space.left)) * 0.21)
    rib = np.maximum(np.abs(wall + 7) - 4, (0.62 - ribs) * 12)
    rib = np.maximum(rib, np.maximum(8 - space.up, 60 - np.abs(space.left)))
    canvas.paint(rib, signal["bone"])
    canvas.paint(rib + 2.2, signal["marrow"])
    _paint_back(canvas)
    return np.asarray(cavity, dtype=np.float32)


def _paint_back(canvas: Canvas) -> None:
    space, signal = canvas.space, canvas.signal
    muscle = canvas.texture("muscle", 0.16, 34)
    for side in (-1.0, 1.0):
        for centre, radii in (((36, 74), (30, 17)), ((64, 60), (17, 11))):
            canvas.paint(pillar(space, (side * centre[0], centre[1]), radii), muscle)
        psoas = pillar(space, (side * 37, 42), (15, 17)) + np.clip(space.up * 0.16 - 1, -6, 14)
        canvas.paint(psoas, muscle)
    beat = np.abs((space.up + 9) / 34 - np.round((space.up + 9) / 34)) * 34  # 17 mid-vertebra
    body = ellipsoid(space, (0, 39, 0), (23, 17, 900), power=2.4)
    disc = np.maximum(body, beat - 4.5)
    vertebra = np.maximum(body + 1.0 - 1.5 * np.cos((beat - 4.5) / 4), 4.5 - beat)
    canvas.paint(vertebra, signal["bone"])
    canvas.paint(vertebra + 1.8, canvas.texture("marrow", 0.10, 40))
    canvas.paint(disc, signal["bone"] * 1.6)
    nucleus = ellipsoid(space, (0, 40, 0), (14, 10, 900))
    canvas.paint(np.maximum(nucleus, beat - 3.5), signal["disc"] * 1.6)
    arch = np.maximum(pillar(space, (0, 66), (19, 13)), 5 - beat)
    canvas.paint(arch, signal["bone"])
    spine = np.maximum(np.abs(space.left) - 3.5, np.abs(space.back - 82) - 13)
    canvas.paint(np.maximum(spine, 7 - beat), signal["marrow"])
    for side in (-1, 1):
        process = np.maximum(np.abs(space.left - side * 30) - 14, np.abs(space.back - 60) - 3.5)
        canvas.paint(np.maximum(process, 11 - beat), signal["marrow"])
    canal = pillar(space, (0, 63), (10.5, 8))
    canvas.paint(canal - 1.5, signal["bone"])
    canvas.paint(canal, signal["csf"])
    canvas.paint(pillar(space, (0, 65), (5.5, 3.5)), signal["cord"])


def paint_organs(canvas: Canvas, cavity: FloatArray) -> FloatArray:
    """Paint vessels, kidneys, liver, gall bladder, spleen and pancreas: the distractors.

    Args:
        canvas: The picture.
        cavity: Distance to the abdominal cavity, negative inside.

    Returns:
        Distance to the nearest of them in mm, negative inside, (Z, Y, X).
    """
    space, signal, rng = canvas.space, canvas.signal, canvas.anatomy
    shift = rng.normal(0, 4, (6, 3))
    mesentery = canvas.threads(14, 0.22) * (cavity < -4)
    canvas.picture += mesentery * np.float32(0.8) * (signal["muscle"] - canvas.picture)
    aorta = pillar(space, (9 + shift[0, 0] / 2, 15), (9.5, 9.5))
    cava = pillar(space, (-17, 17 + shift[0, 1] / 2), (13, 9))
    canvas.paint(aorta - 1.2, signal["wall"])
    canvas.paint(aorta, signal["flow"])
    canvas.paint(cava, signal["vein"])
    kidneys = [
        _paint_kidney(canvas, (side * 64 + shift[1, 0], 42, up + shift[1, 2]), side)
        for side, up in ((-1.0, -2.0), (1.0, 10.0))
    ]
    keep = np.minimum(kidneys[0], kidneys[1])
    right = ellipsoid(space, tuple(np.add((-70, -2, 52), shift[2])), (88, 98, 70), power=2.3)
    left = ellipsoid(space, tuple(np.add((-14, -50, 66), shift[2])), (66, 36, 44))
    liver = np.maximum(np.minimum(right, left), np.maximum(cavity + 2.5, 3 - keep))
    liver = np.maximum(liver, 4 - np.minimum(ellipsoid(space, (0, 45, 0), (30, 30, 900)), cava))
    canvas.paint(liver, canvas.texture("liver", 0.05, 40))
    veins = canvas.threads(11, 0.32) * np.clip(-liver / 8, 0, 1)
    canvas.picture += veins * (signal["vessel"] - canvas.picture)
    bladder = ellipsoid(space, tuple(np.add((-46, -44, 4), shift[3])), (11, 19, 18))
    canvas.paint(bladder - 1.5, signal["wall"])
    canvas.paint(bladder, signal["bile"])
    spleen = ellipsoid(space, tuple(np.add((100, 40, 56), shift[4])), (32, 50, 48), tilt=-0.1)
    spleen = np.maximum(spleen, np.maximum(cavity + 2.5, 3 - keep))
    canvas.paint(spleen, canvas.texture("spleen", 0.05, 30))
    pancreas = _paint_pancreas(canvas, shift[5])
    back = pillar(space, (0, 52), (50, 30))  # spine and psoas
    found = np.minimum.reduce([keep, liver, bladder - 1.5, spleen, pancreas, aorta, cava, back])
    return np.asarray(found, dtype=np.float32)


def _paint_kidney(canvas: Canvas, centre: tuple[float, float, float], side: float) -> FloatArray:
    space, signal = canvas.space, canvas.signal
    kidney = ellipsoid(space, centre, (27, 24, 50), tilt=-0.2 * side)
    hilum = ellipsoid(
        space, (centre[0] - side * 17, centre[1] - 6, centre[2]), (17, 12, 26), tilt=-0.2 * side
    )
    canvas.paint(kidney - 7, signal["fat"] * 1.02)
    canvas.paint(kidney, canvas.texture("cortex", 0.04, 40))
    rays = np.arctan2(space.up - centre[2], side * (space.left - centre[0]) + 12)
    around = np.cos(7 * rays) * 3.0 + np.cos((space.back - centre[1]) / 4.5) * 1.5
    canvas.paint(kidney + 9.5 + around, signal["medulla"] * 1.15)
    canvas.paint(hilum, signal["fat"])
    canvas.paint(hilum + 7, signal["fluid"])
    return kidney


def _paint_pancreas(canvas: Canvas, shift: NDArray[np.float64]) -> FloatArray:
    knots = np.array([
        (-24, -14, -6, 12), (-14, -18, 8, 12), (10, -16, 18, 9), (40, 2, 26, 9), (74, 22, 36, 8),
    ], dtype=np.float64)  # fmt: skip
    curve = smooth_curve(knots + np.append(shift / 2, 0))
    pancreas = tube(canvas.space, curve[:, :3], curve[:, 3]).distance
    shape = pancreas.shape
    cells = (shape[0] // 2, shape[1] // 3, shape[2] // 3)
    lobes = pancreas + 1.5 * smooth_field(canvas.anatomy, shape, cells)
    canvas.paint(lobes, canvas.signal["pancreas"])
    return lobes
