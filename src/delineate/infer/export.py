"""Logits to labels at full resolution, exactly and without ever holding all logits there.

Linear interpolation is a convex combination of eight neighbours, so a voxel whose eight
neighbours all choose the same label has that label: only the shell around borders is
interpolated. Slabs of logits come in order and go as soon as the planes they bear are done.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from delineate.models.uncertainty import MEASURES, measure
from delineate.transforms.spatial import rearrange

Decision = Literal["exclusive", "painted", "layers"]
Slabs = Iterable[tuple[int, Tensor]]

MIXED = 255
"""Code of a cell whose corners disagree; a network may have up to 254 outputs."""
DENSE_ABOVE = 0.3
"""Share of mixed voxels above which interpolating every voxel is cheaper."""
CHUNK_BYTES = 128 * 2**20
"""Largest block of interpolated logits in memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Canvas:
    """Arrays (or views) of the target shape that the export fills."""

    decision: Decision
    """"exclusive": the highest logit wins and output 0 is background; "painted": each output
    is present above 0 and later ones cover earlier ones; "layers": each output by itself."""
    labels: NDArray[Any]
    """Place in the outputs, 0 = background, (*S), uint8; or layers (K, *S), bool."""
    probabilities: NDArray[np.float16] | None = None
    """Probability of each output, (K, *S)."""
    entropy: NDArray[np.float16] | None = None
    """Entropy in nats, (*S); outputs that stand alone are averaged."""
    uncertainty: NDArray[np.float16] | None = None
    """Doubt from 0 (sure) to 1, (*S)."""
    measure: str = "entropy"
    """How it is measured: a row of `MEASURES`, or what the last channel besides the logits
    holds."""
    temperature: float = 1.0
    """What logits are divided by before they become probabilities; labels do not depend on it."""

    @property
    def is_dense(self) -> bool:
        """True if every voxel's logits are needed."""
        maps = (self.probabilities, self.entropy, self.uncertainty)
        return any(array is not None for array in maps)

    def viewed(self, order: Sequence[int], flips: Sequence[int]) -> "Canvas":
        """Look at the same arrays with their spatial axes permuted and then reversed.

        Args:
            order: Permutation of the spatial axes.
            flips: Axes, counted after it, to reverse.

        Returns:
            A canvas of views with three spatial axes.
        """

        def view(array: NDArray[Any]) -> NDArray[Any]:
            turned = rearrange(array, order, flips)
            return turned if len(order) == 3 else np.expand_dims(turned, -3)

        names = ("labels", "probabilities", "entropy", "uncertainty")
        arrays = {name: getattr(self, name) for name in names}
        views: dict[str, Any] = {
            name: view(array) for name, array in arrays.items() if array is not None
        }
        return replace(self, **views)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Axis:
    """The two neighbours of each target voxel along one axis, and the second's weight."""

    low: Tensor
    high: Tensor
    weight: Tensor

    @classmethod
    def of(cls, have: int, want: int, device: torch.device) -> "_Axis":
        place = (torch.arange(want, dtype=torch.float64, device=device) + 0.5) * (have / want) - 0.5
        place = place.clamp(0, have - 1)
        low = place.floor().long()
        weight = (place - low).float()
        return cls(low=low, high=(low + (weight > 0)).clamp_max(have - 1), weight=weight)

    def part(self, first: int, last: int, base: int) -> "_Axis":
        return _Axis(
            low=self.low[first:last] - base,
            high=self.high[first:last] - base,
            weight=self.weight[first:last],
        )


def export(slabs: Slabs, working: tuple[int, ...], canvas: Canvas) -> None:
    """Fill a canvas from slabs of logits, resampling from the working to the canvas's shape.

    Voxel faces are aligned (as `interpolate(align_corners=False)` does).

    Args:
        slabs: First plane and logits (K, z, Y, X) of consecutive slabs from plane 0 on; with
            doubt as one channel more where the canvas's measure is no row of `MEASURES`.
        working: Shape of all slabs together, (Z, Y, X).
        canvas: What to fill; its spatial shape is the target, (Z', Y', X').
    """
    target = canvas.labels.shape[-3:]
    is_same = tuple(working) == target
    for first, last, logits, axes in _blocks(slabs, working, target):
        planes = slice(first, last)
        if canvas.is_dense or is_same:
            _fill_dense(canvas, planes, logits if is_same else _interpolate(logits, axes))
        elif canvas.decision == "layers":
            for layer, channel in zip(canvas.labels, logits, strict=True):
                layer[planes] = _labels(channel[None], axes, "painted").cpu().numpy() > 0
        else:
            canvas.labels[planes] = _labels(logits, axes, canvas.decision).cpu().numpy()


