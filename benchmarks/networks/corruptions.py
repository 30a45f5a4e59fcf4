"""Damage that images come with, in five severities; all of it is drawn by the case's place.

Scans are damaged between their own least and largest value and normalised again, as they would
be if they came so; images of tissue in [0, 1], as light.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from delineate.core.plan import Plan
from delineate.transforms.intensity import bias_field, normalise
from delineate.transforms.staining import compress, vary_stains

SEVERITIES = 5
FloatArray = NDArray[np.float32]
Rule = Callable[[FloatArray, int, np.random.Generator], FloatArray]
"""Changes an image (C, *S) in [0, 1]; severity 1 to 5."""


def noise(image: FloatArray, severity: int, rng: np.random.Generator) -> FloatArray:
    """Add noise of 4 to 20 % of the range (tissue and scans alike)."""
    sigma = (0.04, 0.08, 0.12, 0.16, 0.20)[severity - 1]
    return image + rng.normal(0, sigma, image.shape).astype(np.float32)


def blur(image: FloatArray, severity: int, rng: np.random.Generator) -> FloatArray:
    """Smooth by a Gaussian of 0.5 to 2.5 voxels along each axis."""
    del rng
    sigma = 0.5 * severity
    return gaussian_filter(image, (0, *[sigma] * (image.ndim - 1))).astype(np.float32)


def contrast(image: FloatArray, severity: int, rng: np.random.Generator) -> FloatArray:
    """Bend and flatten: a power away from 1, up or down by turns, and half of the contrast."""
    power = (1.25, 1.5, 1.8, 2.2, 2.7)[severity - 1]
    bent = np.clip(image, 0, 1) ** (power if rng.random() < 0.5 else 1 / power)
    keep = (0.9, 0.8, 0.7, 0.6, 0.5)[severity - 1]
    return (bent.mean() + keep * (bent - bent.mean())).astype(np.float32)


def bias(image: FloatArray, severity: int, rng: np.random.Generator) -> FloatArray:
    """Multiply by a smooth field whose logarithm spreads by 0.15 to 0.75."""
    knots = rng.normal(0, 0.15 * severity, (1, 1, *[3] * (image.ndim - 1)))
    field = torch.from_numpy(knots).float()
    return bias_field(torch.from_numpy(image)[None], field)[0].numpy()


def stain(image: FloatArray, severity: int, rng: np.random.Generator) -> FloatArray:
    """Change amount, base and hue of haematoxylin and eosin."""
    gain = np.exp(rng.choice([-1.0, 1.0], (1, 3)) * 0.16 * severity)
    offset = rng.choice([-1.0, 1.0], (1, 3)) * 0.02 * severity
    hue = rng.normal(0, 0.03 * severity, (1, 3, 3))
    changed = vary_stains(
        torch.from_numpy(image)[None],
        gain=torch.from_numpy(gain).float(),
        offset=torch.from_numpy(offset).float(),
        hue=torch.from_numpy(hue).float(),
    )
    return changed[0].numpy()


def jpeg(image: FloatArray, severity: int, rng: np.random.Generator) -> FloatArray:
    """Compress to quality 50 down to 5."""
    del rng
    quality = torch.tensor([(50.0, 30.0, 18.0, 10.0, 5.0)[severity - 1]])
    flat = torch.from_numpy(image).flatten(0, -3)[:, None]  # planes of a scan one by one
    pieces = [compress(plane[None].clamp(0, 1), quality) for plane in flat]
    return torch.cat(pieces)[:, 0].reshape(image.shape).numpy()


@dataclass(frozen=True, kw_only=True)
class Corruption:
    """A kind of damage."""

    rule: Rule
    only_tissue: bool = False
    only_scans: bool = False


CORRUPTIONS: dict[str, Corruption] = {
    "noise": Corruption(rule=noise),
    "blur": Corruption(rule=blur),
    "contrast": Corruption(rule=contrast),
    "bias_field": Corruption(rule=bias, only_scans=True),
    "stain": Corruption(rule=stain, only_tissue=True),
    "jpeg": Corruption(rule=jpeg),
}
"""Stain is of tissue only, a bias field of scans only."""


@dataclass(frozen=True, kw_only=True)
class Damage:
    """One damage at one severity, for `judging.judge`."""

    name: str
    severity: int
    plan: Plan

    def __call__(self, image: FloatArray, place: int) -> FloatArray:
        """Damage the prepared image of a case, (C, *S)."""
        # The same draw at every severity, so that a curve shows more of one and the same damage.
        rng = np.random.default_rng([place, list(CORRUPTIONS).index(self.name)])
        rule = CORRUPTIONS[self.name].rule
        if self.plan.task == "instances":
            return np.clip(rule(np.clip(image, 0, 1), self.severity, rng), 0, 1)
        axes = tuple(range(1, image.ndim))
        low, high = image.min(axes, keepdims=True), image.max(axes, keepdims=True)
        unit = (image - low) / np.maximum(high - low, 1e-6)
        damaged = rule(unit, self.severity, rng) * (high - low) + low
        again = [dict(entry) for entry in self.plan.normalisation]
        if all(entry["kind"] == "zscore" for entry in again):
            return normalise(damaged, again)
        return damaged.astype(np.float32)
