"""Everything of tissue but nuclei: fibres, gaps, cytoplasm, lumina, vessels and blood cells."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, zoom
from scipy.spatial import cKDTree

from delineate.datasets.architecture import Ground, Style
from delineate.datasets.chromatin import grain
from delineate.datasets.nuclei_shapes import FloatArray
from delineate.datasets.population import EPITHELIAL, Cell
from delineate.datasets.shapes import smooth_field

MEMBRANE_UM = 0.7
"""Grid on which cells' borders are worked out."""


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Amounts of dye that one tissue takes, and how it looks between nuclei."""

    cytoplasm: tuple[float, float]
    """Haematoxylin and eosin of epithelial cells."""
    collagen: float
    """Eosin of fibres."""
    ground: float
    """Haematoxylin of the stroma."""
    foam: float
    """How much of the cytoplasm is vacuoles, 0 to 1."""
    membrane: float
    """Additional eosin at cells' borders; negative where they gape."""
    secretion: tuple[float, float]
    """Haematoxylin and eosin of what fills lumina."""
    cleft: float
    """How far epithelium has shrunk from the stroma, in um."""
    bleeding: float
    """Red blood cells outside of vessels."""

    @classmethod
    def of(cls, rng: np.random.Generator) -> "Palette":
        """Draw a palette.

        Args:
            rng: Source of chance.

        Returns:
            Its numbers.
        """
        secretions = ((0.0, 0.0), (0.0, 0.0), (0.05, 0.01), (0.01, 0.11), (0.0, 0.2))
        return cls(
            cytoplasm=(rng.uniform(0.02, 0.15), rng.uniform(0.13, 0.25)),
            collagen=rng.uniform(0.17, 0.34),
            ground=rng.uniform(0.005, 0.05),
            foam=rng.choice([0.0, 0.15, 0.4, 0.75]),
            membrane=rng.choice([-0.5, -0.2, 0.15, 0.35]),
            secretion=secretions[rng.integers(len(secretions))],
            cleft=rng.choice([0.0, 0.0, 0.8, 2.2]),
            bleeding=rng.choice([0.0, 0.0, 0.5, 1.0]),
        )


def paint_tissue(
    rng: np.random.Generator, ground: Ground, style: Style, cells: list[Cell]
) -> FloatArray:
    """Paint all that lies between nuclei.

    Args:
        rng: Source of chance.
        ground: The tissue's map.
        style: How it is built.
        cells: Those that live there; epithelial cells own the cytoplasm around them.

    Returns:
        Amounts of haematoxylin, eosin and blood, (3, Y, X).
    """
    palette = Palette.of(rng)
    dyes = np.zeros((3, *ground.shape), np.float32)
    _paint_stroma(rng, dyes, ground, style, palette)
    _paint_cytoplasm(rng, dyes, ground, palette, cells)
    _paint_lumen(rng, dyes, ground, palette)
    _paint_vessels(rng, dyes, ground)
    _paint_blood(rng, dyes, ground, palette)
    for um, amount in ((0.2, 0.07), (0.5, 0.05)):
        dyes *= 1 + np.float32(amount) * grain(rng, ground.shape, um / ground.mpp)
    return dyes


def _paint_stroma(
    rng: np.random.Generator, dyes: FloatArray, ground: Ground, style: Style, palette: Palette
) -> None:
    """Paint fibres along the stream: bundles, strands in them, and open room between."""
    bundle = fibres(rng, ground, width_um=4.5, length_um=60)
    strand = fibres(rng, ground, width_um=1.7, length_um=40)
    hair = fibres(rng, ground, width_um=0.7, length_um=20)
    crack = fibres(rng, ground, width_um=2.6, length_um=70)
    patch, mood = _wave(rng, ground, 28), _wave(rng, ground, 45)
    rough = grain(rng, ground.shape, 0.5 / ground.mpp)
    level = 1.5 - 2.4 * style.looseness
    openness = _step((patch + 0.75 * bundle + 0.35 * strand + 0.15 * rough - level) * np.float32(2))
    web = _step((hair + 0.8 * strand + 0.3 * rough - 1.2) * np.float32(2))
    solid = 1 - openness * (np.float32(0.95) - np.float32(0.5) * web)
    thin = np.exp(-((crack / np.float32(0.2)) ** 2)) * _step((bundle + mood + 0.5 * rough) * 2)
    waviness = 1 + 0.17 * bundle + 0.2 * strand + 0.16 * hair + 0.08 * rough + 0.14 * mood
    solid = solid * (1 - np.float32(0.5) * thin)
    dyes[1] = palette.collagen * solid * np.maximum(waviness, np.float32(0.15))
    dyes[0] = palette.ground * solid * np.maximum(1 + 0.4 * patch - 0.3 * strand, 0)


