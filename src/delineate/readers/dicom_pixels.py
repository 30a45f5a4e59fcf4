"""Pixels of slices unpacked, rescaled and laid into one file that the parent process maps.

This runs in the child process: codecs are native code, and files come from anywhere. One slice
is held at a time, whatever the size of the series.
"""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from delineate.readers.dicom_header import opened
from delineate.readers.dicom_jpeg import unpack_extended
from delineate.readers.dicom_tags import EXTENDED, NATIVE, PLUGINS, Values

AnyArray = NDArray[Any]


class TooNarrowError(ValueError):
    """Values do not fit into the type that was chosen for the volume."""


def fill(request: Values) -> Iterator[Values]:
    """Unpack slices into their places of a raw file.

    Args:
        request: `target` (path of the file), `dtype`, `shape` (n, rows, columns) and `items`, one
            a slice: `path`, `member`, `frame` (from 0), `offset`, `syntax`, `rows`, `columns`,
            `allocated`, `stored`, `high`, `is_signed`, `slope`, `intercept`, `padding`, `air`.

    Yields:
        `at`, the place of a slice before it is touched; at its end `padded`, the voxels that were
        padding.

    Raises:
        TooNarrowError: If whole numbers do not fit; ask again with a wider type.
    """
    volume = np.memmap(
        request["target"], dtype=request["dtype"], mode="r+", shape=tuple(request["shape"])
    )
    padded = 0
    items = list(enumerate(request["items"]))
    for _, group in groupby(items, key=lambda entry: (entry[1]["path"], entry[1]["member"])):
        for place, item, stored in _unpacked(list(group)):
            if item is None:
                yield {"at": place}
            else:
                padded += rescale(_tile(stored, item), item, volume[place])
    yield {"padded": padded}


def digest(item: Values) -> str:
    """Take a fingerprint of a file's pixels as they are stored, to tell copies from others.

    Args:
        item: `path`, `member`, `frame`, `offset` and the other values of `fill`.

    Returns:
        Hexadecimal text.
    """
    stored = next(array for _, entry, array in _unpacked([(0, item)]) if entry is not None)
    return hashlib.sha256(np.ascontiguousarray(stored).tobytes()).hexdigest()


def rescale(stored: AnyArray, item: Values, target: AnyArray) -> int:
    """Turn stored values into what they mean, with air where the scanner only padded.

    Args:
        stored: Values as stored, (rows, columns), any integer type.
        item: `slope`, `intercept`, `padding` (lowest and highest stored value, or None) and `air`.
        target: Where the values go, (rows, columns), int16, int32 or float32.

    Returns:
        How many voxels were padding.

    Raises:
        TooNarrowError: If they do not fit into the target.
    """
    slope, intercept = item["slope"], item["intercept"]
    holes = None
    if item["padding"] is not None:
        low, high = item["padding"]
        holes = (stored >= low) & (stored <= high)
        holes = holes if holes.any() else None
    if target.dtype.kind == "f":
        np.add(
            np.multiply(stored, slope, dtype=np.float64), intercept, out=target, casting="unsafe"
        )
    else:
        _check_bounds(stored if holes is None else stored[~holes], item, target.dtype)
        values = stored.astype(target.dtype)  # wraps; what is added wraps it back
        if slope != 1:
            values *= np.int64(slope).astype(target.dtype)
        np.add(values, np.int64(intercept).astype(target.dtype), out=target)
    if holes is None:
        return 0
    target[holes] = item["air"]
    return int(holes.sum())


def _check_bounds(stored: AnyArray, item: Values, kind: np.dtype[Any]) -> None:
    if not stored.size:
        return
    ends = [
        int(value) * item["slope"] + item["intercept"] for value in (stored.min(), stored.max())
    ]
    limit = np.iinfo(kind)
    if min(ends) < limit.min or max(ends) > limit.max:
        raise TooNarrowError("values are wider than their type")


def _unpacked(group: Sequence[tuple[int, Values]]) -> Iterator[tuple[int, Any, AnyArray]]:
    """Give each slice of one file, announced before it is touched by an item of None."""
    first = group[0][1]
    nothing = np.empty(0)
    yield group[0][0], None, nothing
    with opened(first["path"], first["member"]) as stream:
        if first["offset"] is not None and first["syntax"] in NATIVE:
            for place, item in group:
                yield place, None, nothing
                yield place, item, _native(stream, item)
            return
        yield from _decoded(stream, group)


def _native(stream: IO[bytes], item: Values) -> AnyArray:
    size = item["allocated"] // 8
    count = item["rows"] * item["columns"]
    stream.seek(item["offset"] + item["frame"] * count * size)
    data = stream.read(count * size)
    if len(data) < count * size:
        raise EOFError("pixels end early")
    kind = f"{NATIVE[item['syntax']]}{'i' if item['is_signed'] else 'u'}{size}"
    return _clean(np.frombuffer(data, dtype=kind).reshape(item["rows"], item["columns"]), item)


def _decoded(
    stream: IO[bytes], group: Sequence[tuple[int, Values]]
) -> Iterator[tuple[int, Any, AnyArray]]:
    import pydicom
    from pydicom.encaps import get_frame
    from pydicom.pixels.decoders.base import get_decoder

    dataset = pydicom.dcmread(stream, force=True)
    syntax = group[0][1]["syntax"]
    decoder = get_decoder(pydicom.uid.UID(syntax))
    plugin = PLUGINS.get(syntax, "")
    for place, item in group:
        yield place, None, np.empty(0)
        if syntax == EXTENDED and item["stored"] > 8:
            frame = get_frame(
                dataset.PixelData, item["frame"], number_of_frames=dataset.get("NumberOfFrames", 1)
            )
            yield place, item, _clean(unpack_extended(frame, item), item)
            continue
        array, told = decoder.as_array(
            dataset, index=item["frame"], raw=True, decoding_plugin=plugin
        )
        if array.shape != (item["rows"], item["columns"]):
            raise ValueError("another size than promised")
        yield (
            place,
            item,
            _clean(array, {**item, "stored": told.get("bits_stored", item["stored"])}),
        )


def _tile(stored: AnyArray, item: Values) -> AnyArray:
    """Cut the slice out of a mosaic; others are whole."""
    if not item.get("tile"):
        return stored
    top, left, rows, columns = item["tile"]
    return stored[top : top + rows, left : left + columns]


def _clean(array: AnyArray, item: Values) -> AnyArray:
    """Bring to this machine's byte order, and clear bits that are not the image's."""
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    bits = array.dtype.itemsize * 8
    left = bits - 1 - item["high"]
    unused = bits - item["stored"]
    if unused <= 0 or not 0 <= left <= unused:
        return array
    if not item["is_signed"] and left == unused and not array.max(initial=0) >> item["stored"]:
        return array
    cleaned: AnyArray = np.right_shift(np.left_shift(array, left), unused)
    return cleaned
