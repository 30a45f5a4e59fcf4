"""Losses by name; each maps logits (N, K, *S) and a target to one number.

The rows name functions by module so that looking at the table does not import torch;
`get_loss` imports the chosen one only.
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from delineate.core.errors import pick

LOSSES: dict[str, str] = {
    "dice": "delineate.losses.overlap:dice_loss",
    "tversky": "delineate.losses.overlap:tversky_loss",
    "cross_entropy": "delineate.losses.pixel:cross_entropy_loss",
    "dice_ce": "delineate.losses.compound:dice_ce_loss",
    "tversky_ce": "delineate.losses.compound:tversky_ce_loss",
    "nuclei": "delineate.losses.nuclei:nuclei_loss",
}


def get_loss(name: str, **options: Any) -> Callable[..., Any]:  # noqa: ANN401 - the loss's own
    """Look a loss up and fix its options.

    Args:
        name: Row of `LOSSES`.
        **options: Keyword arguments of the loss, as `Plan.loss_options`.

    Returns:
        Function of logits (N, K, *S) and target.
    """
    module, function = pick(LOSSES, name, what="loss").split(":")
    return partial(getattr(import_module(module), function), **options)
