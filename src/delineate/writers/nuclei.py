"""Objects drawn over their picture: an outline each, in the colour of its type."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from delineate.core.case import Prediction
from delineate.core.image import Image
from delineate.core.instances import Instances
from delineate.writers.measures import UNKNOWN_COLOUR

MAX_SIDE = 2048
"""Longest side of the picture; a larger one is shown smaller, and says so."""
SMALL_SIDE = 700
"""A picture with a shorter side is shown twice as large, so that outlines can be seen."""


def draw_outlines(
    prediction: Prediction, instances: Instances, image: Image | None
) -> tuple[Picture.Image, float]:
    """Draw outlines of one to two pixels inside the border of each object.

    Args:
        prediction: Whose labels colour them.
        instances: The objects.
        image: The picture beneath; None shows outlines on black.

    Returns:
        An RGB picture, and its pixels to one of the image's.
    """
    height, width = instances.ids.shape
    step = max(1, -(-max(height, width) // MAX_SIDE))
    zoom = 2 if max(height, width) < SMALL_SIDE else 1
    ids = instances.ids[::step, ::step]
    pixels = _beneath(image, step, ids.shape)
    if zoom > 1:
        pixels, ids = (np.repeat(np.repeat(part, zoom, 0), zoom, 1) for part in (pixels, ids))
    table = np.tile(np.array(UNKNOWN_COLOUR, dtype=np.uint8), (instances.count + 1, 1))
    for label in prediction.labels.labels:
        table[np.flatnonzero(instances.types == label.id) + 1] = label.colour
    border = edges(ids, thickness=2 if step == 1 else 1)
    pixels[border] = table[ids[border]]
    return Picture.fromarray(pixels), zoom / step


def edges(ids: NDArray[np.int32], *, thickness: int = 1) -> NDArray[np.bool_]:
    """Mark the pixels of objects that lie near another object or the background.

    Args:
        ids: Ids, (Y, X), 0 outside.
        thickness: Width of the rim in pixels, 1 or more.

    Returns:
        True on the rim of each object, (Y, X); the picture's edge is no rim.
    """
    rim = np.zeros(ids.shape, dtype=bool)
    for turn in (0, 1):
        here, marks = (ids, rim) if turn == 0 else (ids.T, rim.T)
        differs = here[:-1] != here[1:]
        marks[:-1] |= differs
        marks[1:] |= differs
    for _ in range(thickness - 1):
        wider = rim.copy()
        for turn in (0, 1):
            here, marks, old = (ids, wider, rim) if turn == 0 else (ids.T, wider.T, rim.T)
            is_same = here[:-1] == here[1:]
            marks[:-1] |= old[1:] & is_same
            marks[1:] |= old[:-1] & is_same
        rim = wider
    return rim & (ids > 0)


def _beneath(image: Image | None, step: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    if image is None:
        return np.zeros((*shape, 3), np.uint8)
    array = image.array[:, ::step, ::step]
    if array.dtype != np.uint8:
        low, high = float(array.min()), float(array.max())
        array = ((array - low) * (255 / max(high - low, 1e-6))).astype(np.uint8)
    if len(array) != 3:
        array = np.repeat(array[:1], 3, axis=0)
    return np.ascontiguousarray(np.moveaxis(array, 0, -1))
