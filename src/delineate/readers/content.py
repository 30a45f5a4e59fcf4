"""What a file holds, before anyone decides whether it is an image or a mask."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import GeometryError, LabelError
from delineate.core.geometry import Geometry
from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable

AnyArray = NDArray[Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Content:
    """A grid, a promise of numbers on it, and what was noticed on the way."""

    geometry: Geometry
    """The grid of the spatial axes."""
    load: Callable[[], AnyArray]
    """Reads the numbers, (C, *S)."""
    source: str
    """The file, for messages."""
    num_channels: int = 1
    """C."""
    channels: tuple[str, ...] = ()
    """Channel names; empty numbers them."""
    notes: tuple[str, ...] = ()
    """What the reader noticed or mended, one sentence each."""
    labels: LabelTable | None = None
    """The classes, if the file names them."""
    comment: str = ""
    """The line of text that our own label images carry, or what another program wrote there."""
    segments: tuple[tuple[int, int], ...] = ()
    """Channel and value of each class, where classes lie in several channels."""

    def image(self) -> Image:
        """Take the numbers as intensities.

        Returns:
            Image of shape (C, *S), not loaded yet.
        """
        numbered = tuple(f"channel {place}" for place in range(self.num_channels))
        return Image(
            geometry=self.geometry,
            channels=self.channels or numbered,
            load=self.load,
            source=self.source,
            notes=self.notes,
        )

    def mask(self) -> Mask:
        """Take the numbers as labels.

        Returns:
            Mask of ids (*S), or of layers (L, *S) where the file says which layer is what.

        Raises:
            LabelError: If there are several channels and no table says what they are.
        """
        if self.num_channels > 1 and not self.segments:
            raise LabelError(
                f"{self.source} holds {self.num_channels} volumes where a mask has one. "
                "Merge them into one volume of label ids, or save overlapping labels as .seg.nrrd."
            )
        is_stack = self.num_channels > 1
        return Mask(
            geometry=self.geometry,
            load=self._layers if is_stack else lambda: as_labels(self.load()[0], self.source),
            num_layers=len(self.segments) if is_stack else None,
            source=self.source,
            notes=self.notes,
        )

    def _layers(self) -> AnyArray:
        array = self.load()
        return np.stack([array[channel] == value for channel, value in self.segments])


def as_labels(array: AnyArray, source: str) -> AnyArray:
    """Turn stored numbers into label ids.

    Args:
        array: Any real numbers, (*S).
        source: The file, for the message.

    Returns:
        The same numbers as uint8, uint16, int16 or int32, (*S).

    Raises:
        LabelError: If a number is no integer or does not fit into 32 bits.
    """
    if array.dtype == np.bool_:
        return array.astype(np.uint8)
    if array.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            strange = array[~(array == np.rint(array))]  # NaN equals nothing
        if strange.size:
            raise LabelError(
                f"{source} holds {strange.size} values that are no whole numbers, such as "
                f"{float(strange[0]):.4g}, where labels are expected. "
                "Give the label file, resampled with nearest neighbour, not the image."
            )
    if array.dtype.kind in "ui" and array.dtype.itemsize <= 2:
        return array
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    for kind in (np.uint8, np.uint16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return array.astype(kind)
    raise LabelError(
        f"{source} holds label values from {low:.0f} to {high:.0f}, beyond 32 bits. "
        "Number the labels from 1."
    )


def native(array: AnyArray) -> AnyArray:
    """Bring numbers into this machine's byte order and to at most 4 bytes of float.

    Args:
        array: Numbers as they were stored.

    Returns:
        The same numbers; float64 becomes float32, which halves the memory.
    """
    if array.dtype.kind == "f" and array.dtype.itemsize > 4:
        return array.astype(np.float32)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def check_spacing(spacing: Sequence[float], path: Path) -> None:
    """Refuse a header whose spacing cannot be right.

    Args:
        spacing: What the header says, in the file's own order.
        path: The file, for the message.

    Raises:
        GeometryError: If a number is zero, negative or not finite.
    """
    values = [float(value) for value in spacing]
    if not all(np.isfinite(values)) or min(values) <= 0:
        raise GeometryError(
            f"{path} has the spacing {tuple(round(value, 6) for value in values)} in its header, "
            "but each number must be positive. Export the file again or repair its header."
        )


def placed(shape: Sequence[int], affine: NDArray[np.float64], path: Path) -> Geometry:
    """Make a geometry and name the file if it is none.

    Args:
        shape: Spatial shape in array order.
        affine: Array index to world in RAS+ mm, columns in array order.
        path: The file, for the message.

    Returns:
        The geometry.

    Raises:
        GeometryError: If the shape or the affine is unusable.
    """
    try:
        return Geometry(shape=tuple(shape), affine=affine)
    except GeometryError as error:
        raise GeometryError(f"{path}: {error}") from error
