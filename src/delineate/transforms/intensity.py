"""Intensities: the plan's normalisation, and batched changes that scanners make too.

`normalise` works on numpy arrays before resampling; the rest works on torch batches
(N, C, *S) with one parameter a sample, so that a whole batch costs one pass.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from delineate.core.errors import PlanError


def normalise(array: NDArray[Any], rules: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
    """Bring each channel to the range that the network was planned for.

    "zscore" subtracts the image's own mean and divides by its standard deviation;
    "window" clips to [low, high] and does so with the dataset's mean and std; "range" maps
    [low, high] to [0, 1].

    Args:
        array: Intensities, (C, *S), any real dtype.
        rules: One rule per channel, as in `Plan.normalisation`.

    Returns:
        Normalised intensities, (C, *S).

    Raises:
        PlanError: If a rule's kind is unknown or there are not as many rules as channels.
    """
    if len(rules) != len(array):
        raise PlanError(
            f"normalisation must have one rule per channel, not {len(rules)} for {len(array)}. "
            "Correct normalisation in plan.yaml."
        )
    return np.stack(
        [_normalise_channel(channel, rule) for channel, rule in zip(array, rules, strict=True)]
    )


def _normalise_channel(channel: NDArray[Any], rule: Mapping[str, Any]) -> NDArray[np.float32]:
    values = channel.astype(np.float32)
    match rule.get("kind"):
        case "zscore":
            mean = float(values.mean(dtype=np.float64))
            std = float(values.std(dtype=np.float64))
            return (values - np.float32(mean)) * np.float32(1 / max(std, 1e-6))
        case "window":
            np.clip(values, rule["low"], rule["high"], out=values)
            return (values - np.float32(rule["mean"])) * np.float32(1 / max(rule["std"], 1e-6))
        case "range":
            width = max(float(rule["high"]) - float(rule["low"]), 1e-6)
            return (values - np.float32(rule["low"])) * np.float32(1 / width)
        case kind:
            raise PlanError(
                f"normalisation kind must be zscore, window or range, not {kind!r}. "
                "Correct normalisation in plan.yaml."
            )


def adjust(image: Tensor, *, gain: Tensor, offset: Tensor, contrast: Tensor) -> Tensor:
    """Multiply, shift, and stretch around the mean, each sample and channel by its own amount.

    Args:
        image: Batch, (N, C, *S), float.
        gain: Factor, (N, C).
        offset: Addend in units of the normalised image, (N, C).
        contrast: Factor of the distance from the mean, (N, C).

    Returns:
        Changed batch, (N, C, *S).
    """
    mean = image.mean(dim=tuple(range(2, image.ndim)))
    slope = gain * contrast
    shift = gain * mean * (1 - contrast) + offset
    return image * _spread(slope, image) + _spread(shift, image)


def gamma(image: Tensor, exponent: Tensor) -> Tensor:
    """Raise each channel to a power between its own minimum and maximum.

    Args:
        image: Batch, (N, C, *S), float.
        exponent: Power, (N, C); 1 leaves a channel as it is.

    Returns:
        Changed batch of unchanged range, (N, C, *S).
    """
    flat = image.flatten(2)
    low, high = flat.amin(-1), flat.amax(-1)
    width = (high - low).clamp_min(1e-6)
    unit = (image - _spread(low, image)) / _spread(width, image)
    return unit.clamp_(0, 1).pow(_spread(exponent, image)) * _spread(width, image) + _spread(
        low, image
    )


def bias_field(image: Tensor, coarse: Tensor) -> Tensor:
    """Multiply by a smooth field, as an MR coil does.

    Args:
        image: Batch, (N, C, *S), float.
        coarse: Logarithm of the field on a few points, (N, 1, *T).

    Returns:
        Changed batch, (N, C, *S).
    """
    low = image.amin(dim=tuple(range(1, image.ndim)), keepdim=True)
    smooth = functional.interpolate(
        coarse, image.shape[2:], mode=_linear(image), align_corners=True
    )
    return (image - low) * smooth.exp() + low


def blur(image: Tensor, amount: Tensor) -> Tensor:
    """Mix each sample with its 3-point-per-axis binomial average.

    Args:
        image: Batch, (N, C, *S), float.
        amount: Share of the average, (N,), in [0, 1].

    Returns:
        Changed batch, (N, C, *S).
    """
    soft = image
    for axis in range(2, image.ndim):
        size = soft.shape[axis]
        first, last = soft.narrow(axis, 0, 1), soft.narrow(axis, size - 1, 1)
        wide = torch.cat([first, soft, last], dim=axis)
        soft = (wide.narrow(axis, 0, size) + 2 * soft + wide.narrow(axis, 2, size)) / 4
    return torch.lerp(image, soft, _spread(amount[:, None], image))


def coarsen(image: Tensor, factor: float) -> Tensor:
    """Lose detail by sampling down and up again.

    Args:
        image: Batch, (N, C, *S), float.
        factor: Share of the resolution that is kept, in (0, 1].

    Returns:
        Changed batch of unchanged shape, (N, C, *S).
    """
    size = [max(1, round(length * factor)) for length in image.shape[2:]]
    mode = _linear(image)  # the nearest would move everything by up to half a coarse step
    small = functional.interpolate(image, size, mode=mode, align_corners=False)
    return functional.interpolate(small, image.shape[2:], mode=mode, align_corners=False)


def _spread(values: Tensor, image: Tensor) -> Tensor:
    return values.reshape(*values.shape, *[1] * (image.ndim - values.ndim))


def _linear(image: Tensor) -> str:
    return "bilinear" if image.ndim == 4 else "trilinear"
