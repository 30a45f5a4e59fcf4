"""What made a prediction, for whoever finds it later."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from delineate.core.plan import Plan


def tell_provenance(
    name: str,
    plan: Plan,
    *,
    weights_hash: str,
    device: torch.device,
    flips: Sequence[int],
    seconds: float,
) -> dict[str, Any]:
    """Say what made a prediction.

    Args:
        name: What the model is called.
        plan: Its plan.
        weights_hash: Tells its weights from others.
        device: Where it ran.
        flips: Network axes whose mirror images were averaged.
        seconds: Time that it took.

    Returns:
        Facts by name, of plain types.
    """
    try:
        release = version("delineate")
    except PackageNotFoundError:
        release = "unknown"
    return {
        "model": name,
        "weights_hash": weights_hash,
        "plan_hash": plan.hash(),
        "delineate": release,
        "torch": torch.__version__,
        "device": str(device),
        "flips": list(flips),
        "seconds": round(seconds, 3),
    }
