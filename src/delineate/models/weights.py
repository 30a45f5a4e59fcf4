"""Published weights: a file or folder that the user names, read without running any of it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError, safe_open
from torch import Tensor

from delineate.core.errors import FileError

FILES = ("model.safetensors", "pytorch_model.bin")
"""Names of weights in a folder, the preferred first."""
NESTS = ("state_dict", "model", "model_state_dict", "net")
"""Keys under which files of training runs keep the weights."""
UNKNOWN = "unknown"
"""A licence that nothing states."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Weights:
    """Tensors by the names that their authors gave, and what is stated of them."""

    path: Path
    """The file."""
    tensors: Mapping[str, Tensor]
    """Tensors by name."""
    config: Mapping[str, Any]
    """What `config.json` beside the file says; empty without one."""
    licence: str
    """As README.md, the file or the configuration states it, or `UNKNOWN`."""


def read_weights(path: Path) -> Weights:
    """Read a checkpoint.

    Args:
        path: A `.safetensors` file, a state dict saved by torch (`.bin`, `.pth`), or a folder
            that holds one of `FILES`.

    Returns:
        Its tensors, configuration and licence.

    Raises:
        FileError: If there is none, or it is damaged or holds more than tensors.
    """
    path = Path(path)
    if path.is_dir():
        found = next((path / name for name in FILES if (path / name).is_file()), None)
        if found is None:
            raise FileError(f"{path} holds neither {' nor '.join(FILES)}. Name the file itself.")
        path = found
    if not path.is_file():
        raise FileError(f"There is no file {path}. Name a .safetensors, .bin or .pth file.")
    is_safe = path.suffix == ".safetensors"
    tensors, stated = _read_safe(path) if is_safe else (_read_pickled(path), {})
    if not tensors:
        raise FileError(f"{path} holds no tensors by name. Save a state dict.")
    config = _read_config(path.with_name("config.json"))
    licence = _read_card(path.with_name("README.md")) or stated.get("license")
    return Weights(
        path=path,
        tensors=tensors,
        config=config,
        licence=str(licence or config.get("license") or UNKNOWN),
    )


def fit(tensor: Tensor, shape: Sequence[int]) -> Tensor | None:
    """Bring a tensor to the shape that a network has for it.

    Axes of length one come and go. A kernel for three channels is recoloured for n. A flat
    kernel becomes the middle plane of a deep one.

    Args:
        tensor: The published one.
        shape: The shape wanted.

    Returns:
        The tensor in that shape, or None where that cannot be.
    """
    if [size for size in tensor.shape if size > 1] == [size for size in shape if size > 1]:
        return tensor.reshape(tuple(shape))
    if tensor.ndim == 4 and tensor.shape[1] == 3 and len(shape) > 3 and shape[1] != 3:
        tensor = recolour(tensor, shape[1])
    if tensor.ndim == 4 and len(shape) == 5:
        deep = tensor.new_zeros(*tensor.shape[:2], shape[2], *tensor.shape[2:])
        deep[:, :, shape[2] // 2] = tensor
        tensor = deep
    return tensor if tuple(tensor.shape) == tuple(shape) else None


def recolour(kernel: Tensor, count: int) -> Tensor:
    """Bring a kernel for red, green and blue to another number of channels.

    The colours are repeated in turn and scaled by 3 / n, then all channels are moved by the same,
    so that their sum is kept: n equal channels give what an image of grey gave.

    Args:
        kernel: (K, 3, *S).
        count: Channels wanted, n.

    Returns:
        (K, n, *S).
    """
    turns = kernel[:, [place % 3 for place in range(count)]] * (3 / count)
    lost = kernel.sum(1, keepdim=True) - turns.sum(1, keepdim=True)
    return turns + lost / count


def _read_safe(path: Path) -> tuple[dict[str, Tensor], Mapping[str, str]]:
    try:
        with safe_open(path, framework="pt") as handle:
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
            return tensors, handle.metadata() or {}
    except (SafetensorError, OSError, ValueError) as error:
        raise FileError(f"{path} cannot be read as weights ({error}). Fetch it again.") from error


def _read_pickled(path: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's and pickle's own errors have no common parent but this
        raise FileError(
            f"{path} is damaged or holds more than weights, and code is not run "
            f"({type(error).__name__}). Fetch it again, or save its state dict alone."
        ) from error
    for nest in NESTS:
        if isinstance(content, Mapping) and isinstance(content.get(nest), Mapping):
            content = content[nest]
    entries = content.items() if isinstance(content, Mapping) else ()
    return {str(key): value for key, value in entries if isinstance(value, Tensor)}


def _read_config(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _read_card(path: Path) -> str | None:
    """Read the licence in the head of a README, between two lines `---`."""
    try:
        text = path.read_text(encoding="utf-8")
        head = re.match(r"---\s*\n(.*?)\n---", text, flags=re.DOTALL)
        facts = yaml.safe_load(head.group(1)) if head else {}
    except (OSError, ValueError, yaml.YAMLError):
        return None
    if not isinstance(facts, dict) or not facts.get("license"):
        return None
    words = [facts["license"], facts.get("license_name"), facts.get("license_link")]
    return ", ".join(str(word) for word in words if word)
