"""Files that tell objects apart: label images, arrays and HoVer-Net's .mat."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import FileError, LabelError
from delineate.core.geometry import Geometry
from delineate.core.image import Mask
from delineate.core.instances import Instances
from delineate.core.labels import LabelTable
from delineate.core.tags import instances_of_tag, labels_of_tag
from delineate.readers.content import AnyArray, as_labels
from delineate.readers.guard import present
from delineate.readers.hovernet import read_nuclei


class Objects(NamedTuple):
    """What a file says of objects."""

    instances: Instances
    """The objects."""
    labels: LabelTable | None
    """What their types mean, None if the file does not say."""
    geometry: Geometry
    """The grid."""


def objects_of_mask(mask: Mask, comment: str) -> Objects:
    """Take an id map, and what the file's comment tells of it.

    Args:
        mask: Ids, (*S).
        comment: The comment, empty if there is none.

    Returns:
        The objects, of type 1 where the comment does not say.
    """
    _check(mask.array, mask.source)
    # Rows of the comment go by the ids as stored, where one that others cover leaves a gap.
    ids: NDArray[np.int32] = mask.array.astype(np.int32)
    told = instances_of_tag(comment, ids) if comment else None
    return Objects(told or Instances.of(ids), labels_of_tag(comment), mask.geometry)


def read_array(path: Path) -> Objects:
    """Read an id map from a .npy file, without running what it may hold.

    Args:
        path: The file.

    Returns:
        The objects.

    Raises:
        FileError: If it is damaged, or holds Python objects or text instead of numbers.
    """
    try:
        ids = np.load(present(path), allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FileError(
            f"{path} cannot be read as an array of numbers ({error}). Save the id map alone."
        ) from error
    if not isinstance(ids, np.ndarray) or ids.dtype.kind not in "uifb" or ids.ndim not in (2, 3):
        what = f"{ids.ndim} axes of {ids.dtype}" if isinstance(ids, np.ndarray) else "several"
        raise FileError(
            f"{path} holds {what} where an id map of whole numbers is needed. "
            "Save one, (Y, X), alone."
        )
    if ids.dtype.kind not in "ui":
        ids = as_labels(ids, str(path))
    _check(ids, str(path))
    return Objects(Instances.of(ids), None, Geometry.of_spacing(ids.shape))


def read_hovernet(path: Path) -> Objects:
    """Read ids and types of a .mat file of HoVer-Net.

    Args:
        path: The file; `inst_map`, and `inst_type` or `type_map` if there are types.

    Returns:
        The objects; of type 1 without types, of type 0 if the file leaves one out.
    """
    ids, types = read_nuclei(path)
    _check(ids, str(path))
    found = Instances.of(ids, types, default=0) if types else Instances.of(ids)
    return Objects(found, None, Geometry.of_spacing(ids.shape))


def _check(ids: AnyArray, source: str) -> None:
    lowest = int(ids.min(initial=0))
    if lowest < 0:
        raise LabelError(
            f"{source} holds the id {lowest}, but ids of objects count from 1, and 0 is outside. "
            "Number them anew."
        )
