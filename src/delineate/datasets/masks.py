"""Masks without their images: by name, in whatever format, with the labels that they follow."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from delineate.core.errors import FileError
from delineate.core.labels import LabelTable
from delineate.datasets.legend import discover, find_legend
from delineate.readers import find_files, read_labels, strip_suffix

CHANNEL = "_0000"
"""Ending that nnU-Net gives to the first channel; names of masks may have or lack it."""


PICTURE = ".overlay.png"
"""Ending of pictures to look at, which lie beside masks but are none."""


def masks_by_name(path: str | Path) -> dict[str, Path]:
    """List masks (or images) by name without ending.

    Args:
        path: A folder, or one file.

    Returns:
        File by name, in natural order; of one name in several formats the first.

    Raises:
        FileError: If there is no such path, or nothing in it can be read.
    """
    root = Path(path)
    if not root.exists():
        raise FileError(f"There is nothing at {root}. Check the path.")
    files = find_files(root) if root.is_dir() else [root]
    files = [file for file in files if not file.name.endswith(PICTURE)]
    if not files:
        raise FileError(f"{root} holds no mask that can be read. Check the path.")
    found: dict[str, Path] = {}
    for file in files:
        found.setdefault(strip_suffix(file), file)
    return found


def named_like(case: str, files: Mapping[str, Path]) -> Path | None:
    """Find the file of a case, whether or not its name ends with the first channel's number.

    Args:
        case: The case's name.
        files: File by name.

    Returns:
        The file, or None.
    """
    names = (case, case + CHANNEL, case.removesuffix(CHANNEL))
    return next((files[name] for name in names if name in files), None)


def labels_of(
    folder: Path, files: Sequence[Path], *, otherwise: LabelTable | None = None
) -> LabelTable:
    """Find out what the numbers in masks mean.

    A file in the folder or the one above (dataset.json, labels.yaml, ...) comes first, then
    `otherwise`, then what the first mask says itself, then names made up from the values.

    Args:
        folder: Where the masks lie.
        files: The masks, one or more.
        otherwise: A table to take if no file beside the masks holds one.

    Returns:
        The table.
    """
    beside = find_legend(folder) or find_legend(folder.parent)
    return beside or otherwise or read_labels(files[0]) or discover(files)
