"""Networks by name; each maps (N, C, *S) to a list of logits, the finest first.

The rows name classes by module so that looking at the table does not import torch;
`build_model` imports the chosen one only.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from delineate.core.errors import PlanError, pick

if TYPE_CHECKING:
    from torch import nn

MODELS: dict[str, str] = {
    "unet": "delineate.models.unet:UNet",
    "unet_original": "delineate.models.unet_original:UNetOriginal",
    "unetpp": "delineate.models.unetpp:UNetPP",
    "resunetpp": "delineate.models.resunetpp:ResUNetPP",
    "deeplabv3": "delineate.models.deeplabv3:DeepLabV3",
    "deeplabv3plus": "delineate.models.deeplabv3plus:DeepLabV3Plus",
    "fpn": "delineate.models.fpn:FPN",
    "unet_encoder": "delineate.models.unet_encoder:UNetOnEncoder",
    "segformer": "delineate.models.segformer:SegFormer",
    "medsegformer": "delineate.models.medsegformer:MedSegFormer",
}


def build_model(
    name: str,
    in_channels: int,
    out_channels: int,
    dims: int,
    **options: Any,  # noqa: ANN401
) -> "nn.Module":
    """Build a network of the table.

    Args:
        name: Row of `MODELS`.
        in_channels: Channels of the input.
        out_channels: Channels of the logits.
        dims: Spatial axes, 2 or 3.
        **options: The network's own arguments, as `Plan.model_options`.

    Returns:
        The network, in training mode, (N, C, *S) to list of (N, K, *S / s).

    Raises:
        PlanError: If the network does not take one of the options.
    """
    module, kind = pick(MODELS, name, what="model").split(":")
    try:
        model: nn.Module = getattr(import_module(module), kind)(
            in_channels, out_channels, dims, **options
        )
    except TypeError as error:
        raise PlanError(
            f"Model {name!r} does not take these model_options: {options} ({error}). "
            "Correct them in plan.yaml."
        ) from error
    return model
