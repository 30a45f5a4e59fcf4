"""Where made tissue has epithelium, lumina, stroma and vessels, as distances in um."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, zoom
from scipy.spatial import cKDTree

from delineate.datasets.nuclei_shapes import FloatArray
from delineate.datasets.shapes import smooth_field

STEP_UM = 1.0
"""Grid on which borders are worked out; they are smooth at this scale."""

Range = tuple[float, float]
PATTERNS: dict[str, dict[str, Range]] = {
    "glands": {
        "nest_um": (85, 130), "septum_um": (5, 13), "ring_um": (17, 27), "kept": (0.8, 1.0),
        "columnar": (1, 1), "size_um": (4.2, 5.2), "stretch": (1.25, 1.5), "spread": (0.1, 0.18),
        "room": (1.5, 2.1), "vesicle": (0.2, 0.7), "looseness": (0.1, 0.5), "inflamed": (0.1, 0.5),
    },
    "acini": {
        "nest_um": (50, 75), "septum_um": (3, 9), "ring_um": (15, 24), "kept": (0.75, 1.0),
        "columnar": (0, 0), "size_um": (3.4, 4.2), "stretch": (1.0, 1.12), "spread": (0.05, 0.12),
        "room": (2.0, 3.2), "vesicle": (0.5, 1.0), "looseness": (0.0, 0.4), "inflamed": (0.0, 0.25),
    },
    "nests": {
        "nest_um": (60, 120), "septum_um": (3, 12), "ring_um": (99, 99), "kept": (0.7, 0.95),
        "columnar": (0, 0), "size_um": (4.4, 6.2), "stretch": (1.1, 1.3), "spread": (0.15, 0.3),
        "room": (1.9, 3.2), "vesicle": (0.3, 0.9), "looseness": (0.1, 0.5), "inflamed": (0.1, 0.6),
    },
    "sheet": {
        "nest_um": (45, 90), "septum_um": (0.8, 2.5), "ring_um": (99, 99), "kept": (0.95, 1.0),
        "columnar": (0, 0), "size_um": (3.4, 4.6), "stretch": (1.02, 1.2), "spread": (0.06, 0.18),
        "room": (2.4, 4.4), "vesicle": (0.2, 0.9), "looseness": (0.0, 0.3), "inflamed": (0.0, 0.3),
    },
    "stroma": {
        "nest_um": (45, 80), "septum_um": (6, 14), "ring_um": (13, 99), "kept": (0.15, 0.4),
        "columnar": (0, 1), "size_um": (3.8, 5.0), "stretch": (1.1, 1.35), "spread": (0.08, 0.2),
        "room": (1.8, 2.8), "vesicle": (0.2, 0.8), "looseness": (0.1, 0.8), "inflamed": (0.05, 0.5),
    },
    "inflamed": {
        "nest_um": (60, 100), "septum_um": (8, 18), "ring_um": (14, 99), "kept": (0.2, 0.5),
        "columnar": (0, 1), "size_um": (3.8, 5.4), "stretch": (1.1, 1.35), "spread": (0.1, 0.2),
        "room": (1.7, 2.6), "vesicle": (0.3, 0.8), "looseness": (0.4, 0.9), "inflamed": (0.8, 1.0),
    },
}  # fmt: skip
"""Kinds of tissue: from what to what each number of a `Style` is drawn."""


@dataclass(frozen=True, kw_only=True)
class Style:
    """How one tissue is built."""

    nest_um: float
    """Distance between the middles of nests or glands."""
    septum_um: float
    """Half the width of the stroma between them."""
    ring_um: float
    """Thickness of the epithelium around a lumen; nests thinner than this have none."""
    kept: float
    """Share of the nests that are there; stroma fills the others' room."""
    columnar: float
    """Above one half, nuclei stand on the border like a palisade."""
    size_um: float
    """Radius of an epithelial nucleus."""
    stretch: float
    """Its length over its width, squared root."""
    spread: float
    """Relative deviation of sizes."""
    room: float
    """Area of a cell over that of its nucleus."""
    vesicle: float
    """0 for nuclei dense all through, 1 for pale ones with a rim and nucleoli."""
    looseness: float
    """Share of the stroma that is open."""
    inflamed: float
    """How much of the stroma lymphocytes crowd."""

    @classmethod
    def of(cls, rng: np.random.Generator, pattern: str) -> "Style":
        """Draw a tissue of a kind.

        Args:
            rng: Source of chance.
            pattern: Key of `PATTERNS`.

        Returns:
            Its numbers.
        """
        return cls(**{name: rng.uniform(*span) for name, span in PATTERNS[pattern].items()})


