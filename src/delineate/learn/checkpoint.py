"""What a run leaves on disk: weights to use and a state to go on from, without pickle.

`best.safetensors` and `last_weights` hold averaged weights for prediction;
`state.safetensors` holds everything that the next step depends on.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from delineate.core.errors import PlanError
from delineate.core.files import whole
from delineate.core.plan import Plan


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """Tensors by name and what is to be known of them."""

    tensors: Mapping[str, Tensor]
    """Tensors by name."""
    facts: Mapping[str, Any]
    """Plain values: plan hash, step, history."""


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write tensors and facts to one file, whole or not at all.

    Args:
        path: A file ending in .safetensors.
        checkpoint: What to write.

    Raises:
        OSError: If the disk is full or gone; `whole` turns it into a sentence.
    """
    tensors = {
        name: tensor.detach().cpu().contiguous().clone()
        for name, tensor in checkpoint.tensors.items()
    }
    with whole(path) as draft:
        try:
            save_file(tensors, draft, metadata={"facts": json.dumps(dict(checkpoint.facts))})
        except SafetensorError as error:  # its only cause here is a disk that is full or gone
            raise OSError(str(error)) from error


def load_checkpoint(path: Path) -> Checkpoint:
    """Read what `save_checkpoint` wrote; no code of the file is run.

    Args:
        path: A file ending in .safetensors.

    Returns:
        Tensors on the CPU, and facts.

    Raises:
        PlanError: If the file is absent, damaged or not one of ours.
    """
    try:
        with safe_open(path, framework="pt") as handle:
            facts = json.loads((handle.metadata() or {}).get("facts", "{}"))
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise PlanError(
            f"{path} cannot be read as weights ({error}). Copy it again, or train anew."
        ) from error
    return Checkpoint(tensors=tensors, facts=facts)


def weights_facts(plan: Plan, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Describe weights, so that a reader can tell whether they belong to its plan.

    Args:
        plan: The plan that they were trained under.
        tensors: The weights.

    Returns:
        Plan hash, label table and the weights' own hash.
    """
    return {
        "plan_hash": plan.hash(),
        "labels": plan.labels.to_dict(),
        "weights_hash": hash_tensors(tensors),
    }


def hash_tensors(tensors: Mapping[str, Tensor]) -> str:
    """Summarise tensors by name, shape and every bit.

    Args:
        tensors: Tensors by name.

    Returns:
        Sixteen hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}{tuple(value.shape)}{value.dtype}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
