"""Siemens mosaics: many slices laid side by side in one picture, with one position for all."""

import math
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from delineate.readers.dicom_tags import Values

NUM_TILES = (0x0019, 0x100A)
"""Siemens: how many slices the picture holds."""
CSA_IMAGE = (0x0029, 0x1010)
"""Siemens: a table of its own, which knows the direction of the slices."""
MAX_TILES = 1024
"""Slices of one mosaic that are believed."""


def tiles(dataset: Any, plane: Values) -> Iterator[Values]:  # noqa: ANN401 - a pydicom dataset
    """Give each slice of a mosaic its own place.

    The stated position is that of the whole picture laid around the centre of the first slice, so
    it moves by half of what the picture is larger than a slice.

    Args:
        dataset: The header.
        plane: Values of the whole picture, as `dicom_header` found them.

    Yields:
        Values of each slice with `tile`: first row, first column, rows and columns. The whole
        picture, without a position, if the header does not say how it is laid out.
    """
    count = _count(dataset)
    needed = (plane["position"], plane["orientation"], plane["spacing"], plane["between"])
    if not 1 <= count <= MAX_TILES or not all(needed):
        yield {**plane, "position": None}
        return
    side = math.ceil(math.sqrt(count))
    rows, columns = int(dataset.Rows) // side, int(dataset.Columns) // side
    cosines = np.array(plane["orientation"], dtype=np.float64)
    across, down = cosines[:3], cosines[3:]
    normal = np.cross(across, down)
    told = _slice_normal(dataset)
    if told is not None and float(np.dot(normal, told)) < 0:
        normal = -normal
    first = (
        np.array(plane["position"], dtype=np.float64)
        + down * plane["spacing"][0] * (int(dataset.Rows) - rows) / 2
        + across * plane["spacing"][1] * (int(dataset.Columns) - columns) / 2
    )
    for place in range(count):
        corner = [(place // side) * rows, (place % side) * columns]
        position = first + normal * plane["between"] * place
        yield {**plane, "position": [float(v) for v in position], "tile": [*corner, rows, columns]}


def _count(dataset: Any) -> int:  # noqa: ANN401
    if NUM_TILES in dataset:
        value = dataset[NUM_TILES].value
        if isinstance(value, bytes) and len(value) >= 2:  # implicit VR does not know its type
            return int.from_bytes(value[:2], "little" if dataset.original_encoding[1] else "big")
        return int(value)
    found = _csa(dataset, b"NumberOfImagesInMosaic")
    return int(found[0]) if found else 0


def _slice_normal(dataset: Any) -> list[float] | None:  # noqa: ANN401
    found = _csa(dataset, b"SliceNormalVector")
    return found[:3] if len(found) >= 3 else None


def _csa(dataset: Any, name: bytes) -> list[float]:  # noqa: ANN401
    """Look up numbers in Siemens' table: names of 64 bytes, then items of text."""
    if CSA_IMAGE not in dataset:
        return []
    table = dataset[CSA_IMAGE].value
    start = table.find(name + b"\0") if isinstance(table, bytes) else -1
    if start < 0 or len(table) < start + 84:
        return []
    (count,) = struct.unpack_from("<i", table, start + 76)
    found = []
    offset = start + 84
    for _ in range(min(count, 64)):
        if offset + 16 > len(table):
            break
        (length,) = struct.unpack_from("<i", table, offset + 4)
        text = table[offset + 16 : offset + 16 + length].split(b"\0")[0].strip()
        offset += 16 + (max(length, 0) + 3) // 4 * 4
        if text:
            found.append(float(text))
    return found
