"""Which planes of a scan a picture shows, turned as radiologists look at them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Prediction
from delineate.core.errors import ShapeError
from delineate.core.geometry import Geometry
from delineate.core.image import Image
from delineate.core.labels import Label

AnyArray = NDArray[Any]
ByteArray = NDArray[np.uint8]
WINDOW = (0.5, 99.5)
"""Percentiles of the intensities that become black and white."""
MAX_SAMPLES = 1_000_000
NAMES = (("axial", "RLAP"), ("coronal", "RLSI"), ("sagittal", "APSI"))
"""Name of the plane across each canonical axis, and what lies left, right, above and below."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Plane:
    """One slice, ready to be drawn: rows downwards, columns to the right."""

    title: str
    """What it is, such as "axial 24 / 52"."""
    sides: str
    """Letters of the patient's sides left, right, above and below; empty if unknown."""
    pixels: ByteArray
    """Colours, (Y, X, 3)."""
    regions: tuple[NDArray[np.bool_], ...]
    """Where each label is, (Y, X), in the order of the label table."""
    steps: tuple[float, float]
    """Height and width of a pixel in mm, or in pixels."""

    @property
    def size(self) -> tuple[float, float]:
        """Height and width of the plane in mm, or in pixels."""
        rows, columns = self.pixels.shape[:2]
        return rows * self.steps[0], columns * self.steps[1]


def planes_of(prediction: Prediction, image: Image | None) -> list[Plane]:
    """Choose what to show: a picture itself, or of a volume three planes with most label.

    Args:
        prediction: The labels.
        image: What lies under them; None shows labels on black.

    Returns:
        One plane, or an axial, a coronal and a sagittal one.

    Raises:
        ShapeError: If image and mask differ in shape.
    """
    geometry = prediction.mask.geometry
    if image is not None and image.geometry.shape != geometry.shape:
        raise ShapeError(
            f"The image {image.source} has the shape {image.geometry.shape}, the mask of "
            f"{prediction.case_id} {geometry.shape}. Pass the image that the mask was made from."
        )
    pixels = _channels(image, geometry.shape)
    window = _window(pixels)
    if geometry.dims == 2:
        regions = _regions(prediction, ())
        shown = _colours(pixels, window)
        height, width = geometry.spacing_mm
        return [Plane(title="", sides="", pixels=shown, regions=regions, steps=(height, width))]
    order, flips = geometry.canonical_axes() if geometry.is_physical else ((0, 1, 2), ())
    return [
        _plane(prediction, pixels, window, order, flips, place) for place in range(geometry.dims)
    ]


def _plane(
    prediction: Prediction,
    pixels: AnyArray,
    window: tuple[float, float],
    order: tuple[int, ...],
    flips: tuple[int, ...],
    place: int,
) -> Plane:
    """Cut the plane across the canonical axis `place` where most labelled voxels lie."""
    geometry = prediction.mask.geometry
    axis = order[place]
    index = _fullest(prediction, axis)
    cut = tuple(index if other == axis else slice(None) for other in range(3))
    kept = [other for other in order if other != axis]
    is_turned = kept != sorted(kept)
    down, across = (
        # Canonical axes grow upwards, forwards and to the right; pictures show the head and the
        # front above, the patient's right (and, from the side, the front) at the left.
        -1 if geometry.is_physical and order.index(other) not in flips else 1
        for other in kept
    )
    name, sides = NAMES[place]
    steps = [geometry.spacing_mm[other] for other in kept]
    shown = _colours(pixels[(slice(None), *cut)], window)
    what = name if geometry.is_physical else f"axis {axis}"
    title = f"{what}  {index + 1} / {geometry.shape[axis]}"

    def turned(array: AnyArray) -> AnyArray:
        return (array.swapaxes(0, 1) if is_turned else array)[::down, ::across]

    return Plane(
        title=title,
        sides=sides if geometry.is_physical else "",
        pixels=turned(shown),
        regions=tuple(turned(region) for region in _regions(prediction, cut)),
        steps=(steps[0], steps[1]),
    )


def _channels(image: Image | None, shape: tuple[int, ...]) -> AnyArray:
    """Take three channels as colours, else the first; nothing is black."""
    if image is None:
        return np.zeros((1, *shape), dtype=np.uint8)
    return image.array if len(image.channels) == 3 and len(shape) == 2 else image.array[:1]


def _window(pixels: AnyArray) -> tuple[float, float]:
    if len(pixels) == 3 and pixels.dtype == np.uint8:
        return 0.0, 255.0
    flat = pixels.reshape(-1)[:: max(1, pixels.size // MAX_SAMPLES)]
    known = flat[np.isfinite(flat)]
    if known.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(known, WINDOW))
    return (low, high) if high > low else (float(known.min()), float(known.max()) or 1.0)


def _colours(pixels: AnyArray, window: tuple[float, float]) -> ByteArray:
    """Map (C, Y, X) to bytes (Y, X, 3)."""
    low, high = window
    scaled = (np.nan_to_num(pixels.astype(np.float32), nan=low) - low) / max(high - low, 1e-12)
    shown = (np.clip(scaled, 0, 1) * 255).round().astype(np.uint8)
    return np.moveaxis(np.broadcast_to(shown, (3, *shown.shape[1:])), 0, -1)


def _regions(prediction: Prediction, cut: tuple[Any, ...]) -> tuple[NDArray[np.bool_], ...]:
    mask, labels = prediction.mask, prediction.labels

    def region(place: int, label: Label) -> NDArray[np.bool_]:
        if mask.num_layers is not None:
            return np.asarray(mask.array[(place, *cut)], dtype=bool)
        return np.isin(mask.array[cut], label.ids)

    return tuple(region(place, label) for place, label in enumerate(labels.labels))


def _fullest(prediction: Prediction, axis: int) -> int:
    """Find the slice with most labelled voxels, the middle one if there are none."""
    geometry: Geometry = prediction.mask.geometry
    array = prediction.mask.array
    filled = array.any(axis=0) if prediction.mask.num_layers is not None else array != 0
    ignore = prediction.labels.ignore
    if ignore is not None and prediction.mask.num_layers is None:
        filled &= array != ignore
    counts = filled.sum(axis=tuple(other for other in range(3) if other != axis))
    return int(counts.argmax()) if counts.any() else geometry.shape[axis] // 2
