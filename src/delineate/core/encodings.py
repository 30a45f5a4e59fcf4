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
RIGHT, DOWN, LEFT, UP = range(4)  # each the right turn of the one before


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
    inside = np.asarray(mask, dtype=bool)
    rows, columns = inside.shape
    steps = np.zeros((rows + 1, columns + 1, 4), dtype=bool)  # by corner, then by direction
    padded = np.pad(inside, 1)
    steps[:-1, :-1, RIGHT] = inside & ~padded[:-2, 1:-1]
    steps[:-1, 1:, DOWN] = inside & ~padded[1:-1, 2:]
    steps[1:, 1:, LEFT] = inside & ~padded[2:, 1:-1]
    steps[1:, :-1, UP] = inside & ~padded[1:-1, :-2]
    keys, following = _followed(steps)
    direction = keys % 4
    is_corner = np.empty(len(keys), dtype=bool)
    is_corner[following] = direction[following] != direction
    order, ends = _walk(following, np.flatnonzero(direction == RIGHT))
    y, x = np.divmod(keys[order] // 4, columns + 1)
    corners = np.stack([x, y], axis=1) - 0.5
    kept = is_corner[order]
    # A ring has as many corners as turns among its steps.
    counts = np.cumsum(kept)[ends - 1] if len(ends) else ends
    return np.split(corners[kept], counts[:-1]) if len(ends) else []


def _followed(steps: BoolArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List unit steps, and for each the place of the one that follows it."""
    width = steps.shape[1]
    has_step = steps.reshape(-1)
    keys = np.flatnonzero(has_step)
    corner, direction = np.divmod(keys, 4)
    end = 4 * (corner + np.array([1, width, -1, -width])[direction])
    # Where two pixels touch at a corner there are two ways; the turn to the right keeps them apart.
    right, left = end + (direction + 1) % 4, end + (direction + 3) % 4
    chosen = np.where(
        has_step[right], right, np.where(has_step[end + direction], end + direction, left)
    )
    return keys, np.searchsorted(keys, chosen)


def _walk(
    following: NDArray[np.int64], starts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Go round every ring from its first start: all places in order, and where rings end."""
    after, is_open = following.tolist(), bytearray(b"\1") * len(following)
    order: list[int] = []
    ends = []
    for place in starts.tolist():
        if is_open[place]:
            while is_open[place]:
                is_open[place] = 0
                order.append(place)
                place = after[place]
            ends.append(len(order))
    return np.array(order, dtype=np.int64), np.array(ends, dtype=np.int64)
