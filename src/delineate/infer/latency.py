"""How long a network takes for one image."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from delineate.infer.device import has_bf16


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Times of single passes."""

    seconds: tuple[float, ...]
    """Each pass after warming up."""

    @property
    def median_s(self) -> float:
        """The middle one, in seconds."""
        return median(self.seconds)


def precisions(device: torch.device) -> tuple[str, ...]:
    """Say in which precisions a device is worth measuring.

    Args:
        device: Where networks run.

    Returns:
        "fp32", and "bf16" where the device computes in it.
    """
    return ("bf16", "fp32") if has_bf16(device) else ("fp32",)


@torch.inference_mode()
def measure_latency(
    network: nn.Module, image: Tensor, kinds: Sequence[str], *, rounds: int, warm_up: int = 2
) -> dict[str, Latency]:
    """Time passes as prediction takes them; precisions take turns, so that noise meets all.

    Args:
        network: Moved to channels-last memory and evaluation mode.
        image: (N, C, *S), on the network's device.
        kinds: What `precisions` said.
        rounds: Passes that count, at least 1.
        warm_up: Passes before them.

    Returns:
        Latency by precision.
    """
    layout = torch.channels_last if image.ndim == 4 else torch.channels_last_3d
    network.eval().to(memory_format=layout)  # type: ignore[call-overload]
    batch = image.contiguous(memory_format=layout)
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for turn in range(warm_up + rounds):
        for kind, found in times.items():
            seconds = _pass(network, batch, kind)
            if turn >= warm_up:
                found.append(seconds)
    return {kind: Latency(seconds=tuple(found)) for kind, found in times.items()}


def _pass(network: nn.Module, image: Tensor, kind: str) -> float:
    device = image.device.type
    start = perf_counter()
    with _precision(device, kind):
        network(image)
    if device == "cuda":
        torch.cuda.synchronize(image.device)
    return perf_counter() - start


def _precision(device: str, kind: str) -> Any:  # noqa: ANN401 - one of two context managers
    return torch.autocast(device, torch.bfloat16) if kind == "bf16" else nullcontext()
