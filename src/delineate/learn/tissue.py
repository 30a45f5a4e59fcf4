"""How slides differ between laboratories: stain, lamp, focus, noise and compression, drawn.

Shape is varied as for any image (`batches.draw_warp`); this is what else a batch of tissue
goes through. Each part has its own chance, and each sample its own amount.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from delineate.transforms import intensity
from delineate.transforms.staining import compress, vary_stains


def vary_tissue(image: Tensor, ranges: Mapping[str, Any], rng: Generator) -> Tensor:
    """Change a batch as other laboratories and scanners would.

    Args:
        image: Red, green and blue, (N, 3, Y, X), in [0, 1].
        ranges: The plan's augmentation: "stain" {"gain", "offset", "hue"}, "brightness",
            "contrast" [low, high], "gamma" [low, high], "grey" (chance), "blur" [low, high],
            "lowres" (chance), "noise", "jpeg" [low, high].
        rng: Where randomness comes from.

    Returns:
        Changed batch, (N, 3, Y, X), in [0, 1].
    """
    count = len(image)
    image = _stain(image.clamp(0, 1), ranges.get("stain") or {}, rng)
    if "gamma" in ranges:
        low, high = np.log(ranges["gamma"])
        image = image.pow(_column(np.exp(rng.uniform(low, high, count))))
    bright = float(ranges.get("brightness", 0))
    low, high = ranges.get("contrast", (1.0, 1.0))
    image = intensity.adjust(
        image,
        gain=_numbers(rng.uniform(1 - bright, 1 + bright, (count, 1)).repeat(3, 1)),
        offset=torch.zeros(count, 3),
        contrast=_numbers(rng.uniform(low, high, (count, 1)).repeat(3, 1)),
    )
    grey = rng.random(count) < float(ranges.get("grey", 0))
    image = torch.where(_column(grey) > 0, image.mean(1, keepdim=True), image)
    return _optics(image, ranges, rng).clamp_(0, 1)


def _stain(image: Tensor, ranges: Mapping[str, Any], rng: Generator) -> Tensor:
    if not ranges:
        return image
    count = len(image)
    gain, offset, hue = (float(ranges.get(name, 0)) for name in ("gain", "offset", "hue"))
    return vary_stains(
        image,
        gain=_numbers(np.exp(rng.uniform(-gain, gain, (count, 3)))),
        offset=_numbers(rng.uniform(-offset, offset, (count, 3))),
        hue=_numbers(rng.normal(0, hue, (count, 3, 3))),
    )


def _optics(image: Tensor, ranges: Mapping[str, Any], rng: Generator) -> Tensor:
    """Blur, lose resolution, add noise and compress, in the order in which it happens."""
    count = len(image)
    if "blur" in ranges:
        for _ in range(3):  # three passes of the small kernel reach what a bad focus does
            amount = rng.uniform(*_pair(ranges["blur"]), size=count) * (rng.random(count) < 0.3)
            image = intensity.blur(image, _numbers(amount))
    if rng.random() < float(ranges.get("lowres", 0)):
        some = _column(rng.random(count) < 0.5)
        image = torch.lerp(image, intensity.coarsen(image, rng.uniform(0.4, 1)), some)
    if float(ranges.get("noise", 0)) > 0 and rng.random() < 0.5:
        spread = _column(rng.uniform(0, float(ranges["noise"]), count))
        grain = torch.from_numpy(rng.standard_normal(tuple(image.shape), dtype=np.float32))
        image = image + grain * spread
    if "jpeg" in ranges and rng.random() < 0.5:
        quality = _numbers(rng.uniform(*_pair(ranges["jpeg"]), size=count))
        some = _column(rng.random(count) < 0.5)
        image = torch.lerp(image, compress(image.clamp(0, 1), quality), some)
    return image


def _pair(values: Sequence[float]) -> tuple[float, float]:
    low, high = values
    return float(low), float(high)


def _numbers(values: Any) -> Tensor:  # noqa: ANN401 - an array of any float type
    return torch.from_numpy(np.asarray(values, dtype=np.float32))


def _column(values: Any) -> Tensor:  # noqa: ANN401 - an array of any type
    return _numbers(values).reshape(-1, 1, 1, 1)