def _paint_cytoplasm(
    rng: np.random.Generator,
    dyes: FloatArray,
    ground: Ground,
    palette: Palette,
    cells: list[Cell],
) -> None:
    """Paint epithelial bodies, each cell's of its own shade, with foam and borders."""
    shade, border = _territories(rng, ground, cells)
    fine, rough = (grain(rng, ground.shape, um / ground.mpp) for um in (0.25, 0.6))
    body = 1 + 0.09 * fine + 0.1 * rough + 0.16 * shade
    body += np.float32(palette.membrane) * np.exp(-((border / np.float32(0.7)) ** 2))
    if palette.foam:
        bubbles = _step((grain(rng, ground.shape, 0.55 / ground.mpp) - 0.5) * np.float32(3))
        body *= 1 - np.float32(0.75 * palette.foam) * bubbles
    body = np.maximum(body, np.float32(0.05))
    ragged = ground.depth + np.float32(0.2) * rough
    share = np.clip(ragged / np.float32(0.9) + np.float32(0.5), 0, 1)
    body *= 1 + 0.1 * _wave(rng, ground, 22)
    for plane, amount in zip(dyes, palette.cytoplasm, strict=False):
        plane += share * (np.float32(amount) * body - plane)
    where = _wave(rng, ground, 30)
    rim = np.exp(-(((ground.depth + np.float32(0.9)) / np.float32(0.9)) ** 2))
    dyes[1] += np.float32(0.12) * rim * _step(where * 3)  # the membrane under the epithelium
    if palette.cleft:
        wide = np.float32(palette.cleft) * np.maximum(where, 0)
        gap = np.clip((wide - np.abs(ground.depth + wide)) / np.float32(0.7) + 0.3, 0, 1)
        dyes *= 1 - np.float32(0.95) * gap * (where > 0)


def _territories(
    rng: np.random.Generator, ground: Ground, cells: list[Cell]
) -> tuple[FloatArray, FloatArray]:
    """Tell each place its cell's shade, and the way to the border with the next cell in um."""
    centres = np.array([cell.shape.centre for cell in cells if cell.type == EPITHELIAL])
    if len(centres) < 2:
        return np.zeros(ground.shape, np.float32), np.full(ground.shape, 9, np.float32)
    extent = [(size - 1) * ground.mpp for size in ground.shape]
    axes = [np.linspace(0, size, max(2, int(size / MEMBRANE_UM) + 1)) for size in extent]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    shape = (len(axes[0]), len(axes[1]))
    shake = [max(1, int(size / 5)) for size in extent]
    for place in (0, 1):
        points[..., place] += 0.5 * smooth_field(rng, shape, (shake[0], shake[1]))
    away, owner = cKDTree(centres).query(points, k=2)
    shades = rng.standard_normal(len(centres))[owner[..., 0]]
    factor = [size / count for size, count in zip(ground.shape, shape, strict=True)]
    planes = (shades, (away[..., 1] - away[..., 0]) / 2)
    shade, border = (
        np.asarray(zoom(plane.astype(np.float32), factor, order=1)) for plane in planes
    )
    return shade, border


def _paint_lumen(
    rng: np.random.Generator, dyes: FloatArray, ground: Ground, palette: Palette
) -> None:
    if ground.lumen.max() < -1:
        return
    fine, rough = (grain(rng, ground.shape, um / ground.mpp) for um in (0.5, 1.6))
    inside = ground.lumen + np.float32(0.35) * rough
    edge = np.exp(-(((inside + np.float32(0.8)) / np.float32(0.6)) ** 2))
    dyes[1] += np.float32(0.07) * edge
    share = np.clip(inside / np.float32(0.8) + np.float32(0.5), 0, 1)
    filled = _step(_wave(rng, ground, 35) * 4 + 1.5) * np.clip((inside - 1) / 4, 0, 1)
    mottled = np.maximum(1 + 0.25 * rough + 0.15 * fine, 0) * filled
    for plane, amount in zip(dyes, palette.secretion, strict=False):
        plane += share * (np.float32(amount) * mottled - plane)


