"""Frames into bytes: one bit a pixel, or run lengths as DICOM packs them (PS3.5, annex G)."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from delineate.writers.dicom_segments import AnyArray, Segment

LONGEST = 128
"""Most pixels that one packet of a run holds."""
GROUP = 8
"""Frames packed together: eight of any size fill whole bytes."""


def packed_bits(
    frames: Sequence[tuple[Segment, int]], size: tuple[int, int], share: int = GROUP * 8
) -> bytes:
    """Pack masks, one bit a pixel, the first in the lowest bit, frames without gaps.

    Args:
        frames: Segment and source slice of each frame, in order.
        size: Rows and columns.
        share: Frames in memory at once; a multiple of eight.

    Returns:
        The bits, the last byte filled up with zeros.
    """
    parts = []
    for start in range(0, len(frames), share):
        part = frames[start : start + share]
        block = np.zeros((len(part), *size), dtype=bool)
        for frame, (segment, plane) in zip(block, part, strict=True):
            paint(frame, segment, plane)
        parts.append(np.packbits(block.reshape(-1), bitorder="little").tobytes())
    return b"".join(parts)


def paint(frame: AnyArray, segment: Segment, plane: int, value: int = 1) -> None:
    """Paint a segment into a frame, as far as it is on that slice.

    Args:
        frame: What to paint into, (Y, X).
        segment: The segment.
        plane: The source slice.
        value: What to paint.
    """
    depth = plane - segment.box[0].start
    if 0 <= depth < len(segment.crop):
        frame[segment.box[1:]][segment.crop[depth]] = value


def number_maps(
    segments: Iterable[Segment], planes: int, size: tuple[int, int]
) -> Iterator[AnyArray]:
    """Paint one map of segment numbers a slice.

    Args:
        segments: Segments that do not overlap.
        planes: Number of source slices.
        size: Rows and columns.

    Yields:
        Numbers (Y, X), uint8, or uint16 from 256 segments on; 0 is background.
    """
    parts = list(segments)
    kind = np.uint8 if len(parts) < 256 else np.uint16
    for plane in range(planes):
        frame = np.zeros(size, dtype=kind)
        for part in parts:
            paint(frame, part, plane, part.number)
        yield frame


def run_lengths(frame: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """Compress a frame by run lengths, row by row.

    Every run becomes packets of two bytes, also a run of one pixel: that keeps the work in whole
    arrays, and maps of labels have few of them.

    Args:
        frame: Numbers (Y, X) of 8 or 16 bits.

    Returns:
        One compressed frame with its header.
    """
    planes = [frame] if frame.dtype.itemsize == 1 else [frame >> 8, frame & 0xFF]
    packed = [_packets(plane.astype(np.uint8)) for plane in planes]
    offsets = np.zeros(16, dtype="<u4")
    offsets[0] = len(packed)
    offsets[1 : 1 + len(packed)] = 64 + np.cumsum([0, *map(len, packed[:-1])])
    return offsets.tobytes() + b"".join(packed)


def _packets(plane: NDArray[np.uint8]) -> bytes:
    """Write runs within rows as pairs of count and value, filled up to an even length."""
    is_start = np.ones(plane.shape, dtype=bool)
    is_start[:, 1:] = plane[:, 1:] != plane[:, :-1]
    is_start[:, ::LONGEST] = True
    starts = np.flatnonzero(is_start)
    lengths = np.diff(starts, append=plane.size)
    pairs = np.empty((len(starts), 2), dtype=np.uint8)
    pairs[:, 0] = np.where(lengths == 1, 0, 257 - lengths)
    pairs[:, 1] = plane.reshape(-1)[starts]
    return pairs.tobytes()
