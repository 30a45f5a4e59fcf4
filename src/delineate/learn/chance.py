"""Where the random generators stand: chance within a network is part of a run's state.

Batches are functions of seed and step and need none of it; dropout, skipped branches and the
choice of training points draw from torch's own generators.
"""

from collections.abc import Mapping

import torch
from torch import Tensor


def chance_states(device: torch.device) -> dict[str, Tensor]:
    """Collect the states of the generators that a network on a device draws from.

    Args:
        device: Where it trains.

    Returns:
        Bytes by "cpu" and, on a GPU, "cuda".
    """
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def restore_chance(states: Mapping[str, Tensor], device: torch.device) -> None:
    """Go on from what `chance_states` collected.

    Args:
        states: Bytes by name; empty, as older runs left them, changes nothing.
        device: Where the network trains; a run may go on elsewhere, with other chance then.
    """
    if "cpu" in states:
        torch.set_rng_state(states["cpu"].cpu())
    if "cuda" in states and device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"].cpu(), device)
