"""A picture at another resolution, window by window, and objects back on its own pixels.

An enlarged picture and its ids would take many times the memory of what the user has, so
neither is ever made as a whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from delineate.infer.mosaic import Owned
from delineate.transforms.spatial import resample

STRIP = 1024
"""Rows that are counted at once, since counting widens every id to 8 bytes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaled:
    """A picture as it looks on another grid, worked out where it is looked at."""

    array: NDArray[np.uint8]
    """Colours, (C, *S)."""
    shape: tuple[int, ...]
    """The grid to look at it on, (Y, X)."""

    @classmethod
    def of(cls, array: NDArray[np.uint8], shape: tuple[int, ...]) -> "Scaled":
        """Prepare a picture for a grid; one that shrinks by two or more is shrunk at once.

        Args:
            array: Colours, (C, *S).
            shape: The grid, (Y, X).

        Returns:
            The picture on that grid.
        """
        if any(have >= 2 * want for have, want in zip(array.shape[1:], shape, strict=True)):
            array = _shrunk(array, shape)
        return cls(array=array, shape=shape)

    def window(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Look at a part, interpolated linearly as `transforms.spatial.resample` does.

        Args:
            rows: Rows of the grid.
            columns: Columns of the grid.

        Returns:
            Colours, (C, rows, columns).
        """
        if self.array.shape[1:] == self.shape:
            return self.array[:, rows, columns]
        taps = [
            _taps(wanted, have, size)
            for wanted, have, size in zip(
                (rows, columns), self.array.shape[1:], self.shape, strict=True
            )
        ]
        seen = tuple(slice(int(low[0]), int(high[-1]) + 1) for low, high, _ in taps)
        values = self.array[(slice(None), *seen)].astype(np.float32)
        for axis, (low, high, share) in enumerate(taps, start=1):
            first = seen[axis - 1].start
            below, above = (np.take(values, near - first, axis=axis) for near in (low, high))
            values = below + (above - below) * (share[:, None] if axis == 1 else share)
        rounded: NDArray[np.uint8] = np.rint(values).astype(np.uint8)
        return rounded


def paint_scaled(owned: Owned, ids: NDArray[np.int32], shape: Sequence[int]) -> NDArray[np.int64]:
    """Write objects into an id map of another resolution, each pixel taking the nearest.

    Args:
        owned: The objects, on a grid of `shape`; row k - 1 becomes id k.
        ids: The map, (*S), which is changed.
        shape: The grid of the objects, (Y, X).

    Returns:
        Pixels that each object has in the map, (N,); 0 if all went to others or between.
    """
    down, right = (
        np.minimum(((np.arange(size) + 0.5) * length / size).astype(np.intp), length - 1)
        for size, length in zip(ids.shape, shape, strict=True)
    )
    for number, (box, crop) in enumerate(zip(owned.boxes.tolist(), owned.crops, strict=True), 1):
        top, left, bottom, end = box
        rows = slice(*np.searchsorted(down, [top, bottom]))
        columns = slice(*np.searchsorted(right, [left, end]))
        inside = crop[np.ix_(down[rows] - top, right[columns] - left)]
        ids[rows, columns][inside] = number
    areas = np.zeros(owned.count + 1, np.int64)
    for start in range(0, len(ids), STRIP):
        areas += np.bincount(ids[start : start + STRIP].ravel(), minlength=len(areas))
    return areas[1:]


def _taps(
    wanted: slice, length: int, size: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Tell which two pixels each new one lies between, and how near it is to the second."""
    places = (np.arange(wanted.start, wanted.stop) + 0.5) * (length / size) - 0.5
    places = np.clip(places, 0, length - 1)
    low = places.astype(np.intp)
    return low, np.minimum(low + 1, length - 1), (places - low).astype(np.float32)


def _shrunk(array: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    result = np.empty((len(array), *shape), np.uint8)
    for place, channel in enumerate(array):  # one by one: floats take four times the memory
        values = resample(torch.from_numpy(channel.astype(np.float32))[None, None], shape)
        result[place] = values[0, 0].round_().clamp_(0, 255).numpy()
    return result
