"""What a nucleus looks like inside: rim, clumps, nucleoli, and how sharply it is seen."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from delineate.datasets.nuclei_shapes import FloatArray, Shape
from delineate.datasets.population import CONNECTIVE, EPITHELIAL, Cell

AROUND_UM = 2.2
"""How far beyond its rim a nucleus changes the picture."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How one nucleus took the dye, and how the lens sees it."""

    dense: float
    """Amount of haematoxylin; lymphocytes have about 0.75."""
    pale: float
    """How much of it the inside lacks, 0 to 1."""
    rim: float
    """Additional amount at the rim, relative."""
    clump: float
    """Deviation of the amount by chromatin, relative."""
    coarse: float
    """Share of coarse chromatin in it, 0 to 1."""
    nucleoli: int
    """How many."""
    soft_um: float
    """Width of the rim as the lens sees it; large if out of focus."""
    halo: float
    """Share of what is around it that is missing, 0 to 1."""
    body: float
    """Eosin of the cell's own body right around the nucleus; 0 where others paint it."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How nuclei of each type look in one tissue."""

    epithelial: float
    """Mean amount of haematoxylin."""
    vesicle: float
    """0 for nuclei dense all through, 1 for pale ones with a rim and nucleoli."""
    coarse: float
    """Share of coarse chromatin."""
    nucleoli: float
    """Mean number of nucleoli."""
    halo: float
    """How often a pale seam surrounds epithelial nuclei."""
    dark: float
    """Share of nuclei that are dark and shrunken."""

    @classmethod
    def of(cls, rng: np.random.Generator, vesicle: float) -> "Manner":
        """Draw the manner of a tissue.

        Args:
            rng: Source of chance.
            vesicle: How pale nuclei are inside, 0 to 1.

        Returns:
            Its numbers.
        """
        return cls(
            epithelial=rng.uniform(0.42, 0.62) - 0.1 * vesicle,
            vesicle=vesicle,
            coarse=rng.uniform(0.2, 0.9),
            nucleoli=rng.choice([0.1, 0.5, 1.1]) * (0.3 + vesicle),
            halo=rng.choice([0.0, 0.0, 0.15, 0.4]),
            dark=rng.uniform(0.0, 0.08),
        )

    def look(self, rng: np.random.Generator, type: int) -> Look:
        """Draw how one nucleus looks.

        Args:
            rng: Source of chance.
            type: What it is.

        Returns:
            Its look.
        """
        blurred = rng.random() ** 3
        sharp = 1 - 0.75 * blurred
        amount = math.exp(rng.normal(0, 0.16)) * (1 - 0.25 * blurred)
        soft = 0.45 + 1.3 * blurred
        if type == EPITHELIAL and rng.random() >= self.dark:
            pale = float(np.clip(self.vesicle + rng.normal(0, 0.15), 0, 1))
            return Look(
                dense=self.epithelial * amount, pale=0.62 * pale * sharp,
                rim=(0.15 + 0.55 * pale) * sharp, clump=(0.26 + 0.3 * pale) * sharp,
                coarse=self.coarse, nucleoli=rng.poisson(self.nucleoli), soft_um=soft,
                halo=rng.uniform(0.3, 0.9) * (rng.random() < self.halo), body=0.0,
            )  # fmt: skip
        if type == CONNECTIVE:
            return Look(
                dense=rng.uniform(0.36, 0.66) * amount, pale=0.2 * rng.random(),
                rim=0.15 * sharp, clump=0.24 * sharp, coarse=0.4, nucleoli=0, soft_um=soft,
                halo=0.0, body=0.0,
            )  # fmt: skip
        is_lymphocyte = type != EPITHELIAL
        return Look(
            dense=rng.uniform(0.62, 0.82) * amount, pale=0.2 * rng.random(),
            rim=0.2 * sharp, clump=0.3 * sharp, coarse=0.85, nucleoli=0, soft_um=soft,
            halo=0.0 if is_lymphocyte else 0.6,
            body=rng.choice([0.0, 0.06, 0.2]) if is_lymphocyte else 0.0,
        )  # fmt: skip


