"""HoVer-Net's .mat files: `inst_map`, and types by nucleus or by pixel."""

from pathlib import Path

import numpy as np

from delineate.core.errors import FileError
from delineate.readers.content import AnyArray, as_labels
from delineate.readers.matlab import read_mat, whole_numbers

IDS = "inst_map"
KEYS = (IDS, "type_map", "inst_type", "inst_uid")


def read_nuclei(path: Path) -> tuple[AnyArray, dict[int, int]]:
    """Read the map of ids, and the type of each that has one.

    `inst_type` gives one type a nucleus, in the order of `inst_uid`, or of ascending ids if that
    is absent; else `type_map` gives types by pixel, of which a nucleus takes its commonest.

    Args:
        path: A .mat file.

    Returns:
        Ids, (Y, X), integer, 0 outside, and type by id.

    Raises:
        FileError: If it holds no ids, or its types do not go with them.
    """
    found = read_mat(path, KEYS)
    if IDS not in found:
        raise FileError(
            f"{path} holds no array {IDS}. Give it the ids of the nuclei by pixel, or remove it."
        )
    ids = found[IDS]
    if ids.dtype.kind not in "ui":
        ids = as_labels(ids, str(path)).astype(np.int32)
    known = np.unique(ids[ids != 0])
    if "inst_type" in found:
        types = whole_numbers(found["inst_type"], path)
        numbers = whole_numbers(found["inst_uid"], path) if "inst_uid" in found else known
        if len(types) == len(numbers):
            return ids, dict(zip(numbers.tolist(), types.tolist(), strict=True))
        if "type_map" not in found:
            raise FileError(
                f"{path} lists {len(types)} types (inst_type) for {len(numbers)} nuclei. Write "
                "one a nucleus in ascending order of ids, or leave the case out."
            )
    if "type_map" not in found:
        return ids, {}
    return ids, _commonest(ids, as_labels(found["type_map"], str(path)), path)


def _commonest(ids: AnyArray, types: AnyArray, path: Path) -> dict[int, int]:
    """Give each id the commonest type of its pixels, 0 only if it has no other."""
    if types.shape != ids.shape:
        raise FileError(
            f"{path} has a type_map of shape {types.shape} but an {IDS} of shape {ids.shape}. "
            "Bring them to one size, or leave the case out."
        )
    inside = (ids != 0) & (types != 0)
    numbers, rows = np.unique(ids[inside], return_inverse=True)
    kinds, columns = np.unique(types[inside], return_inverse=True)
    table = np.zeros((len(numbers), len(kinds)), dtype=np.int64)
    np.add.at(table, (rows, columns), 1)
    best = kinds[table.argmax(axis=1)] if len(numbers) else kinds
    return dict(zip(numbers.tolist(), best.tolist(), strict=False))
