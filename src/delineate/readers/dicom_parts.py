"""What SEG and RTSTRUCT have in common once read: named parts on source slices, made one mask."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.image import Mask
from delineate.core.labels import PALETTE, CodedConcept, Label, LabelTable
from delineate.core.series import Series

OWN_ID = re.compile(r"label (\d+)")
"""Description by which our files give a label its number back."""
Row = tuple[int, str, str, tuple[int, int, int] | None, CodedConcept | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """What one label covers of one slice."""

    label: Label
    """The label."""
    place: int
    """Place of the slice in the series."""
    corner: tuple[int, int]
    """Row and column of the window's first pixel."""
    inside: NDArray[np.bool_]
    """True inside, (Y, X) of the window."""

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the slice that the window covers."""
        (row, column), (height, width) = self.corner, self.inside.shape
        return slice(row, row + height), slice(column, column + width)


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """All that a file holds."""

    labels: tuple[Label, ...]
    """Its labels."""
    parts: Callable[[], Iterator[Part]]
    """Reads the parts anew at each call."""
    source: str
    """The file, for messages."""
    notes: tuple[str, ...] = ()
    """What was left out, one sentence each."""

    def on_slices(self, series: Series) -> tuple[NDArray[Any], bool]:
        """Paint everything onto the slices.

        Args:
            series: The slices.

        Returns:
            Ids (n, rows, columns) and False; or, if labels overlap, layers
            (L, n, rows, columns), bool, in the order of the labels, and True.
        """
        first = series.slices[0]
        shape = (len(series.slices), first.rows, first.columns)
        kind = np.min_scalar_type(max((label.id for label in self.labels), default=1))
        ids = np.zeros(shape, dtype=kind)
        for part in self.parts():
            view = ids[part.place][part.window]
            covered = view[part.inside]
            if ((covered != 0) & (covered != part.label.id)).any():
                return self.layers(series), True
            view[part.inside] = part.label.id
        return ids, False

    def mask(self, series: Series) -> tuple[Mask, LabelTable]:
        """Make a mask on the regular grid of the image.

        Args:
            series: The slices and the grid.

        Returns:
            Ids, or layers where labels overlap; and the table that goes with it.
        """
        planes, is_stack = self.on_slices(series)
        labels = LabelTable(labels=self.labels, overlapping=is_stack)
        array = series.to_regular(planes)
        mask = Mask.of(array, series.regular, is_stack=is_stack, source=self.source)
        return replace(mask, notes=self.notes), labels

    def layers(self, series: Series) -> NDArray[np.bool_]:
        """Paint every label onto slices of its own.

        Args:
            series: The slices.

        Returns:
            Layers (L, n, rows, columns) in the order of the labels.
        """
        shape = (len(series.slices), series.slices[0].rows, series.slices[0].columns)
        layers = np.zeros((len(self.labels), *shape), dtype=bool)
        places = {label.id: place for place, label in enumerate(self.labels)}
        for part in self.parts():
            layers[places[part.label.id], part.place][part.window][part.inside] = True
        return layers


def named_labels(rows: Iterable[Row]) -> dict[int, Label]:
    """Make labels of what a file says of its parts.

    Args:
        rows: Number in the file, name, description, colour and code of each.

    Returns:
        Label by number in the file. Ids are those of our own descriptions where all have one,
        else the numbers, or counted from 1 where one is below it; equal names are told apart
        by their numbers.
    """
    known = list(rows)
    found = [OWN_ID.fullmatch(description.strip()) for _, _, description, _, _ in known]
    own = [int(match[1]) for match in found if match]
    has_own = len(own) == len(known) == len(set(own)) and min(own, default=0) > 0
    shift = max(0, 1 - min((number for number, *_ in known), default=1))  # 0 is the background
    names = [name.strip() for _, name, _, _, _ in known]
    labels = {}
    for place, (number, _, _, colour, concept) in enumerate(known):
        name = names[place] or f"part {number}"
        labels[number] = Label(
            id=own[place] if has_own else number + shift,
            name=name if names.count(names[place]) == 1 else f"{name} {number}",
            colour=colour or PALETTE[place % len(PALETTE)],
            concept=concept,
        )
    return labels
