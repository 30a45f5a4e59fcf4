"""Encoders that begin with what ImageNet taught: a file that the user names, read and fitted.

Nothing is downloaded. The file holds weights only; nothing in it is run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from delineate.core.errors import PlanError, pick
from delineate.models.weights import read_weights, recolour

LEAST_SHARE = 0.95
"""Share of the encoder's tensors that a file must hold."""
INFLATIONS = {"centre": "centre", "mean": "mean"}
"""Ways from a flat kernel to a deep one."""
COUNTER = "num_batches_tracked"
"""Counters that carry no knowledge."""


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Which tensors of a file went into an encoder."""

    matched: tuple[str, ...]
    """Tensors of the encoder that the file gave."""
    adapted: tuple[str, ...]
    """Those of them whose kernels were fitted to other channels or axes."""
    missing: tuple[str, ...]
    """Tensors of the encoder that the file lacks, or has in another shape."""
    unexpected: tuple[str, ...]
    """Tensors of the file that the encoder has no place for."""


def load_imagenet(encoder: nn.Module, path: Path, *, inflation: str = "centre") -> Transfer:
    """Fill an encoder with published weights.

    Where the image has other channels than three, the first kernel is recoloured, so that equal
    channels give what an image of grey gave. In volumes, each flat kernel fills a deep one.

    Args:
        encoder: A residual network or MobileNetV2 of this package; changed in place.
        path: File with the names that torchvision gives: `.safetensors`, or a state dict saved
            by torch.
        inflation: "centre" puts a flat kernel into the middle of a deep one, zeros beside it;
            "mean" into each of its planes, divided by their number.

    Returns:
        What matched and what did not.

    Raises:
        FileError: If the file is absent, damaged or holds other things than tensors.
        PlanError: If it holds less than 95 % of the encoder's tensors.

    Source:
        Inflation: Carreira and Zisserman, 2017, arXiv:1705.07750.
    """
    pick(INFLATIONS, inflation, what="inflation")
    found = _named_as(encoder, read_weights(path).tensors)
    own = {key: value for key, value in encoder.state_dict().items() if COUNTER not in key}
    first = next(iter(own))
    fitted: dict[str, Tensor] = {}
    for key, value in own.items():
        if key in found:
            tensor = _fit(found[key], value, inflation, is_first=key == first)
            if tensor is not None:
                fitted[key] = tensor
    missing = tuple(key for key in own if key not in fitted)
    unexpected = tuple(key for key in found if key not in own and COUNTER not in key)
    if len(fitted) < LEAST_SHARE * len(own):
        raise PlanError(
            f"{path} must hold at least {LEAST_SHARE:.0%} of the encoder's {len(own)} tensors, "
            f"not {len(fitted)}; missing are {_some(missing)}, unknown {_some(unexpected)}. "
            "Name the weights of this very encoder at width 1."
        )
    encoder.load_state_dict(fitted, strict=False)
    return Transfer(
        matched=tuple(fitted),
        adapted=tuple(key for key in fitted if found[key].shape != own[key].shape),
        missing=missing,
        unexpected=unexpected,
    )


def _named_as(encoder: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take away the prefix, such as "module.", without which most names are the encoder's."""
    own = list(encoder.state_dict())
    starts = {key.removesuffix(own[0]) for key in weights if key.endswith(own[0])} | {""}
    prefix = max(sorted(starts), key=lambda start: sum(start + key in weights for key in own))
    return {key.removeprefix(prefix): value for key, value in weights.items()}


def _fit(found: Tensor, own: Tensor, inflation: str, *, is_first: bool) -> Tensor | None:
    """Bring a tensor to the encoder's shape; None where that cannot be."""
    if is_first and found.ndim > 1 and found.shape[1] == 3 and own.shape[1] != 3:
        found = recolour(found, own.shape[1])
    flat = found.ndim == 4 and own.ndim == 5 and own.shape[:2] == found.shape[:2]
    if flat and own.shape[3:] == found.shape[2:]:
        found = _inflated(found, own.shape[2], inflation)
    return found.to(own.dtype) if found.shape == own.shape else None


def _inflated(kernel: Tensor, depth: int, inflation: str) -> Tensor:
    planes = kernel.unsqueeze(2).repeat(1, 1, depth, 1, 1)
    if inflation == "mean":
        return planes / depth
    weights = torch.zeros(depth, dtype=kernel.dtype)
    weights[depth // 2] = 1
    return planes * weights[:, None, None]


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "") if names else "none"
