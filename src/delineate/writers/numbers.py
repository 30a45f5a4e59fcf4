"""Which numbers stand in a label file: ids in the smallest type that holds them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Prediction
from delineate.core.errors import LabelError

AnyArray = NDArray[Any]


def label_ids(prediction: Prediction, format_name: str) -> AnyArray:
    """Take the label ids of a prediction for a format that holds one per voxel.

    Args:
        prediction: What to write.
        format_name: The format, for the message.

    Returns:
        Ids, (*S), uint8, uint16 or int32.

    Raises:
        LabelError: If its labels overlap.
    """
    if prediction.mask.num_layers is not None:
        raise LabelError(
            f"{prediction.case_id} has {prediction.mask.num_layers} layers that may overlap, and "
            f"{format_name} holds one label per voxel. Write it as nrrd (.seg.nrrd) or rle "
            "(.rle.csv)."
        )
    return smallest(prediction.mask.array, prediction.case_id)


def smallest(array: AnyArray, where: str) -> AnyArray:
    """Store integers in the smallest type that holds them.

    Args:
        array: Label ids, any shape, integer or bool.
        where: The case, for the message.

    Returns:
        The same numbers as uint8, uint16 or int32.

    Raises:
        LabelError: If they are no integers of 32 bits.
    """
    if array.dtype.kind not in "uib":
        raise LabelError(
            f"The mask of {where} is of type {array.dtype}, but labels are whole numbers. "
            "Threshold it, or take the largest class."
        )
    if array.dtype in (np.bool_, np.uint8):
        return array.astype(np.uint8, copy=False)
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    for kind in (np.uint8, np.uint16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return array.astype(kind, copy=False)
    raise LabelError(
        f"The mask of {where} has values from {low} to {high}, beyond 32 bits. "
        "Number the labels from 1."
    )
