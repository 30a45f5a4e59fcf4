"""Networks with their usual options, by name: what a table of networks lists."""

from typing import Any

from delineate.models import MODELS

_TRANSFORMERS = ("b0", "b1", "b2", "b3", "b4", "b5")

VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "unet": {
        "32": {"features": (32, 64, 128, 256, 512)},
        "64": {"features": (64, 128, 256, 512, 1024)},
    },
    "segformer": {size: {"size": size} for size in _TRANSFORMERS},
    "medsegformer": {size: {"size": size} for size in ("nano", "tiny", *_TRANSFORMERS[:3])},
    "unet_encoder": {
        "resnet18": {"encoder": "resnet18"},
        "resnet34": {"encoder": "resnet34"},
        "mobilenet_v2": {"encoder": "mobilenet_v2"},
    },
    "fpn": {"resnet18": {"encoder": "resnet18"}, "resnet50": {"encoder": "resnet50"}},
    "deeplabv3": {"resnet50": {"encoder": "resnet50"}, "resnet101": {"encoder": "resnet101"}},
    "deeplabv3plus": {
        "mobilenet_v2": {"encoder": "mobilenet_v2", "output_stride": 16},
        "resnet34": {"encoder": "resnet34", "output_stride": 16},
        "resnet50": {"encoder": "resnet50", "output_stride": 16},
    },
}
"""Options of a row of `MODELS`, by what is added to its name; a row that is absent here has one
variant, its defaults."""


def list_variants() -> dict[str, tuple[str, dict[str, Any]]]:
    """List every network of the table with its usual options.

    Returns:
        Row of `MODELS` and options by name, such as "segformer-b0"; a row of one variant keeps
        its own name.
    """
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for row in MODELS:
        for end, options in VARIANTS.get(row, {"": {}}).items():
            found[f"{row}-{end}" if end else row] = (row, options)
    return found
