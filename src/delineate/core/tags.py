"""The line of text that our own files carry where their format has no place for labels.

NIfTI, PNG and TIFF know nothing of class names, and the last two nothing of millimetres; each
has room for a comment. Writers put this one there, readers look for it, others ignore it.
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import DelineateError
from delineate.core.geometry import Geometry
from delineate.core.instances import Instances
from delineate.core.labels import LabelTable

KEY = "delineate"


def write_tag(geometry: Geometry, labels: LabelTable, instances: Instances | None = None) -> str:
    """Say in one line of ASCII what the numbers mean and where they lie.

    Args:
        geometry: The mask's grid.
        labels: Its classes.
        instances: Objects, where the numbers are their ids; the line then tells of each.

    Returns:
        JSON that `labels_of_tag`, `geometry_of_tag` and `instances_of_tag` read.
    """
    values = tag_values(geometry, labels)
    if instances is not None:
        values["objects"] = {
            name: None if column is None else np.round(column.astype(np.float64), 4).tolist()
            for name, column in (
                ("types", instances.types),
                ("confidence", instances.confidence),
                ("type_probability", instances.type_probability),
            )
        }
    return json.dumps({KEY: values})


def tag_values(geometry: Geometry, labels: LabelTable) -> dict[str, Any]:
    """Turn grid and classes into plain values.

    Args:
        geometry: The mask's grid.
        labels: Its classes.

    Returns:
        A nested dictionary for JSON.
    """
    return {
        "affine": geometry.affine.tolist(),
        "is_physical": geometry.is_physical,
        "labels": labels.to_dict(),
    }


def instances_of_tag(text: str, ids: NDArray[np.int32]) -> Instances | None:
    """Find what a comment tells of the objects of an id map.

    Args:
        text: Any comment of any file.
        ids: The id map beside it, (*S).

    Returns:
        The objects, or None if the comment is not one of ours or tells of none.
    """
    try:
        rows = _values(text)["objects"]
        confidence, chance = (
            None if rows[name] is None else np.array(rows[name], dtype=np.float32)
            for name in ("confidence", "type_probability")
        )
        return Instances(
            ids=ids,
            types=np.array(rows["types"], dtype=np.int16),
            confidence=confidence,
            type_probability=chance,
        )
    except (ValueError, KeyError, TypeError, DelineateError):
        return None


def labels_of_tag(text: str) -> LabelTable | None:
    """Find the classes in a comment.

    Args:
        text: Any comment of any file.

    Returns:
        The table, or None if the comment is not one of ours.
    """
    try:
        return LabelTable.from_dict(_values(text)["labels"])
    except (ValueError, KeyError, TypeError, AttributeError, DelineateError):
        return None


def geometry_of_tag(text: str, shape: tuple[int, ...]) -> Geometry | None:
    """Find the grid in a comment.

    Args:
        text: Any comment of any file.
        shape: Spatial shape of the array beside it.

    Returns:
        The grid, or None if the comment is not one of ours or speaks of another shape.
    """
    try:
        values = _values(text)
        affine = np.array(values["affine"], dtype=np.float64)
        return Geometry(shape=shape, affine=affine, is_physical=bool(values["is_physical"]))
    except (ValueError, KeyError, TypeError, DelineateError):
        return None


def _values(text: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(text)[KEY]
    return values
