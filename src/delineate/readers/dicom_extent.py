"""How the pixels of a file are stored and where they start, without touching them."""

import math
import os
from typing import IO, Any, Literal

from delineate.readers.dicom_tags import DEFLATED, Values
from delineate.readers.dicom_values import many, number, text


def layout_of(dataset: Any) -> Values:  # noqa: ANN401 - a pydicom dataset
    """Read how pixels are stored.

    Args:
        dataset: The header.

    Returns:
        JSON values: transfer syntax, size, bits, sign, padding and the like.
    """
    is_little = dataset.original_encoding[1]
    is_implicit = dataset.original_encoding[0]
    meta = getattr(dataset, "file_meta", {})
    bare = "1.2.840.10008.1.2" if is_implicit else "1.2.840.10008.1.2.1"
    syntax = str(meta.get("TransferSyntaxUID") or (bare if is_little else "1.2.840.10008.1.2.2"))
    allocated = int(dataset.get("BitsAllocated", 16))
    stored = int(dataset.get("BitsStored") or allocated)
    padding = number(dataset, "PixelPaddingValue")
    limit = number(dataset, "PixelPaddingRangeLimit")
    ends = [value for value in (padding, limit) if value is not None and math.isfinite(value)]
    is_signed = bool(int(dataset.get("PixelRepresentation", 0) or 0))
    return {
        "syntax": syntax,
        "rows": int(dataset.Rows),
        "columns": int(dataset.Columns),
        "samples": int(dataset.get("SamplesPerPixel", 1) or 1),
        "photometric": text(dataset, "PhotometricInterpretation"),
        "allocated": allocated,
        "stored": min(stored, allocated),
        "high": int(dataset.get("HighBit", stored - 1)),
        "is_signed": is_signed,
        "padding": [_wrapped(value, allocated, is_signed) for value in (min(ends), max(ends))]
        if ends and padding is not None
        else None,
        "num_frames": int(dataset.get("NumberOfFrames", 1) or 1),
        "is_enhanced": "PerFrameFunctionalGroupsSequence" in dataset,
        "is_lossy": text(dataset, "LossyImageCompression") == "01",
        "image_type": [str(word) for word in many(dataset.get("ImageType"))],
    }


def _wrapped(value: float, bits: int, is_signed: bool) -> float:
    """Read a padding value whose own type (US or SS) is not the one of the pixels."""
    if is_signed and value >= 2 ** (bits - 1):
        return value - 2.0**bits
    return value + 2.0**bits if not is_signed and value < 0 else value


def extent_of(stream: IO[bytes], dataset: Any, syntax: str, offset: int) -> Values:  # noqa: ANN401
    """Find where pixels start and how many bytes there are, without reading them.

    Args:
        stream: The file.
        dataset: Its header.
        syntax: UID of its transfer syntax.
        offset: Where the header ended.

    Returns:
        `offset` of native pixels, or None; `available` bytes, or None where only unpacking tells;
        `is_whole` for those in fragments: False if the file ends before the last of them.
    """
    size = stream.seek(0, os.SEEK_END)
    if syntax == DEFLATED:
        return {"offset": None, "available": None}
    is_implicit, is_little = dataset.original_encoding
    order: Literal["little", "big"] = "little" if is_little else "big"
    stream.seek(offset)
    head = stream.read(12)
    tag = (int.from_bytes(head[:2], order), int.from_bytes(head[2:4], order))
    if tag != (0x7FE0, 0x0010):
        return {"offset": None, "available": 0}
    width = 8 if is_implicit or head[4:6] not in (b"OB", b"OW", b"UN") else 12
    length = int.from_bytes(head[width - 4 : width], order)
    if length == 0xFFFFFFFF:
        return {
            "offset": None,
            "available": size - offset,
            "is_whole": _walked(stream, offset + width),
        }
    return {"offset": offset + width, "available": max(0, min(length, size - offset - width))}


def _walked(stream: IO[bytes], offset: int) -> bool:
    """Step from fragment to fragment; True if the last one is there to its end."""
    size = stream.seek(0, os.SEEK_END)
    while True:
        stream.seek(offset)
        head = stream.read(8)
        if head[:4] == b"\xfe\xff\xdd\xe0":
            return True
        length = int.from_bytes(head[4:], "little")
        offset += 8 + length
        if head[:4] != b"\xfe\xff\x00\xe0" or offset > size:
            return False