@dataclass(frozen=True, kw_only=True, eq=False)
class Ground:
    """The tissue's map before any cell is in it."""

    mpp: float
    """Micrometres per pixel."""
    depth: FloatArray
    """Way from the stroma's border into the epithelium in um, negative in stroma, (Y, X)."""
    lumen: FloatArray
    """Way into a lumen in um, negative outside, (Y, X)."""
    vessel: FloatArray
    """Way into a blood vessel in um, negative outside, (Y, X)."""
    stream: FloatArray
    """Place across the fibres in um, (Y, X)."""
    along: FloatArray
    """Place along the fibres in um, (Y, X)."""
    density: FloatArray
    """How fast `stream` changes over a um, (Y, X)."""

    @property
    def shape(self) -> tuple[int, int]:
        """Pixels (Y, X)."""
        return self.depth.shape[0], self.depth.shape[1]

    @property
    def y(self) -> FloatArray:
        """Place of each row in um, (Y, 1)."""
        return np.arange(self.shape[0], dtype=np.float32)[:, None] * np.float32(self.mpp)

    @property
    def x(self) -> FloatArray:
        """Place of each column in um, (1, X)."""
        return np.arange(self.shape[1], dtype=np.float32)[None] * np.float32(self.mpp)

    def at(self, plane: FloatArray, places: NDArray[np.floating]) -> FloatArray:
        """Look a map up; outside of the picture its border goes on.

        Args:
            plane: One of the maps, (Y, X).
            places: (y, x) in um, (N, 2).

        Returns:
            Values, (N,).
        """
        index = np.rint(places / self.mpp).astype(int)
        found: FloatArray = plane[
            np.clip(index[:, 0], 0, self.shape[0] - 1), np.clip(index[:, 1], 0, self.shape[1] - 1)
        ]
        return found

    def slope(self, plane: FloatArray, places: NDArray[np.floating]) -> NDArray[np.floating]:
        """Tell in which direction a map rises.

        Args:
            plane: One of the maps, (Y, X).
            places: (y, x) in um, (N, 2).

        Returns:
            Radians from x to y, (N,).
        """
        # Steps shrink towards the middle, so that both stay inside of the picture.
        size = np.array(self.shape) * self.mpp
        inner = np.clip(places, 2.5, np.maximum(size - 2.5, 2.5))
        down, right = (
            self.at(plane, inner + step) - self.at(plane, inner - step)
            for step in (np.array([2.0, 0.0]), np.array([0.0, 2.0]))
        )
        turned: NDArray[np.floating] = np.arctan2(down, right)
        return turned


def lay_out(rng: np.random.Generator, style: Style, shape: tuple[int, int], mpp: float) -> Ground:
    """Draw borders of nests, lumina and vessels, and the way the fibres run.

    Args:
        rng: Source of chance.
        style: How the tissue is built.
        shape: Pixels (Y, X).
        mpp: Micrometres per pixel.

    Returns:
        The map.
    """
    extent = tuple((size - 1) * mpp for size in shape)
    count = tuple(max(6, int(size / STEP_UM) + 1) for size in extent)
    y = np.linspace(0, extent[0], count[0])[:, None]
    x = np.linspace(0, extent[1], count[1])[None]
    depth = _nests(rng, style, y, x)
    ring = style.ring_um * (1 + 0.12 * _wave(rng, y, x, 14) + 0.15 * _wave(rng, y, x, 45))
    lumen = np.minimum(depth - ring, 30) + 0.6 * _wave(rng, y, x, 4)
    vessel = _vessels(rng, depth, y, x)
    angle = rng.uniform(0, np.pi)
    across = np.cos(angle) * y - np.sin(angle) * x
    bent = across + 9 * _wave(rng, y, x, 70) + 2.2 * _wave(rng, y, x, 18)
    around = 14 * np.tanh((depth + 6) / 16) + 8 * np.tanh((vessel + 4) / 8)
    along = np.sin(angle) * y + np.cos(angle) * x + 6 * _wave(rng, y, x, 40)
    maps = {
        "depth": depth, "lumen": lumen, "vessel": vessel, "stream": bent + around, "along": along,
        "density": np.hypot(*np.gradient(bent + around, y[1, 0], x[0, 1])),
    }  # fmt: skip
    return Ground(mpp=mpp, **{name: _fine(plane, shape) for name, plane in maps.items()})


