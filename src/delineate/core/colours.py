"""Pictures of tissue as red, green and blue of 8 bits, whatever the scanner stored."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import ShapeError
from delineate.core.image import Image

COLOURS = ("red", "green", "blue")
"""Channels of every picture of cells; grey ones have three equal channels."""
BRIGHTEST = 99.9
"""Percentile of a deep picture that becomes white."""


def in_colours(image: Image) -> Image:
    """Bring a picture to three channels of 8 bits, so that datasets can be mixed.

    8 bits stay as they are and grey is repeated. Deeper pictures have no common scale, since a
    camera of 12 bits fills a sixteenth of 16: 0 stays black, and each picture's percentile
    `BRIGHTEST` becomes white. Fractions from 0 to 1 are taken as such.

    Args:
        image: A picture (C, Y, X) of 1 or 3 channels.

    Returns:
        The same picture (3, Y, X), uint8, loaded when first touched.

    Raises:
        ShapeError: If it is a volume, or has another number of channels.
    """
    number = len(image.channels)
    if image.geometry.dims != 2 or number not in (1, 3):
        size = " x ".join(str(length) for length in image.geometry.shape)
        raise ShapeError(
            f"{image.source} is of {size} pixels and {number} channels, where one grey or coloured "
            "picture is needed. Save its pages or channels singly."
        )

    def load() -> NDArray[Any]:
        array = in_8_bits(image.load())
        return np.repeat(array, 3, axis=0) if len(array) == 1 else array

    return replace(image, channels=COLOURS, load=load)


def in_8_bits(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Bring intensities of any depth to 8 bits as `in_colours` does.

    Args:
        array: Intensities, any shape, from 0.

    Returns:
        The same, 0 to 255; values that are no numbers become 0.
    """
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind != "f" and array.min(initial=0) >= 0 and array.max(initial=0) <= 255:
        return array.astype(np.uint8)
    values = np.nan_to_num(array.astype(np.float32), posinf=0, neginf=0)
    is_share = array.dtype.kind == "f" and 0 < values.max(initial=0) <= 1
    top = 1.0 if is_share else max(float(np.percentile(values, BRIGHTEST)), 1e-6)
    scaled: NDArray[np.uint8] = np.rint(np.clip(values / top, 0, 1) * 255).astype(np.uint8)
    return scaled
