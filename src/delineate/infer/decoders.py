"""From a network's maps to objects: what goes in, what comes out, and the table of ways."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from delineate.core.errors import PlanError, pick

OFFSET_SCALE = 10.0
"""Working pixels to one unit of the network's centre offsets, so that all heads learn alike."""
NUM_SHAPE_HEADS = 3
"""Channels before the types: foreground, offset along y, offset along x."""

DECODERS: dict[str, str] = {
    "voting": "delineate.infer.voting:Voting",
    "hv": "delineate.infer.hv:HorizontalVertical",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Maps:
    """What a network says of a window, on the working grid."""

    foreground: NDArray[np.float32]
    """Probability of lying in an object, (Y, X), in [0, 1]."""
    vectors: NDArray[np.float32]
    """Voting: offset to the object's centre in pixels, (2, Y, X), along y and x. HV: the
    place within the object from -1 to 1 along y and x, of the opposite sign."""
    types: NDArray[np.float32] | None = None
    """Probability of each type given an object, (K, Y, X); None where there is but one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """Objects of a window; row k - 1 tells of id k."""

    ids: NDArray[np.int32]
    """Which object each pixel belongs to, (Y, X), 0 outside."""
    centres: NDArray[np.int64]
    """The pixel (y, x) that names each object, (N, 2); no two share one. It decides which tile
    owns the object and depends on nothing farther away than the decoder's `reach`."""
    types: NDArray[np.int16]
    """Place of each object's type, (N,), from 1; all 1 where there is but one type."""
    confidence: NDArray[np.float32]
    """Probability that each exists, (N,)."""
    type_probability: NDArray[np.float32]
    """Probability of its type, (N,)."""


class Decoder(Protocol):
    """Turns maps into objects; a pure function with settings."""

    @property
    def reach(self) -> int:
        """Pixels beyond an object's centre that its decoding may look at."""
        ...

    def decode(self, maps: Maps) -> Found:
        """Find the objects of a window."""
        ...


def make_decoder(name: str, **options: Any) -> Decoder:  # noqa: ANN401 - the decoder's own
    """Make a decoder of the table.

    Args:
        name: Row of `DECODERS`.
        **options: Its settings, as `Plan.decoder_options`.

    Returns:
        The decoder.

    Raises:
        PlanError: If it does not take one of the options.
    """
    module, kind = pick(DECODERS, name, what="decoder").split(":")
    try:
        decoder: Decoder = getattr(import_module(module), kind)(**options)
    except TypeError as error:
        raise PlanError(
            f"Decoder {name!r} does not take these decoder_options: {options} ({error}). "
            "Correct them in plan.yaml."
        ) from error
    return decoder


@torch.no_grad()
def read_heads(logits: Tensor) -> Maps:
    """Turn the logits of a nuclei network into maps.

    Args:
        logits: (3 + K, Y, X): foreground, offsets along y and x in units of `OFFSET_SCALE`
            pixels, then K types, or none where there is but one type.

    Returns:
        The maps.
    """
    scores = logits.float()
    has_types = len(scores) > NUM_SHAPE_HEADS
    types = scores[NUM_SHAPE_HEADS:].softmax(0).cpu().numpy() if has_types else None
    return Maps(
        foreground=scores[0].sigmoid().cpu().numpy(),
        vectors=(scores[1:NUM_SHAPE_HEADS] * OFFSET_SCALE).cpu().numpy(),
        types=types,
    )
