"""Export: a trained network as an ONNX file, for runtimes that know nothing of Delineate."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from delineate.core.errors import FileError, ShapeError

if TYPE_CHECKING:
    from delineate.infer.bundle import Bundle

SUFFIX = ".onnx"
"""Ending of the file."""
FACTS = "delineate"
"""Name of the metadata that says what the network wants and what its outputs mean."""


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """Which network to write, and where to."""

    model: str
    """Name of a shipped model, or the folder of a run or bundle."""
    out: Path
    """File to write, which ends in .onnx."""
    size: str | None = None
    """Voxels of the image along each axis, such as 256,256; the plan's patch if left out."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written."""

    path: Path
    """The file."""
    shape: tuple[int, ...]
    """Of the image that it takes, (1, C, *S)."""
    outputs: int
    """Channels of its logits."""

    @property
    def text(self) -> str:
        """What to tell the user."""
        size = " x ".join(map(str, self.shape))
        return (
            f"Wrote {self.path} ({self.path.stat().st_size / 1e6:.1f} MB).\n"
            f"  input   image, {size}, float32, prepared as the metadata {FACTS!r} says\n"
            f"  output  logits, {self.outputs} channels on the image's grid, float32"
        )


def export(settings: ExportSettings) -> Exported:
    """Write a trained network as ONNX; its metadata say how to prepare an image.

    The file holds the network alone: bringing an image to the plan's spacing, normalising it,
    tiling, and taking objects out of maps stay with whoever runs it.

    Args:
        settings: What to write, and where to.

    Returns:
        What was written.

    Raises:
        FileError: If `out` does not end in .onnx, or cannot be written.
        ShapeError: If `size` does not have the network's number of axes.
    """
    if settings.out.suffix.lower() != SUFFIX:
        raise FileError(f"out must end in {SUFFIX}, not {settings.out.name!r}. Rename --out.")
    from delineate.infer.bundle import load_bundle, num_inputs, num_outputs
    from delineate.infer.onnx import export_onnx

    bundle = load_bundle(settings.model)
    size = _read_size(settings.size, bundle)
    shape = (1, num_inputs(bundle.plan), *size)
    export_onnx(bundle.model, shape, settings.out, facts={FACTS: _describe(bundle)})
    return Exported(path=settings.out, shape=shape, outputs=num_outputs(bundle.plan))


def _read_size(text: str | None, bundle: "Bundle") -> tuple[int, ...]:
    if text is None:
        return bundle.plan.patch[-bundle.plan.dims :]
    parts = [part.strip() for part in text.split(",")]
    dims = bundle.plan.dims
    if len(parts) != dims or not all(part.isdigit() and int(part) for part in parts):
        example = ",".join(["128"] * dims)
        raise ShapeError(
            f"size must be {dims} numbers above 0 for this network, not {text!r}. "
            f"Pass one such as --size {example}."
        )
    return tuple(map(int, parts))


def _describe(bundle: "Bundle") -> str:
    """Say in JSON what goes in and what comes out."""
    plan = bundle.plan
    facts = {
        "model": bundle.name,
        "weights_hash": bundle.weights_hash,
        "plan_hash": plan.hash(),
        "task": plan.task,
        "channels": plan.channels,
        "slices": plan.slices,
        "slice_step": plan.slice_step,
        "spacing_mm": plan.spacing_mm,
        "normalisation": plan.normalisation,
        "labels": plan.labels.to_dict(),
    }
    return json.dumps(facts)
