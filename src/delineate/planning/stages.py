"""Where a network halves its grid: axes take turns so that voxels become cubes on the way down."""

from collections.abc import Sequence
from dataclasses import dataclass

COARSEST = 4
"""No axis is halved below this many voxels; it leaves the deepest stage something to see."""

Rows = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Stages:
    """Stride and kernel of each stage and axis, finest stage first."""

    strides: Rows
    """Stride on entering the stage; the first is 1."""
    kernels: Rows
    """1 along an axis whose voxels are still more than twice as long as the shortest, else 3."""

    @property
    def total(self) -> tuple[int, ...]:
        """Product of the strides per axis."""
        totals = [1] * len(self.strides[0])
        for row in self.strides:
            totals = [total * stride for total, stride in zip(totals, row, strict=True)]
        return tuple(totals)

    @property
    def is_cubic(self) -> bool:
        """True if every kernel is 3 along every axis."""
        return all(size == 3 for row in self.kernels for size in row)


def divide(
    size: Sequence[float], spacing: Sequence[float], *, max_stages: int = 6, exact: bool = True
) -> Stages:
    """Halve the longest-sampled axes again and again while something is left to halve.

    An axis is halved if at least `COARSEST` voxels remain and its spacing is below twice the
    smallest among the axes that can still be halved.

    Args:
        size: Patch size in voxels.
        spacing: Length of a voxel per axis, in one unit.
        max_stages: Largest number of stages.
        exact: Whether an odd size stops the halving.

    Returns:
        At least two stages: a patch with nothing to halve is halved once all the same.
    """
    sizes, steps = [float(value) for value in size], [float(value) for value in spacing]
    strides = [tuple(1 for _ in sizes)]
    kernels = [_kernel(steps)]
    while len(strides) < max_stages:
        chosen = _halved(sizes, steps, exact=exact)
        if not any(chosen) and len(strides) == 1 and exact:
            chosen = [value == max(sizes) for value in sizes]
        if not any(chosen):
            break
        sizes = [value / (1 + take) for value, take in zip(sizes, chosen, strict=True)]
        steps = [value * (1 + take) for value, take in zip(steps, chosen, strict=True)]
        strides.append(tuple(1 + take for take in chosen))
        kernels.append(tuple(map(max, kernels[-1], _kernel(steps))))
    return Stages(strides=tuple(strides), kernels=tuple(kernels))


def round_up(size: Sequence[int], spacing: Sequence[float]) -> tuple[int, ...]:
    """Enlarge a size so that every axis that will be halved divides evenly.

    Args:
        size: Voxels to cover.
        spacing: Length of a voxel per axis.

    Returns:
        Sizes, multiples of 8 or of the total stride along halved axes, others unchanged.
    """
    longest = max(size)
    wanted = [max(value, 2 * COARSEST) if value == longest else value for value in size]
    for _ in range(8):
        total = divide(wanted, spacing, exact=False).total
        wanted = [
            -(-value // max(8, step)) * max(8, step) if step > 1 else value
            for value, step in zip(wanted, total, strict=True)
        ]
    return tuple(wanted)


def round_down(size: Sequence[float], spacing: Sequence[float]) -> tuple[int, ...]:
    """Shrink a size so that every axis that will be halved divides evenly.

    Args:
        size: Voxels at most, 8 or more along some axis.
        spacing: Length of a voxel per axis.

    Returns:
        Sizes, multiples of 8 or of the total stride along halved axes.
    """
    wanted = [max(1, int(value + 1e-6)) for value in size]
    for _ in range(8):
        total = divide(wanted, spacing, exact=False).total
        wanted = [
            value // max(8, step) * max(8, step) if step > 1 else value
            for value, step in zip(wanted, total, strict=True)
        ]
    return tuple(wanted)


def _kernel(steps: Sequence[float]) -> tuple[int, ...]:
    return tuple(1 if step > 2 * min(steps) else 3 for step in steps)


def _halved(sizes: Sequence[float], steps: Sequence[float], *, exact: bool) -> list[bool]:
    able = [value / 2 >= COARSEST and not (exact and value % 2) for value in sizes]
    finest = min((step for step, can in zip(steps, able, strict=True) if can), default=0.0)
    return [can and step < 2 * finest for step, can in zip(steps, able, strict=True)]
