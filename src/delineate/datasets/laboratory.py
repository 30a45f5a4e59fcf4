"""What laboratory and slide scanner make of tissue: dyes, light, lens, camera and compression."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn
from scipy.ndimage import gaussian_filter

from delineate.datasets.nuclei_shapes import FloatArray
from delineate.datasets.shapes import smooth_field

BLUE, PURPLE = (0.68, 0.66, 0.32), (0.50, 0.76, 0.41)
"""Optical density of haematoxylin in red, green and blue: the ends of its range."""
PINK, CORAL = (0.25, 0.85, 0.46), (0.07, 0.79, 0.61)
"""That of eosin; both ranges are those of the laboratories that sent tissue to MoNuSeg."""
BLOOD = (0.13, 0.80, 0.59)
"""That of red blood cells, eosin's on haemoglobin."""
TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
"""Red, green and blue to luma and chroma, as JFIF has it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Laboratory:
    """One laboratory's dyes and one scanner on one day."""

    dyes: NDArray[np.float64]
    """Optical density of each dye's unit in red, green and blue, (3 dyes, 3 colours)."""
    strength: tuple[float, float, float]
    """Factor of each dye's amount."""
    haze: float
    """Amount of haematoxylin that sticks to everything."""
    white: tuple[float, float, float]
    """Light that the camera sees through bare glass, of 1."""
    blur_um: float
    """Deviation of the lens' point spread."""
    sharpen: float
    """How much the scanner sharpens."""
    noise: float
    """Deviation of the camera's noise in bare glass, of 1."""
    quality: float
    """Step of the compression's coarsest rounding in grey values; 0 leaves all."""

    @classmethod
    def of(cls, rng: np.random.Generator) -> "Laboratory":
        """Draw a laboratory.

        Args:
            rng: Source of chance.

        Returns:
            Its settings.
        """
        shares = rng.beta(0.9, 0.9, (2, 1)), rng.normal(0, 0.018, (3, 3))
        blue = np.array(BLUE) + shares[0][0] * (np.array(PURPLE) - BLUE)
        pink = np.array(PINK) + shares[0][1] * (np.array(CORAL) - PINK)
        dyes = np.maximum(np.stack([blue, pink, np.array(BLOOD)]) + shares[1], 0.02)
        thick, eosin = np.exp(rng.normal(0, 0.2)), np.exp(rng.normal(0, 0.25))
        paper = rng.uniform(0.93, 0.99)
        tint = rng.normal(0, 0.004, 3)
        return cls(
            dyes=dyes / np.linalg.norm(dyes, axis=1, keepdims=True),
            strength=(
                float(thick * np.exp(rng.normal(0, 0.2))),
                float(thick * eosin),
                float(thick),
            ),
            haze=float(rng.uniform(0.0, 0.035)),
            white=tuple(float(np.clip(paper + shift, 0.88, 1.0)) for shift in tint),  # type: ignore[arg-type]
            blur_um=rng.uniform(0.16, 0.34),
            sharpen=rng.choice([0.0, 0.0, 0.4, 0.8]),
            noise=rng.uniform(0.004, 0.012),
            quality=rng.choice([0.0, 1.5, 3.0, 5.0]),
        )

    def photograph(
        self, amounts: FloatArray, mpp: float, rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """Shine light through dyes and store what the camera sees.

        Light that passes is ten to the minus sum of each dye's amount times its density (Beer
        and Lambert); the lens blurs light, not dyes.

        Args:
            amounts: Haematoxylin, eosin and blood, (3, Y, X), a nucleus about 0.6.
            mpp: Micrometres per pixel.
            rng: Source of chance.

        Returns:
            Red, green and blue, (3, Y, X).
        """
        shape = amounts.shape[1:]
        uneven = 1 + np.float32(0.05) * smooth_field(rng, shape, (2, 2))  # thickness of the cut
        taken = amounts * (np.array(self.strength, np.float32)[:, None, None] * uneven)
        taken[0] += np.float32(self.haze) * np.clip(amounts.sum(axis=0) * 8, 0, 1)
        density = np.tensordot(self.dyes.T.astype(np.float32), taken, axes=1)
        light = np.power(np.float32(10), -density) * np.array(self.white, np.float32)[:, None, None]
        sigma = self.blur_um / mpp
        for plane, wider in zip(light, (1.08, 1.0, 1.04), strict=True):  # lenses favour green
            plane[:] = gaussian_filter(plane, sigma * wider, mode="nearest", truncate=3)
            if self.sharpen:
                soft = gaussian_filter(plane, 1.5 * sigma, mode="nearest", truncate=3)
                plane += np.float32(self.sharpen) * (plane - soft)
        grain = rng.standard_normal(light.shape, dtype=np.float32) * np.float32(self.noise)
        light += grain * np.sqrt(np.maximum(light, np.float32(0.05)))
        stored = compress(np.clip(light, 0, 1) * np.float32(255), self.quality)
        return np.rint(np.clip(stored, 0, 255)).astype(np.uint8)


def compress(picture: FloatArray, coarseness: float) -> FloatArray:
    """Lose what JPEG loses: colour at half resolution, fine waves in blocks of 8 x 8 pixels.

    Args:
        picture: Red, green and blue, (3, Y, X), 0 to 255.
        coarseness: Step in grey values by which the mean wave of luma is rounded; 0 leaves all.

    Returns:
        Changed picture, (3, Y, X), a little beyond 0 to 255 at edges.
    """
    if not coarseness:
        return picture
    height, width = picture.shape[1:]
    pad = [(0, 0), (0, -height % 16), (0, -width % 16)]
    luma, *chroma = np.tensordot(TO_YCC.astype(np.float32), np.pad(picture, pad, "edge"), axes=1)
    planes = [_rounded(luma, coarseness)]
    for plane in chroma:
        half = plane.reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2).mean(axis=(1, 3))
        small = _rounded(half, 1.6 * coarseness)
        planes.append(small.repeat(2, axis=0).repeat(2, axis=1))
    back = np.tensordot(np.linalg.inv(TO_YCC).astype(np.float32), np.stack(planes), axes=1)
    return np.asarray(back[:, :height, :width], dtype=np.float32)


def _rounded(plane: FloatArray, coarseness: float) -> FloatArray:
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    blocks = plane.reshape(rows, 8, columns, 8)
    waves = dctn(blocks, axes=(1, 3), norm="ortho")
    order = np.add.outer(np.arange(8), np.arange(8)).astype(np.float32)
    steps = (np.float32(coarseness) * (1 + order / 2))[None, :, None, :]
    near: FloatArray = idctn(np.rint(waves / steps) * steps, axes=(1, 3), norm="ortho")
    return near.reshape(plane.shape)