def _blocks(
    slabs: Slabs, working: tuple[int, ...], target: tuple[int, ...]
) -> Iterator[tuple[int, int, Tensor, tuple[_Axis, _Axis, _Axis]]]:
    """Pair runs of target planes with the working planes that they need."""
    carry: Tensor | None = None
    done = 0
    for start, slab in slabs:
        if carry is None:
            z, y, x = (_Axis.of(*pair, slab.device) for pair in zip(working, target, strict=True))
            lows, highs = z.low.cpu().numpy(), z.high.cpu().numpy()
        else:
            start -= carry.shape[1]
            slab = torch.cat([carry, slab], dim=1)
        ready = int(np.searchsorted(highs, start + slab.shape[1]))
        step = max(1, CHUNK_BYTES // (4 * slab.shape[0] * math.prod(target[1:])))
        while done < ready:
            last = min(done + step, ready)
            base, end = int(lows[done]), int(highs[last - 1]) + 1
            yield done, last, slab[:, base - start : end - start], (z.part(done, last, base), y, x)
            done = last
        keep = int(lows[done]) - start if done < len(lows) else slab.shape[1]
        carry = slab[:, keep:].clone()


def _interpolate(logits: Tensor, axes: tuple[_Axis, _Axis, _Axis]) -> Tensor:
    """Interpolate every voxel: (K, z, Y, X) to (K, z', Y', X')."""
    z, y, x = axes
    low, high = logits.index_select(1, z.low), logits.index_select(1, z.high)
    planes = torch.lerp(low, high, z.weight[:, None, None])
    size = (len(y.low), len(x.low))
    return functional.interpolate(planes, size, mode="bilinear", align_corners=False)


def _labels(logits: Tensor, axes: tuple[_Axis, _Axis, _Axis], decision: Decision) -> Tensor:
    """Choose a label for each target voxel, interpolating the border shell only."""
    cells = decide(logits, decision)
    for place, size in enumerate(cells.shape):
        if size > 1:
            here, there = cells.narrow(place, 0, size - 1), cells.narrow(place, 1, size - 1)
            joined = torch.where(here == there, here, MIXED)
            cells = torch.cat([joined, cells.narrow(place, size - 1, 1)], dim=place)
    labels = cells
    for place, axis in enumerate(axes):
        labels = labels.index_select(place, axis.low)
    flat = labels.view(-1)
    shell = (flat == MIXED).nonzero()[:, 0]
    if len(shell) > DENSE_ABOVE * len(flat):
        return decide(_interpolate(logits, axes), decision)
    rows = logits.movedim(0, -1).contiguous()  # (z, Y, X, K): a voxel's logits lie together
    for part in torch.split(shell, max(1, CHUNK_BYTES // (16 * len(logits)))):
        flat[part] = decide(_interpolate_at(rows, axes, part), decision)
    return labels


def _interpolate_at(rows: Tensor, axes: tuple[_Axis, _Axis, _Axis], flat: Tensor) -> Tensor:
    """Interpolate chosen target voxels: (z, Y, X, K) and flat places (n,) to (K, n)."""
    _, height, width = (len(axis.low) for axis in axes)
    chosen = (flat // (height * width), flat // width % height, flat % width)
    strides = (rows.shape[1] * rows.shape[2], rows.shape[2], 1)
    ends = []
    for axis, place, stride in zip(axes, chosen, strides, strict=True):
        share = axis.weight[place]
        ends.append(((axis.low[place] * stride, 1 - share), (axis.high[place] * stride, share)))
    values = rows.view(-1, rows.shape[-1])
    total = torch.zeros((len(flat), rows.shape[-1]), device=rows.device)
    for (plane, first), (row, second), (column, third) in product(*ends):
        share = first * second * third
        total.addcmul_(values.index_select(0, plane + row + column), share[:, None])
    return total.T


def decide(logits: Tensor, decision: Decision) -> Tensor:
    """Turn logits into the places of the winning outputs.

    Args:
        logits: Raw scores, (K, *S), float.
        decision: "exclusive" or "painted", as in `Canvas`.

    Returns:
        0 for background, else the output's place ("exclusive": k; "painted": k + 1), (*S),
        uint8. Equal logits go to the first.
    """
    if decision == "exclusive":
        winner = torch.zeros(logits.shape[1:], dtype=torch.uint8, device=logits.device)
        best = logits[0].clone()
        for place in range(1, len(logits)):
            winner.masked_fill_(logits[place] > best, place)
            torch.maximum(best, logits[place], out=best)
        return winner
    winner = torch.zeros(logits.shape[1:], dtype=torch.uint8, device=logits.device)
    for place, channel in enumerate(logits):
        winner.masked_fill_(channel > 0, place + 1)
    return winner


def _fill_dense(canvas: Canvas, planes: slice, logits: Tensor) -> None:
    if canvas.uncertainty is not None and canvas.measure not in MEASURES:
        canvas.uncertainty[planes] = logits[-1].clamp(0, 1).half().cpu().numpy()
        logits = logits[:-1]
    if canvas.decision == "layers":
        canvas.labels[:, planes] = (logits > 0).cpu().numpy()
    else:
        canvas.labels[planes] = decide(logits, canvas.decision).cpu().numpy()
    if canvas.is_dense:
        _fill_maps(canvas, planes, logits)


def _fill_maps(canvas: Canvas, planes: slice, raw: Tensor) -> None:
    logits = raw / canvas.temperature
    is_exclusive = canvas.decision == "exclusive"
    if canvas.uncertainty is not None and canvas.measure in MEASURES:
        # The temperature is fitted to probabilities; evidence is none.
        scores = raw if canvas.measure == "evidential" else logits
        kind = "exclusive" if is_exclusive else "layers"
        doubt = measure(canvas.measure, scores[None], kind)[0]
        canvas.uncertainty[planes] = doubt.clamp(0, 1).half().cpu().numpy()
    if canvas.probabilities is None and canvas.entropy is None:
        return
    if is_exclusive:
        logs = logits.log_softmax(0)
        chances = logs.exp()
        entropy = -(chances * logs).sum(0)
    else:
        chances = logits.sigmoid()
        coins = functional.binary_cross_entropy_with_logits(logits, chances, reduction="none")
        entropy = coins.mean(0)
    if canvas.probabilities is not None:
        canvas.probabilities[:, planes] = chances.half().cpu().numpy()
    if canvas.entropy is not None:
        canvas.entropy[planes] = entropy.half().cpu().numpy()