def _paint_vessels(rng: np.random.Generator, dyes: FloatArray, ground: Ground) -> None:
    if ground.vessel.max() < -1:
        return
    wall = np.exp(-(((ground.vessel + np.float32(0.6)) / np.float32(0.7)) ** 2))
    dyes[1] += np.float32(0.1) * wall
    share = np.clip(ground.vessel / np.float32(0.7) + np.float32(0.5), 0, 1)
    plasma = np.float32(rng.choice([0.005, 0.05]))
    for plane, amount in zip(dyes, (0.0, plasma), strict=False):
        plane += share * (amount - plane)


def _paint_blood(
    rng: np.random.Generator, dyes: FloatArray, ground: Ground, palette: Palette
) -> None:
    """Paint red blood cells: many in vessels, a few lost in the stroma."""
    size = np.array(ground.shape) * ground.mpp
    places = rng.uniform(0, size, (rng.poisson(size.prod() / 14), 2))
    inside = ground.at(ground.vessel, places)
    lost = ground.at(_wave(rng, ground, 25), places) + ground.at(ground.depth, places) / 90
    is_lost = (lost > 1.9 - 0.5 * palette.bleeding) & (ground.at(ground.depth, places) < -3)
    chosen = (inside > 1.2) & (rng.random(len(places)) < rng.uniform(0.1, 0.8))
    if palette.bleeding:
        chosen |= is_lost & (rng.random(len(places)) < 0.4)
    for place in places[chosen]:
        _paint_red_cell(rng, dyes, place, ground.mpp)


def _paint_red_cell(
    rng: np.random.Generator, dyes: FloatArray, place: NDArray[np.float64], mpp: float
) -> None:
    radius, turn, flat = rng.uniform(2.1, 2.9), rng.uniform(0, np.pi), rng.uniform(1.0, 1.3)
    low = np.maximum(((place - 4.5) / mpp).astype(int), 0)
    high = ((place + 4.5) / mpp).astype(int) + 1
    window = dyes[:, low[0] : high[0], low[1] : high[1]]
    down = (np.arange(window.shape[1], dtype=np.float32)[:, None] + low[0]) * mpp - place[0]
    right = (np.arange(window.shape[2], dtype=np.float32)[None] + low[1]) * mpp - place[1]
    one = (np.cos(turn) * right + np.sin(turn) * down) / flat
    two = (np.cos(turn) * down - np.sin(turn) * right) * flat
    depth = radius - np.sqrt(one * one + two * two)
    share = np.clip(depth / 0.7 + 0.5, 0, 1).astype(np.float32)
    amount = rng.uniform(0.26, 0.42) * (1 - 0.2 * np.clip(depth / radius, 0, 1))
    window[0] *= 1 - share
    window[1] *= 1 - share
    window[2] += share * (amount.astype(np.float32) - window[2])


def fibres(
    rng: np.random.Generator, ground: Ground, *, width_um: float, length_um: float
) -> FloatArray:
    """Draw threads that run with the stream.

    Args:
        rng: Source of chance.
        ground: The map that says where the stream runs.
        width_um: Their width.
        length_um: How long one stays the same.

    Returns:
        Texture of mean about 0 and deviation about 1, (Y, X).
    """
    table = grain(rng, (512, 64), 0.8)
    along = ground.along / np.float32(length_um) * 4
    # Where the stream is slow its threads would be wide, so they are drawn finer there.
    level = np.clip(-np.log2(np.maximum(ground.density, np.float32(1e-3))), -1.5, 3)
    octave = np.floor(level)
    share = level - octave
    threads = np.zeros_like(share)
    for step, weight in ((0, 1 - share), (1, share)):
        across = ground.stream * np.exp2(octave + np.float32(step)) / np.float32(width_um)
        place = np.stack([across, along])
        threads += weight * map_coordinates(table, place, order=1, mode="grid-wrap")
    return np.asarray(threads / np.hypot(share, 1 - share), dtype=np.float32)


def _wave(rng: np.random.Generator, ground: Ground, length_um: float) -> FloatArray:
    rows, columns = (max(1, round(size * ground.mpp / length_um)) for size in ground.shape)
    return smooth_field(rng, ground.shape, (rows, columns))


def _step(value: FloatArray) -> FloatArray:
    """Lead smoothly from 0 to 1."""
    share: FloatArray = np.float32(0.5) + np.float32(0.5) * np.tanh(value)
    return share
