"""Pixels with a place in space: `Image` and `Mask`, loaded when first touched."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import ShapeError
from delineate.core.geometry import Geometry
from delineate.core.labels import Label, LabelTable
from delineate.core.series import Series

AnyArray = NDArray[Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Image:
    """Intensities (C, *S) on a grid; RGB tiles have three channels."""

    geometry: Geometry
    """The grid of the spatial axes."""
    channels: tuple[str, ...]
    """A name for each channel, such as ("CT",) or ("red", "green", "blue")."""
    load: Callable[[], AnyArray]
    """Reads the array (C, *S); called once, when first touched."""
    source: str = "memory"
    """Where it came from, for messages."""
    notes: tuple[str, ...] = ()
    """What the reader noticed or mended, one sentence each."""
    series: Series | None = None
    """The DICOM slices it was made from, with their true planes; None for other files."""

    @classmethod
    def of(
        cls,
        array: AnyArray,
        geometry: Geometry | None = None,
        channels: tuple[str, ...] | None = None,
        *,
        source: str = "memory",
    ) -> "Image":
        """Wrap an array that is in memory.

        Args:
            array: Intensities, (C, *S), any real dtype.
            geometry: Its grid; None means pixels of unit size.
            channels: Channel names; None numbers them.
            source: Where it came from, for messages.

        Returns:
            The image.
        """
        grid = geometry or Geometry.of_spacing(array.shape[1:])
        names = channels or tuple(f"channel {place}" for place in range(array.shape[0]))
        return cls(geometry=grid, channels=names, load=lambda: array, source=source)

    @cached_property
    def array(self) -> AnyArray:
        """The intensities, (C, *S)."""
        array = self.load()
        _check_shape(array, (len(self.channels), *self.geometry.shape), self.source)
        return array


@dataclass(frozen=True, kw_only=True, eq=False)
class Mask:
    """Labels on a grid: ids (*S), or a stack (L, *S) of layers that may overlap."""

    geometry: Geometry
    """The grid of the spatial axes."""
    load: Callable[[], AnyArray]
    """Reads the array; called once, when first touched."""
    num_layers: int | None = None
    """None for a map of ids (*S); else the number L of boolean layers (L, *S)."""
    source: str = "memory"
    """Where it came from, for messages."""
    notes: tuple[str, ...] = ()
    """What the reader noticed or mended, one sentence each."""

    @classmethod
    def of(
        cls,
        array: AnyArray,
        geometry: Geometry | None = None,
        *,
        is_stack: bool = False,
        source: str = "memory",
    ) -> "Mask":
        """Wrap an array that is in memory.

        Args:
            array: Label ids (*S), integer; or layers (L, *S), bool.
            geometry: Its grid; None means pixels of unit size.
            is_stack: True if the first axis counts layers.
            source: Where it came from, for messages.

        Returns:
            The mask.
        """
        shape = array.shape[1:] if is_stack else array.shape
        layers = array.shape[0] if is_stack else None
        grid = geometry or Geometry.of_spacing(shape)
        return cls(geometry=grid, load=lambda: array, num_layers=layers, source=source)

    @cached_property
    def array(self) -> AnyArray:
        """Label ids (*S), or boolean layers (L, *S)."""
        array = self.load()
        lead = () if self.num_layers is None else (self.num_layers,)
        _check_shape(array, (*lead, *self.geometry.shape), self.source)
        return array

    def region(self, label: Label, table: LabelTable) -> NDArray[np.bool_]:
        """Cut out one class, whether ids, nested regions or layers hold it.

        Args:
            label: A class of the table.
            table: The table that this mask follows.

        Returns:
            True inside the class, (*S), bool.
        """
        if self.num_layers is not None:
            return np.asarray(self.array[table.labels.index(label)], dtype=bool)
        if len(label.ids) == 1:
            return np.asarray(self.array == label.ids[0])
        return np.isin(self.array, label.ids)


def _check_shape(array: AnyArray, expected: tuple[int, ...], source: str) -> None:
    if array.shape != expected:
        raise ShapeError(
            f"{source} holds an array of shape {array.shape} where its header promises "
            f"{expected}. The file is damaged or was edited; write it again."
        )
