"""Encoders by name: what gives a pyramid of features to any decoder.

Rows name classes by module, with the options that make the row; `build_encoder` imports the
chosen one only.
"""

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from delineate.core.errors import PlanError, pick

if TYPE_CHECKING:
    from torch import nn

TRANSFORMER = "delineate.models.mit:MixTransformer"
ENCODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "resnet18": ("delineate.models.resnet:ResNet", {"depth": 18}),
    "resnet34": ("delineate.models.resnet:ResNet", {"depth": 34}),
    "resnet50": ("delineate.models.resnet:ResNet", {"depth": 50}),
    "resnet101": ("delineate.models.resnet:ResNet", {"depth": 101}),
    "mobilenet_v2": ("delineate.models.mobilenet:MobileNetV2", {}),
    "mit_b0": (TRANSFORMER, {"widths": (32, 64, 160, 256), "depths": (2, 2, 2, 2)}),
    "mit_b1": (TRANSFORMER, {"widths": (64, 128, 320, 512), "depths": (2, 2, 2, 2)}),
    "mit_b2": (TRANSFORMER, {"widths": (64, 128, 320, 512), "depths": (3, 4, 6, 3)}),
    "mit_b3": (TRANSFORMER, {"widths": (64, 128, 320, 512), "depths": (3, 4, 18, 3)}),
    "mit_b4": (TRANSFORMER, {"widths": (64, 128, 320, 512), "depths": (3, 8, 27, 3)}),
    "mit_b5": (TRANSFORMER, {"widths": (64, 128, 320, 512), "depths": (3, 6, 40, 3)}),
}
"""Home of each encoder, and the options that make the row."""


def build_encoder(
    name: str,
    in_channels: int,
    dims: int,
    *,
    norm: str = "batch",
    **options: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401 - a module that keeps the contract Encoder
    """Build an encoder of the table.

    Args:
        name: Row of `ENCODERS`.
        in_channels: Channels of the image.
        dims: Spatial axes, 2 or 3.
        norm: Normalisation, for encoders that leave a choice.
        **options: The encoder's own arguments, such as `strides`, `output_stride`, `width`;
            those that are None stay at their defaults.

    Returns:
        A module that keeps the contract `Encoder`.

    Raises:
        PlanError: If the encoder does not take one of the options.
    """
    home, preset = pick(ENCODERS, name, what="encoder")
    module, kind = home.split(":")
    maker: type[nn.Module] = getattr(import_module(module), kind)
    known = inspect.signature(maker).parameters
    given = preset | {key: value for key, value in options.items() if value is not None}
    if "norm" in known:
        given["norm"] = norm
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise PlanError(
            f"Encoder {name!r} has no option {', '.join(unknown)}; it takes "
            f"{', '.join(list(known)[2:])}. Correct model_options."
        )
    return maker(in_channels, dims, **given)
