"""A network as an ONNX file, which other runtimes execute without PyTorch and without this code.

ONNX Runtime and OpenVINO run it on the processors that most hospitals have, OpenVINO several
times faster in bfloat16 (docs/networks.md). The size of the image is fixed: tiles have one
size, and a runtime plans memory and kernels for it.
"""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from delineate.core.errors import DelineateError, ShapeError
from delineate.core.files import whole

NEEDED = ("onnx", "onnxscript")
"""Packages of the extra `export` without which nothing is written."""
INPUT = "image"
"""Name of the file's input, (N, C, *S), float32."""
OUTPUT = "logits"
"""Name of the file's output, (N, K, *S), float32."""
OPSET = 20
"""Version of ONNX's operators: the first that samples a volume between its voxels."""


class _Finest(nn.Module):
    """The network, with its finest logits alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        finest: Tensor = self.network(image)[0].float()
        return finest


def export_onnx(
    model: nn.Module,
    shape: Sequence[int],
    path: str | Path,
    *,
    facts: Mapping[str, str] | None = None,
) -> None:
    """Write a network in evaluation mode as one ONNX file, whole or not at all.

    Args:
        model: Maps (N, C, *S) to a list of logits, the finest first, float32; its mode is put
            back.
        shape: Of the image that the file takes, (N, C, *S).
        path: The file, which ends in .onnx.
        facts: Texts that the file carries as its metadata, by name.

    Raises:
        DelineateError: If a package is absent, or the network has something that ONNX lacks.
        ShapeError: If the shape is not four or five numbers above 0.
    """
    if len(shape) not in (4, 5) or min(shape) < 1:
        raise ShapeError(
            f"shape must be four or five numbers above 0 (N, C, *S), not {tuple(shape)}. "
            "Pass one such as (1, 3, 256, 256)."
        )
    absent = [name for name in NEEDED if find_spec(name) is None]
    if absent:
        raise DelineateError(
            f"export needs {' and '.join(NEEDED)}, and {' and '.join(absent)} is not installed. "
            "Install them with `pip install 'delineate[export]'`."
        )
    was_training = model.training
    finest = _Finest(model).eval()
    try:
        with whole(path) as draft, torch.no_grad(), _quiet():
            _write(finest, torch.zeros(*shape), draft, facts or {})
    finally:
        model.train(was_training)


def _write(finest: nn.Module, image: Tensor, path: Path, facts: Mapping[str, str]) -> None:
    try:
        program = torch.onnx.export(
            finest,
            (image,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            verbose=False,
        )
    except torch.onnx.OnnxExporterError as error:
        reason = " ".join(str(error).split())[:300]
        raise DelineateError(
            f"model has something that ONNX cannot say ({reason}). "
            "Export another network of the table."
        ) from error
    if program is None:
        raise DelineateError("model gave no program. Export another network of the table.")
    program.model.metadata_props.update(facts)
    program.save(path, external_data=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what the exporter says of packages and functions that are not ours."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