def _nests(
    rng: np.random.Generator, style: Style, y: NDArray[Any], x: NDArray[Any]
) -> NDArray[Any]:
    """Measure the depth in cells around seeds, rounded, their borders wandering."""
    step = style.nest_um
    rows = np.arange(-2 * step, y.max() + 2 * step, step * 0.87)
    columns = np.arange(-2 * step, x.max() + 2 * step, step)
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
    grid[1::2, :, 1] += step / 2
    seeds = grid.reshape(-1, 2) + rng.uniform(-0.33, 0.33, (grid.size // 2, 2)) * step
    seeds += rng.uniform(0, step, 2)
    is_kept = rng.random(len(seeds)) < style.kept
    inner = np.array([y.max(), x.max()]) / 2
    is_kept[np.argmin(((seeds - inner) ** 2).sum(axis=1))] = True  # no tile without epithelium
    wander = [0.10 * step * _wave(rng, y, x, 0.45 * step) + 0.9 * _wave(rng, y, x, 9) for _ in "yx"]
    points = np.stack(np.broadcast_arrays(y + wander[0], x + wander[1]), axis=-1)
    away, which = cKDTree(seeds).query(points, k=2)
    half = (away[..., 1] - away[..., 0]) / 2
    signed = np.where(is_kept[which[..., 0]], half, -half)
    between = is_kept[which[..., 0]] & is_kept[which[..., 1]]
    depth = np.where(between, half, signed) - style.septum_um
    return _distance(gaussian_filter(depth, 0.08 * step / STEP_UM, mode="nearest"), y, x)


def _distance(level: NDArray[Any], y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Measure the way to where a map vanishes, positive where the map is."""
    sampling = (float(y[1, 0]), float(x[0, 1]))
    inside = distance_transform_edt(level > 0, sampling=sampling)
    outside = distance_transform_edt(level <= 0, sampling=sampling)
    if not (level > 0).any() or not (level <= 0).any():  # no border is in the picture
        return level
    smooth: NDArray[Any] = gaussian_filter(inside - outside, 1.1 / STEP_UM, mode="nearest")
    return smooth


def _vessels(
    rng: np.random.Generator, depth: NDArray[Any], y: NDArray[Any], x: NDArray[Any]
) -> NDArray[Any]:
    """Measure the way into small vessels, which lie where there is room in the stroma."""
    inside = np.full(depth.shape, -30.0)
    wobble = 0.5 * _wave(rng, y, x, 8)
    for _ in range(max(2, int(depth.size / 4000))):
        row, column = rng.integers(0, depth.shape[0]), rng.integers(0, depth.shape[1])
        radius = min(rng.uniform(4, 10), -depth[row, column] - 3)
        if radius < 4:
            continue
        turn, stretch = rng.uniform(0, np.pi), rng.uniform(1.0, 1.7)
        down, right = y - y[row, 0], x - x[0, column]
        one = (np.cos(turn) * right + np.sin(turn) * down) / stretch
        two = (np.cos(turn) * down - np.sin(turn) * right) * stretch
        inside = np.maximum(inside, radius - np.hypot(one, two) + wobble)
    return inside


def _wave(
    rng: np.random.Generator, y: NDArray[Any], x: NDArray[Any], length_um: float
) -> NDArray[Any]:
    """Draw a smooth field whose hills are about a length apart."""
    cells = tuple(max(1, round(float(axis.max()) / length_um)) for axis in (y, x))
    return smooth_field(rng, (y.size, x.size), cells)


def _fine(plane: NDArray[Any], shape: tuple[int, int]) -> FloatArray:
    """Bring a map from the coarse grid, whose corners are the picture's, to all pixels."""
    factor = [size / count for size, count in zip(shape, plane.shape, strict=True)]
    if min(factor) == 1 == max(factor):
        return plane.astype(np.float32)
    return np.asarray(zoom(plane.astype(np.float32), factor, order=1), dtype=np.float32)
