"""JPEG of 12 bits with loss, which pydicom's plug-ins refuse and GDCM nevertheless unpacks.

GDCM takes the number of bits from the caller and answers nonsense if it is wrong, so the frame's
own header is asked first.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.readers.dicom_tags import Values

PRECISION = 12
"""Bits of a sample that this is for; those of 8 go the common way."""
FRAME_STARTS = (0xC0, 0xC1)
"""Markers of baseline and extended frames; others are another process."""


def unpack_extended(frame: bytes, item: Values) -> NDArray[Any]:
    """Unpack one frame of the JPEG Extended process.

    Args:
        frame: The frame as compressed.
        item: `rows`, `columns`, `stored`, `high` and `is_signed`, as `dicom_pixels.fill` has them.

    Returns:
        Values as stored, (rows, columns), uint16 or int16.

    Raises:
        ValueError: If it is not of 12 bits, of one sample a pixel and of the promised size.
    """
    import gdcm

    rows, columns = item["rows"], item["columns"]
    if described(frame) != (PRECISION, rows, columns, 1):
        raise ValueError("another frame than promised")
    fragment, fragments = gdcm.Fragment(), gdcm.SequenceOfFragments.New()
    fragment.SetByteStringValue(frame)
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimension(0, columns)
    image.SetDimension(1, rows)
    image.SetDataElement(element)
    sign = int(item["is_signed"])
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, item["stored"], item["high"], sign))
    grey = gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2)
    image.SetPhotometricInterpretation(grey)
    syntax = gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGExtendedProcess2_4)
    image.SetTransferSyntax(syntax)
    text = image.GetBuffer()
    if text is None:
        raise ValueError("cut short")
    data = text.encode("utf-8", "surrogateescape")  # what bytes are to its Python
    kind = "<i2" if item["is_signed"] else "<u2"
    return np.frombuffer(data, kind).reshape(rows, columns)


def described(frame: bytes) -> tuple[int, int, int, int]:
    """Read what a JPEG frame says of itself.

    Args:
        frame: The frame as compressed.

    Returns:
        Bits of a sample, rows, columns and samples of a pixel.

    Raises:
        ValueError: If it is no such frame.
    """
    place = 2
    while frame[place : place + 1] == b"\xff" and place + 10 <= len(frame):
        marker, length = frame[place + 1], int.from_bytes(frame[place + 2 : place + 4], "big")
        if marker in FRAME_STARTS:
            rows, columns = (
                int.from_bytes(frame[start : start + 2], "big") for start in (place + 5, place + 7)
            )
            return frame[place + 4], rows, columns, frame[place + 9]
        place += 1 if marker == 0xFF else 2 + length  # any number of bytes 0xFF may fill the gap
    raise ValueError("no baseline or extended JPEG frame")
