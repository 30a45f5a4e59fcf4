"""Cases whose truth tells objects apart: one load gives the objects and the mask of their types."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Case
from delineate.core.errors import DatasetError
from delineate.core.geometry import Geometry
from delineate.core.image import Image, Mask
from delineate.core.instances import UNTYPED, Instances
from delineate.core.labels import LabelTable

BRIGHT = (
    (0, 255, 110),
    (255, 225, 0),
    (0, 215, 255),
    (255, 125, 0),
    (255, 255, 255),
    (255, 80, 230),
)
"""Colours that are seen on the pink and purple of stained tissue."""


def bright(labels: LabelTable) -> LabelTable:
    """Colour labels so that outlines are seen on stained tissue.

    Args:
        labels: The classes.

    Returns:
        The same in the colours of `BRIGHT`, by turns.
    """
    rows = tuple(
        replace(label, colour=BRIGHT[place % len(BRIGHT)])
        for place, label in enumerate(labels.labels)
    )
    return replace(labels, labels=rows)


NUCLEUS = bright(LabelTable.of_names({"nucleus": 1}))
"""What a dataset says that knows nuclei but not their types."""
COLOURS = ("red", "green", "blue")
"""Channels of every dataset of stained tissue."""
UM_PER_MM = 1000.0


def objects_case(
    *,
    id: str,
    patient: str,
    image: Image,
    labels: LabelTable,
    load: Callable[[], Instances],
    facts: Mapping[str, Any] | None = None,
    history: Sequence[str] = (),
) -> Case:
    """Make a case from an image and a way to read its objects.

    The mask shows the objects' types; objects of unknown type show the table's `ignore`. Both
    come from one load, which happens when either is first touched.

    Args:
        id: The case's name.
        patient: Whose it is.
        image: The picture, (C, *S).
        labels: What the objects' types mean.
        load: Reads the objects, on the picture's grid.
        facts: Anything else known of it.
        history: What was done to it, one sentence each.

    Returns:
        The case. Touching its objects or its mask raises a DatasetError if they have another
        shape than the picture, or a type that the table does not list.
    """

    @cache
    def once() -> Instances:
        instances = load()
        _check(instances, image, labels, id)
        return instances

    return Case(
        id=id,
        patient=patient,
        image=image,
        mask=Mask(
            geometry=image.geometry,
            load=lambda: types_shown(once(), labels),
            source=f"the objects of case {id}",
        ),
        labels=labels,
        facts=dict(facts or {}),
        history=tuple(history),
        load_instances=once,
    )


def types_shown(instances: Instances, labels: LabelTable) -> NDArray[np.int16]:
    """Paint every object with its type, and those of unknown type with the ignored value.

    Args:
        instances: The objects.
        labels: What their types mean.

    Returns:
        Label ids, (*S), 0 outside.
    """
    table = np.concatenate([[0], instances.types]).astype(np.int16)
    if labels.ignore is not None:
        table[1:][instances.types == UNTYPED] = labels.ignore
    painted: NDArray[np.int16] = table[instances.ids]
    return painted


def grid_of(shape: Sequence[int], mpp: float | None) -> Geometry:
    """Make the grid of a picture whose pixels are squares.

    Args:
        shape: (Y, X).
        mpp: Micrometres from one pixel to the next; None if nobody knows.

    Returns:
        The grid; not physical if `mpp` is None.
    """
    return Geometry.of_spacing(shape, None if mpp is None else [mpp / UM_PER_MM] * len(shape))


def checked_mpp(mpp: float | None) -> float | None:
    """Refuse a resolution that cannot be one.

    Args:
        mpp: Micrometres per pixel that the user gave, or None.

    Returns:
        The same.

    Raises:
        DatasetError: If it is no positive, finite number.
    """
    if mpp is not None and not (math.isfinite(mpp) and mpp > 0):
        raise DatasetError(
            f"mpp must be a positive number of micrometres per pixel, not {mpp}. "
            "Pass one such as 0.25 for a scan at 40x."
        )
    return mpp


def _check(instances: Instances, image: Image, labels: LabelTable, id: str) -> None:
    if instances.ids.shape != image.geometry.shape:
        raise DatasetError(
            f"Case {id} has a picture of shape {image.geometry.shape} but objects on a grid of "
            f"{instances.ids.shape}. Bring them to one size, or leave the case out."
        )
    known = {label.id for label in labels.labels}
    if labels.ignore is not None:
        known.add(UNTYPED)
    strange = sorted({int(type) for type in np.unique(instances.types)} - known)
    if strange:
        raise DatasetError(
            f"Case {id} has objects of the types {strange[:8]}, but the labels are {labels.names} "
            f"of the ids {sorted(known)}. Correct the truth, or name the types."
        )
