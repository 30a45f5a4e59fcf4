"""Delineate: medical image segmentation, from a folder of scans to standard files.

Names below are imported when first touched, so that `import delineate` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from delineate.core.case import Case, Prediction
    from delineate.core.errors import DelineateError
    from delineate.core.geometry import Geometry
    from delineate.core.image import Image, Mask
    from delineate.core.labels import Label, LabelTable
    from delineate.core.plan import Plan
    from delineate.datasets import DATASETS, open_dataset
    from delineate.infer.predictor import Predictor
    from delineate.losses import LOSSES
    from delineate.metrics import METRICS
    from delineate.models import MODELS
    from delineate.readers import READERS, read_image, read_mask
    from delineate.steps.describe import DescribeSettings, describe
    from delineate.steps.evaluate import EvaluateSettings, evaluate
    from delineate.steps.plan import PlanSettings, plan
    from delineate.steps.predict import PredictSettings, predict
    from delineate.steps.train import TrainSettings, train
    from delineate.writers import WRITERS, write_prediction

_HOMES = {
    "core.case": ("Case", "Prediction"),
    "core.errors": ("DelineateError",),
    "core.geometry": ("Geometry",),
    "core.image": ("Image", "Mask"),
    "core.labels": ("Label", "LabelTable"),
    "core.plan": ("Plan",),
    "readers": ("READERS", "read_image", "read_mask"),
    "writers": ("WRITERS", "write_prediction"),
    "models": ("MODELS",),
    "losses": ("LOSSES",),
    "metrics": ("METRICS",),
    "datasets": ("DATASETS", "open_dataset"),
    "infer.predictor": ("Predictor",),
    "steps.describe": ("DescribeSettings", "describe"),
    "steps.plan": ("PlanSettings", "plan"),
    "steps.train": ("TrainSettings", "train"),
    "steps.predict": ("PredictSettings", "predict"),
    "steps.evaluate": ("EvaluateSettings", "evaluate"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "DATASETS",
    "LOSSES",
    "METRICS",
    "MODELS",
    "READERS",
    "WRITERS",
    "Case",
    "DelineateError",
    "DescribeSettings",
    "EvaluateSettings",
    "Geometry",
    "Image",
    "Label",
    "LabelTable",
    "Mask",
    "Plan",
    "PlanSettings",
    "PredictSettings",
    "Prediction",
    "Predictor",
    "TrainSettings",
    "describe",
    "evaluate",
    "load",
    "open_dataset",
    "plan",
    "predict",
    "read_image",
    "read_mask",
    "train",
    "write_prediction",
]


def load(path_or_name: str, *, device: str = "auto") -> "Predictor":
    """Load a trained model: a shipped one by name, or a bundle or run folder by path.

    Args:
        path_or_name: Such as "hippocampus" or "runs/my".
        device: "auto" (CUDA if there is one), "cpu", "cuda" or "cuda:N".

    Returns:
        A predictor, whose `predict` takes an image and returns a prediction.

    Example:
        >>> model = load("hippocampus")  # doctest: +SKIP
        >>> model.predict(read_image("brain.nii.gz")).save("seg.nii.gz")  # doctest: +SKIP
    """
    from delineate.infer.predictor import Predictor

    return Predictor.load(path_or_name, device=device)


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module attribute of any type
    """Import a public name when it is first touched (PEP 562).

    Args:
        name: The attribute.

    Returns:
        What it names.

    Raises:
        AttributeError: If it is no public name.
    """
    if name not in _HOME_OF:
        raise AttributeError(f"module 'delineate' has no attribute {name!r}")
    value = getattr(import_module(f"delineate.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names.

    Returns:
        Names in alphabetical order.
    """
    return sorted(__all__)
