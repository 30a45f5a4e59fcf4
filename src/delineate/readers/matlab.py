"""MATLAB's .mat files: arrays by name, in the formats up to version 7."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from delineate.core.errors import FileError, LabelError
from delineate.readers.content import AnyArray
from delineate.readers.guard import guarded, present

HDF5 = b"MATLAB 7.3"
"""How the text at the start of a file of version 7.3 begins."""


def read_mat(path: Path, names: Sequence[str] | None = None) -> dict[str, AnyArray]:
    """Read the arrays of a .mat file.

    Args:
        path: The file.
        names: Which ones; None reads all.

    Returns:
        Array by name, those that are there.
    """
    from scipy.io import loadmat  # heavy, and only such files need it

    _check_version(path)
    with guarded(path, "MATLAB"):
        found = loadmat(path, variable_names=names)
    return {name: array for name, array in found.items() if not name.startswith("__")}


def names_in_mat(path: Path) -> Mapping[str, tuple[int, ...]]:
    """List the arrays of a .mat file without reading them.

    Args:
        path: The file.

    Returns:
        Shape by name.
    """
    from scipy.io import whosmat  # heavy, and only such files need it

    _check_version(path)
    with guarded(path, "MATLAB"):
        return {name: tuple(shape) for name, shape, _ in whosmat(path)}


def whole_numbers(array: AnyArray, path: Path) -> AnyArray:
    """Turn what MATLAB stores as a column of numbers into whole ones.

    Args:
        array: N numbers of any shape and type.
        path: The file, for messages.

    Returns:
        (N,), int64.

    Raises:
        LabelError: If one is not whole.
    """
    flat = np.asarray(array).ravel()
    if flat.dtype.kind not in "uifb" or not (flat == np.rint(flat)).all():
        raise LabelError(
            f"{path} holds types or ids that are no whole numbers. Write them as 1, 2, 3 ..."
        )
    return flat.astype(np.int64)


def _check_version(path: Path) -> None:
    with guarded(present(path), "MATLAB"), path.open("rb") as stream:
        head = stream.read(128)
    if head.startswith((HDF5, b"\x89HDF")):
        raise FileError(
            f"{path} is a MATLAB file of version 7.3 (HDF5), which is not read here. Save it in "
            "MATLAB with save(name, '-v7'), or from Python with scipy.io.savemat."
        )
