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
    "cross_entropy": "delineate.losses.pixel:cross_entropy_loss",
    "focal": "delineate.losses.pixel:focal_loss",
    "dice": "delineate.losses.overlap:dice_loss",
    "tversky": "delineate.losses.overlap:tversky_loss",
    "focal_tversky": "delineate.losses.overlap:focal_tversky_loss",
    "generalised_dice": "delineate.losses.generalised_dice:generalised_dice_loss",
    "log_dice": "delineate.losses.logarithmic:log_dice_loss",
    "log_jaccard": "delineate.losses.logarithmic:log_jaccard_loss",
    "lovasz": "delineate.losses.lovasz:lovasz_loss",
    "boundary": "delineate.losses.boundary:boundary_loss",
    "boundary_ce": "delineate.losses.boundary:boundary_ce_loss",
    "border_ce": "delineate.losses.border:border_ce_loss",
    "hausdorff_dt": "delineate.losses.hausdorff_dt:hausdorff_dt_loss",
    "cldice": "delineate.losses.cldice:cldice_loss",
    "unified_focal": "delineate.losses.unified_focal:unified_focal_loss",
    "evidential": "delineate.losses.evidential:evidential_loss",
    "dice_ce": "delineate.losses.compound:dice_ce_loss",
    "tversky_ce": "delineate.losses.compound:tversky_ce_loss",
    "focal_tversky_ce": "delineate.losses.compound:focal_tversky_ce_loss",
    "dice_focal": "delineate.losses.compound:dice_focal_loss",
    "bce_dice_lovasz": "delineate.losses.compound:bce_dice_lovasz_loss",
    "lovasz_ce": "delineate.losses.compound:lovasz_ce_loss",
    "dice_boundary": "delineate.losses.shape:dice_boundary_loss",
    "dice_hausdorff": "delineate.losses.shape:dice_hausdorff_loss",
    "dice_cldice": "delineate.losses.shape:dice_cldice_loss",
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
