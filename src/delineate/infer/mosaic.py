"""Objects of an image of any size: windows are decoded one by one, each object has one owner.

The image is cut into cores. Each is decoded in a window that is larger by the decoder's reach,
and keeps the objects whose centre pixel lies in the core. Nothing is merged, so neither the
size of the cores nor their order matters, and memory is that of one window.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from delineate.core.errors import ShapeError
from delineate.infer.decoders import Decoder, Found, Maps

Read = Callable[[slice, slice], Maps]
"""Gives the maps of a window, by its rows and columns."""
Core = tuple[slice, slice]


@dataclass(frozen=True, kw_only=True, eq=False)
class Owned:
    """Objects with their places in the whole image; row k of every column tells of one."""

    centres: NDArray[np.int64]
    """The pixel (y, x) that names each object, (N, 2)."""
    boxes: NDArray[np.int64]
    """First row, first column, row after the last, column after the last, (N, 4)."""
    crops: tuple[NDArray[np.bool_], ...]
    """Each object's pixels within its box, (height, width)."""
    types: NDArray[np.int16]
    """Place of each object's type, (N,), from 1."""
    confidence: NDArray[np.float32]
    """Probability that each exists, (N,)."""
    type_probability: NDArray[np.float32]
    """Probability of its type, (N,)."""

    @property
    def count(self) -> int:
        """Number of objects."""
        return len(self.centres)


def lay_cores(shape: tuple[int, int], core: int) -> list[Core]:
    """Cut an image into cores of nearly equal size.

    Args:
        shape: Shape of the image, (Y, X).
        core: Longest side of a core, in pixels.

    Returns:
        Rows and columns of each, row by row.

    Raises:
        ShapeError: If `core` is not positive.
    """
    if core < 1:
        raise ShapeError(f"core must be at least 1 pixel, not {core}. The usual core is 1024.")
    rows, columns = (_cut(length, core) for length in shape)
    return list(itertools.product(rows, columns))


def decode_tiles(
    read: Read, shape: tuple[int, int], decoder: Decoder, *, core: int = 1024
) -> Iterator[Owned]:
    """Find the objects of an image, core by core.

    Args:
        read: Gives the maps of a window.
        shape: Shape of the image, (Y, X).
        decoder: Turns maps into objects.
        core: Longest side of a core, in pixels.

    Yields:
        The objects of each core; `gather` puts them together.
    """
    for place in lay_cores(shape, core):
        yield decode_core(read, shape, decoder, place)


def decode_core(read: Read, shape: tuple[int, int], decoder: Decoder, core: Core) -> Owned:
    """Find the objects whose centre lies in one core.

    Args:
        read: Gives the maps of a window.
        shape: Shape of the image, (Y, X).
        decoder: Turns maps into objects.
        core: Its rows and columns.

    Returns:
        The objects, by their centres' rows, then columns.

    Raises:
        ShapeError: If `read` gives maps of another shape than the window.
    """
    rows, columns = (
        slice(max(part.start - decoder.reach, 0), min(part.stop + decoder.reach, length))
        for part, length in zip(core, shape, strict=True)
    )
    maps = read(rows, columns)
    size = (rows.stop - rows.start, columns.stop - columns.start)
    if maps.foreground.shape != size:
        raise ShapeError(
            f"read must give maps of the window's shape {size}, not {maps.foreground.shape}. "
            "Read the rows and columns that it is asked for."
        )
    return _own(decoder.decode(maps), core, np.array([rows.start, columns.start], np.int64))


def gather(batches: Iterable[Owned]) -> Owned:
    """Put the objects of all cores together, in an order that no tiling changes.

    Args:
        batches: What `decode_tiles` yields, in any order.

    Returns:
        All objects, by their centres' rows, then columns.
    """
    parts = list(batches)
    if not parts:
        return _nothing()
    whole = Owned(
        centres=np.concatenate([part.centres for part in parts]),
        boxes=np.concatenate([part.boxes for part in parts]),
        crops=tuple(itertools.chain.from_iterable(part.crops for part in parts)),
        types=np.concatenate([part.types for part in parts]),
        confidence=np.concatenate([part.confidence for part in parts]),
        type_probability=np.concatenate([part.type_probability for part in parts]),
    )
    return _pick(whole, np.lexsort((whole.centres[:, 1], whole.centres[:, 0])))


def paint(owned: Owned, ids: NDArray[np.int32], *, first: int = 1) -> None:
    """Write the objects into an id map; a pixel that two claim goes to the later one.

    Args:
        owned: The objects.
        ids: The map of the whole image, (Y, X), which is changed; a memory map will do.
        first: Id of the first object; the others follow in order.
    """
    for number, (box, crop) in enumerate(
        zip(owned.boxes.tolist(), owned.crops, strict=True), first
    ):
        top, left, bottom, right = box
        ids[top:bottom, left:right][crop] = number


def _cut(length: int, core: int) -> list[slice]:
    size = math.ceil(length / max(math.ceil(length / core), 1))
    return [slice(start, min(start + size, length)) for start in range(0, length, size or 1)]


def _own(found: Found, core: Core, origin: NDArray[np.int64]) -> Owned:
    """Keep the objects whose centre lies in the core, in coordinates of the whole image."""
    centres = found.centres + origin
    low = [part.start for part in core]
    high = [part.stop for part in core]
    rows = np.flatnonzero(((centres >= low) & (centres < high)).all(axis=1))
    rows = rows[np.lexsort((centres[rows, 1], centres[rows, 0]))]
    places = ndimage.find_objects(found.ids, max_label=len(centres))
    boxes = np.zeros((len(rows), 4), np.int64)
    crops = []
    for place, row in enumerate(rows.tolist()):
        box = places[row]
        crops.append(found.ids[box] == row + 1)
        boxes[place] = [box[0].start, box[1].start, box[0].stop, box[1].stop]
    return Owned(
        centres=centres[rows],
        boxes=boxes + np.tile(origin, 2),
        crops=tuple(crops),
        types=found.types[rows],
        confidence=found.confidence[rows],
        type_probability=found.type_probability[rows],
    )


def _pick(owned: Owned, rows: NDArray[np.intp]) -> Owned:
    return Owned(
        centres=owned.centres[rows],
        boxes=owned.boxes[rows],
        crops=tuple(owned.crops[row] for row in rows.tolist()),
        types=owned.types[rows],
        confidence=owned.confidence[rows],
        type_probability=owned.type_probability[rows],
    )


def _nothing() -> Owned:
    return Owned(
        centres=np.zeros((0, 2), np.int64),
        boxes=np.zeros((0, 4), np.int64),
        crops=(),
        types=np.zeros(0, np.int16),
        confidence=np.zeros(0, np.float32),
        type_probability=np.zeros(0, np.float32),
    )