class Brush:
    """Paints nuclei into dyes; chromatin is cut from two textures of the whole picture."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int], mpp: float) -> None:
        """Draw the textures.

        Args:
            rng: Source of chance.
            shape: Pixels (Y, X).
            mpp: Micrometres per pixel.
        """
        self._mpp, self._shape, self._rng = mpp, shape, rng
        self._fine = grain(rng, shape, 0.22 / mpp)
        self._coarse = _clumped(grain(rng, shape, 0.48 / mpp))
        self._rough = grain(rng, shape, 0.45 / mpp)  # rims are not as smooth as their outline

    def paint(self, dyes: FloatArray, cell: Cell, look: Look) -> None:
        """Lay one nucleus over what is there; where nuclei lie over each other, both show.

        Args:
            dyes: Amounts of haematoxylin, eosin and blood, (3, Y, X), changed.
            cell: The nucleus.
            look: How it looks.
        """
        place = _window(cell.shape, self._mpp, self._shape)
        if place is None:
            return
        rows, columns = place
        y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] * np.float32(self._mpp)
        x = np.arange(columns.start, columns.stop, dtype=np.float32)[None] * np.float32(self._mpp)
        depth = cell.shape.depth(y, x) + np.float32(0.09) * self._rough[place]
        inner = np.clip(depth / cell.shape.axes[1], 0, 1)
        texture = (1 - look.coarse) * self._fine[place] + look.coarse * self._coarse[place]
        seam = np.exp(-(((depth - np.float32(0.4)) / np.float32(0.42)) ** 2))
        amount = 1 - look.pale * np.minimum(2.2 * inner, 1) + look.rim * seam
        amount = amount + look.clump * texture * np.sqrt(np.float32(0.25) + inner)
        eosin = np.full_like(depth, self._rng.uniform(0.1, 0.35) * look.dense)
        for _ in range(look.nucleoli):
            spot = self._nucleolus(cell.shape, y, x) * (inner > 0)
            amount, eosin = amount + 0.75 * spot, eosin + 0.22 * spot
        share = np.clip(np.float32(0.5) + depth / np.float32(look.soft_um), 0, 1)
        around = np.exp(-np.maximum(-depth, 0) / np.float32(0.8)) * (1 - share)
        blue, pink = dyes[0][place], dyes[1][place]
        if look.halo:
            near = 1 - np.float32(look.halo) * around
            blue *= near
            pink *= near
        if look.body:
            pink += around * np.float32(look.body)
            blue += around * np.float32(0.6 * look.body)
        # Dyes of nuclei above each other add up, but both share the thickness of one cut.
        blue += share * (
            np.maximum(amount, np.float32(0.08)) * look.dense - np.float32(0.55) * blue
        )
        pink += share * (eosin - np.float32(0.75) * pink)

    def _nucleolus(self, shape: Shape, y: FloatArray, x: FloatArray) -> FloatArray:
        reach = 0.45 * shape.axes[1]
        down, right = self._rng.normal(0, reach, 2).clip(-reach, reach)
        size = self._rng.uniform(0.45, 0.8)
        away = (y - (shape.centre[0] + down)) ** 2 + (x - (shape.centre[1] + right)) ** 2
        spot: FloatArray = np.exp(-((away / np.float32(size**2)) ** 2))
        return spot


def grain(rng: np.random.Generator, shape: tuple[int, int], sigma_px: float) -> FloatArray:
    """Draw a texture of deviation 1.

    Args:
        rng: Source of chance.
        shape: Pixels (Y, X).
        sigma_px: Radius of its grains.

    Returns:
        The texture, (Y, X).
    """
    noise = rng.standard_normal(shape, dtype=np.float32)
    soft = gaussian_filter(noise, sigma_px, mode="wrap", truncate=3)
    return np.asarray(soft / max(float(soft.std()), 1e-6), dtype=np.float32)


def _clumped(texture: FloatArray) -> FloatArray:
    """Make dense grains rarer and denser than the pale room between them."""
    return texture * np.float32(0.9) + np.float32(0.3) * (texture * texture - 1)


def _window(shape: Shape, mpp: float, size: tuple[int, int]) -> tuple[slice, slice] | None:
    corners = shape.outline(mpp)
    low = np.floor(corners.min(axis=0) - AROUND_UM / mpp).astype(int)
    high = np.ceil(corners.max(axis=0) + AROUND_UM / mpp).astype(int) + 1
    rows = slice(max(low[1], 0), min(high[1], size[0]))
    columns = slice(max(low[0], 0), min(high[0], size[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return None
    return rows, columns
