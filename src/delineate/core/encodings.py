"""Run lengths and polygons to masks and back, with order and origin always stated.

Half of all errors with these encodings are a transposed order, a count from 0 or 1, or half a
pixel; so order and first index are arguments, and polygons have one convention: x runs along
the columns, y along the rows, and **the centre of the first pixel is (0, 0)**. That pixel
thus reaches from -0.5 to 0.5.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from delineate.core.errors import ShapeError

Order = Literal["row", "column"]
BoolArray = NDArray[np.bool_]


def encode_runs(mask: BoolArray, *, order: Order = "row", first: int = 1) -> NDArray[np.int64]:
    """Write a mask as runs of foreground.

    Args:
        mask: Foreground, (*S), bool.
        order: "row" if the last axis runs fastest (UW-Madison), "column" if the first
            (other Kaggle tables, COCO).
        first: Number of the first pixel, 0 or 1.

    Returns:
        Start and length of each run, (R, 2), in ascending order.

    Example:
        >>> encode_runs(np.array([[False, True, True]])).tolist()
        [[2, 2]]
    """
    flat = np.asarray(mask, dtype=bool).ravel(order="C" if order == "row" else "F")
    edges = np.flatnonzero(np.diff(flat, prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    return np.stack([starts + first, ends - starts], axis=1).astype(np.int64)


def decode_runs(
    runs: ArrayLike, shape: Sequence[int], *, order: Order = "row", first: int = 1
) -> BoolArray:
    """Paint runs of foreground into an empty mask.

    Args:
        runs: Start and length of each run, (R, 2) or flat (2R), integer; R may be 0.
        shape: Shape of the mask.
        order: "row" if the last axis runs fastest, "column" if the first.
        first: Number of the first pixel, 0 or 1.

    Returns:
        Foreground, (*S), bool.

    Raises:
        ShapeError: If the numbers are odd in count, or a run leaves the mask.
    """
    numbers = np.asarray(runs, dtype=np.int64).ravel()
    size = int(np.prod(shape))
    if numbers.size % 2:
        raise ShapeError(
            f"runs must be pairs of start and length, but there are {numbers.size} numbers. "
            "The table is cut short; export it again."
        )
    starts, lengths = numbers[::2] - first, numbers[1::2]
    if numbers.size and (starts.min() < 0 or lengths.min() < 0 or (starts + lengths).max() > size):
        raise ShapeError(
            f"runs must stay within {size} pixels counted from {first}, but they reach from "
            f"{starts.min() + first} to {(starts + lengths).max() + first - 1}. "
            "Check the shape and the number of the first pixel."
        )
    steps = np.zeros(size + 1, dtype=np.int64)
    np.add.at(steps, starts, 1)
    np.add.at(steps, starts + lengths, -1)
    return (np.cumsum(steps[:-1]) > 0).reshape(tuple(shape), order="C" if order == "row" else "F")


def runs_to_text(runs: NDArray[np.int64]) -> str:
    """Write runs as tables do: start, length, start, length ...

    Args:
        runs: Start and length of each run, (R, 2).

    Returns:
        Numbers with blanks between; empty for no run.
    """
    return " ".join(str(number) for number in runs.ravel().tolist())


def runs_from_text(text: str) -> NDArray[np.int64]:
    """Read what `runs_to_text` wrote.

    Args:
        text: Numbers with blanks between, or nothing.

    Returns:
        Start and length of each run, (R, 2).

    Raises:
        ShapeError: If a word is no number, or a number has no partner.
    """
    try:
        return np.array(text.split(), dtype=np.int64).reshape(-1, 2)
    except ValueError as error:
        raise ShapeError(
            f"runs must be pairs of whole numbers, not {text[:40]!r}. Export the table again."
        ) from error


def polygons_to_mask(polygons: Sequence[ArrayLike], shape: Sequence[int]) -> BoolArray:
    """Fill polygons; where an even number of them overlap is outside, so that rings make holes.

    A pixel is inside if its centre is. Of centres that lie exactly on an edge, those on a
    left or an upper edge are inside, so that neighbours share no pixel and leave no gap.

    Args:
        polygons: Corners (x, y) of each ring, (V, 2), closed by itself; the centre of the first
            pixel is (0, 0); corners may lie outside the mask.
        shape: (Y, X).

    Returns:
        Foreground, (Y, X), bool.

    Raises:
        ShapeError: If a polygon is no list of finite pairs.
    """
    rows, columns = shape
    toggles = np.zeros((rows, columns + 1), dtype=bool)
    for polygon in polygons:
        corners = np.asarray(polygon, dtype=np.float64)
        if corners.ndim != 2 or corners.shape[1] != 2 or not np.isfinite(corners).all():
            raise ShapeError(
                f"A polygon must be corners (x, y), (V, 2), not of shape {corners.shape}. "
                "Check the annotation file."
            )
        for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            low, high = sorted((y0, y1))
            crossed = np.arange(max(0, int(np.ceil(low))), min(rows, int(np.ceil(high))))
            if crossed.size:
                at = x0 + (crossed - y0) * (x1 - x0) / (y1 - y0)
                place = np.clip(np.ceil(at), 0, columns).astype(np.int64)
                toggles[crossed, place] ^= True
    return np.logical_xor.accumulate(toggles[:, :-1], axis=1)


def mask_to_polygons(mask: BoolArray) -> list[NDArray[np.float64]]:
    """Trace the outlines of a mask along the edges of its pixels.

    Pixels that touch at a corner only are traced apart. Filling the outlines with
    `polygons_to_mask` gives the same mask again.

    Args:
        mask: Foreground, (Y, X), bool.

    Returns:
        Corners (x, y) of each ring, (V, 2), at multiples of one half, with the centre of the
        first pixel at (0, 0); outer rings run clockwise as seen with y downwards, holes the
        other way.
    """
    steps = _boundary_steps(np.asarray(mask, dtype=bool))
    rings = []
    while steps:
        start = next(iter(steps))
        direction = steps[start][0]
        ring: list[tuple[int, int]] = []
        point = start
        while point in steps:
            options = steps[point]
            # At a corner where two pixels touch, the turn to the right keeps them apart.
            right = (-direction[1], direction[0])
            chosen = right if right in options else options[0]
            options.remove(chosen)
            if not options:
                del steps[point]
            if chosen != direction or not ring:
                ring.append(point)
            direction = chosen
            point = (point[0] + direction[0], point[1] + direction[1])
        corners = np.array(ring, dtype=np.float64) - 0.5
        rings.append(_without_straight_start(corners))
    return rings


def _boundary_steps(mask: BoolArray) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """List, for each pixel corner (x, y), the unit steps that have foreground on their right."""
    padded = np.pad(mask, 1)
    inside = padded[1:-1, 1:-1]
    sides = (  # neighbour, step, corner of the pixel where the step starts
        (padded[:-2, 1:-1], (1, 0), (0, 0)),
        (padded[1:-1, 2:], (0, 1), (1, 0)),
        (padded[2:, 1:-1], (-1, 0), (1, 1)),
        (padded[1:-1, :-2], (0, -1), (0, 1)),
    )
    steps: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for neighbour, step, (dx, dy) in sides:
        for y, x in np.argwhere(inside & ~neighbour).tolist():
            steps.setdefault((x + dx, y + dy), []).append(step)
    return steps


def _without_straight_start(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Drop the first corner if the ring only happens to begin there."""
    before, here, after = corners[-1], corners[0], corners[1]
    (ax, ay), (bx, by) = here - before, after - here
    return corners[1:] if ax * by == ay * bx else corners
