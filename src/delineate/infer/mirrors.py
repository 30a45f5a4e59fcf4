"""Mirror images averaged: a network asked once for each way of looking, its answers turned back."""

from collections.abc import Sequence
from contextlib import nullcontext
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn

from delineate.core.errors import ShapeError
from delineate.core.plan import Plan
from delineate.infer.device import has_bf16
from delineate.infer.window import Network


def average_mirrors(
    model: nn.Module, plan: Plan, device: torch.device, flips: Sequence[int]
) -> Network:
    """Make a function from tiles to logits that averages over mirror images.

    Args:
        model: The network, in evaluation mode, on the device.
        plan: Its plan.
        device: Where it runs.
        flips: Network axes that are mirrored, alone and together.

    Returns:
        Maps tiles (N, C, *S) on the CPU to logits (N, K, *S), float32, on the device.
    """
    layout = torch.channels_last if plan.dims == 2 else torch.channels_last_3d
    mirrors = [
        [axis + 2 for axis in axes]
        for count in range(len(flips) + 1)
        for axes in combinations(flips, count)
    ]

    def run(tiles: Tensor) -> Tensor:
        batch = tiles.to(device).contiguous(memory_format=layout)
        with torch.inference_mode(), _precision(plan, device):
            total: Tensor = model(batch)[0].float()
            for axes in mirrors[1:]:
                mirrored = model(batch.flip(axes))[0].float().flip(axes)
                if plan.task == "instances":
                    for axis in axes:  # an offset along a mirrored axis points back
                        mirrored[:, axis - 1].neg_()
                total = total + mirrored
            return (total / len(mirrors)).contiguous()

    return run


def check_flips(flips: Sequence[int], dims: int, name: str) -> tuple[int, ...]:
    """Check that a network can be asked for mirror images along these axes.

    Args:
        flips: Network axes, in any order.
        dims: Axes that the network sees.
        name: The model, for messages.

    Returns:
        The axes, ascending, each once.

    Raises:
        ShapeError: If the network has no such axis.
    """
    if not set(flips) <= set(range(dims)):
        raise ShapeError(
            f"flips must be axes from 0 to {dims - 1}, not {tuple(flips)}. "
            f"The model {name} sees {dims} axes."
        )
    return tuple(sorted(set(flips)))


def _precision(plan: Plan, device: torch.device) -> Any:  # noqa: ANN401 - one of two managers
    if plan.bf16 and has_bf16(device):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()
