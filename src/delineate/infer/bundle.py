"""Find, check and load what training leaves: a folder with a plan and weights."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from delineate.core.errors import DelineateError, FileError, PlanError, pick
from delineate.core.plan import Plan
from delineate.core.slices import FUSION, slice_offsets
from delineate.infer.decoders import NUM_SHAPE_HEADS
from delineate.infer.leaks import read_facts, training_cases
from delineate.models import build_model
from delineate.models.slices import WIDTH, LateFusion

SHIPPED = Path(__file__).parents[1] / "bundles"
"""Folder of the bundles that come with the package, one folder each."""
WEIGHTS = ("weights.safetensors", "best.safetensors", "last.safetensors")
"""Names of weight files, the preferred first."""
MAX_OUTPUTS = 254
"""Outputs that an 8-bit label can tell apart."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Bundle:
    """A trained network with the plan that it was trained under."""

    name: str
    """The folder's name."""
    plan: Plan
    """Every decision."""
    model: nn.Module
    """The network, in evaluation mode, on the CPU."""
    weights_hash: str
    """Sixteen hexadecimal digits that tell these weights from others."""
    training_cases: frozenset[str] = frozenset()
    """Ids of the cases that it learnt from, as far as its folder tells."""
    temperature: float = 1.0
    """What logits are divided by before they become probabilities, fitted on unseen cases."""


def list_bundles() -> dict[str, Path]:
    """List the bundles that come with the package.

    Returns:
        Folder by name, in alphabetical order.
    """
    if not SHIPPED.is_dir():
        return {}
    folders = sorted(path for path in SHIPPED.iterdir() if (path / "plan.yaml").is_file())
    return {folder.name: folder for folder in folders}


def find_bundle(path_or_name: str | Path) -> Path:
    """Find a bundle or run folder by path, or a shipped bundle by name.

    Args:
        path_or_name: A folder with `plan.yaml`, or a name such as "hippocampus".

    Returns:
        The folder.

    Raises:
        FileError: If the path exists but is no bundle.
    """
    folder = Path(path_or_name)
    if (folder / "plan.yaml").is_file():
        return folder
    shipped = list_bundles()
    if folder.exists() and str(path_or_name) not in shipped:
        raise FileError(
            f"model must be a folder with plan.yaml and weights, but {folder} has no plan.yaml. "
            "Train one with `delineate train DATA --out RUN`, or name a shipped model."
        )
    return pick(shipped, str(path_or_name), what="run folder and no shipped model")


def load_bundle(path_or_name: str | Path) -> Bundle:
    """Load a bundle or a run folder; its weights must be those of its plan.

    Args:
        path_or_name: A folder, or the name of a shipped bundle.

    Returns:
        Plan and network.

    Raises:
        FileError: If the folder has no weights.
        PlanError: If plan and weights do not belong together.
    """
    folder = find_bundle(path_or_name)
    plan = Plan.load(folder / "plan.yaml")
    path = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if path is None:
        raise FileError(
            f"{folder} has a plan but no weights ({', '.join(WEIGHTS)}). "
            f"Train it first with `delineate train DATA --out {folder}`."
        )
    tensors, facts = _read_weights(path)
    if facts.get("plan_hash", plan.hash()) != plan.hash():
        raise PlanError(
            f"{path} was trained under plan {facts['plan_hash']}, but plan.yaml beside it is "
            f"{plan.hash()}. Undo the edits of plan.yaml, or train again with this plan."
        )
    try:
        model = build_network(plan)
    except DelineateError as error:
        raise PlanError(f"{folder / 'plan.yaml'} describes no network: {error}") from error
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        reason = " ".join(str(error).split("\n\t")[1:2]) or str(error)
        raise PlanError(
            f"{path} does not hold the weights of its plan's network ({reason.strip()}) "
            "Put the plan.yaml beside it that it was trained with, or train again."
        ) from error
    weights_hash = str(facts.get("weights_hash") or _hash_file(path))
    return Bundle(
        name=folder.resolve().name,
        plan=plan,
        model=model.eval(),
        weights_hash=weights_hash,
        training_cases=training_cases(folder),
        temperature=read_temperature(folder),
    )


def read_temperature(folder: Path) -> float:
    """Read what a bundle's logits are divided by before they become probabilities.

    Args:
        folder: A bundle or run.

    Returns:
        `calibration.temperature` of its `metrics.json`; 1 where nobody fitted one.

    Raises:
        FileError: If the file is damaged or the temperature is no number above 0.
    """
    facts = read_facts(folder, "metrics.json", {}, mend="")
    fitted = facts.get("calibration") if isinstance(facts, Mapping) else None
    value = fitted.get("temperature", 1.0) if isinstance(fitted, Mapping) else 1.0
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not isfinite(value) or value <= 0:
        raise FileError(
            f"calibration.temperature in {folder / 'metrics.json'} must be a number above 0, not "
            f"{value!r}. Correct it, or take calibration out."
        )
    return float(value)


def build_network(plan: Plan) -> nn.Module:
    """Build the network that a plan describes.

    Args:
        plan: The plan.

    Returns:
        The network, in training mode, (N, `num_inputs`, *S) to list of (N, `num_outputs`, *S).

    Raises:
        PlanError: If slices or options do not fit the network.
    """
    inputs, outputs = num_inputs(plan), num_outputs(plan)
    options = {name: value for name, value in plan.model_options.items() if name != FUSION}
    if plan.model_options.get(FUSION) != "late":
        return build_model(plan.model, inputs, outputs, plan.dims, **options)
    network = build_model(plan.model, WIDTH, outputs, plan.dims, **options)
    return LateFusion(network, len(plan.channels), plan.slices)


def num_inputs(plan: Plan) -> int:
    """Count the channels that a plan's network is given.

    Args:
        plan: The plan.

    Returns:
        Channels of the image times the slices that are seen at once.
    """
    return len(plan.channels) * len(slice_offsets(plan))


def num_outputs(plan: Plan) -> int:
    """Count the channels of a plan's logits.

    Args:
        plan: The plan.

    Returns:
        Number of labels, and one more for background where labels exclude each other; for
        instances foreground, two offsets, and the types where there are several.

    Raises:
        PlanError: If there are more than 254.
    """
    count = len(plan.labels.labels) + (1 if plan.labels.is_exclusive else 0)
    if plan.task == "instances":
        count = NUM_SHAPE_HEADS + (count - 1 if count > 2 else 0)
    if count > MAX_OUTPUTS:
        raise PlanError(
            f"labels must be at most {MAX_OUTPUTS} with the background, not {count}. "
            "Split them over several models."
        )
    return count


def _read_weights(path: Path) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
    try:
        with safe_open(path, framework="pt") as handle:
            metadata = handle.metadata() or {}
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
            facts: Mapping[str, Any] = json.loads(metadata.get("facts", "{}"))
    except (OSError, SafetensorError, ValueError) as error:
        raise FileError(
            f"{path} cannot be read as weights ({error}). Copy it again, or train again."
        ) from error
    return tensors, {**metadata, **facts}


def _hash_file(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:16]
