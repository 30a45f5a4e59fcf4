"""Masks without their images: by name, in whatever format, with the labels that they follow."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from delineate.core.errors import FileError
from delineate.core.labels import LabelTable
from delineate.datasets.legend import discover, find_legend
from delineate.readers import find_files, natural_order, read_labels, strip_suffix

CHANNEL = "_0000"
"""Ending that nnU-Net gives to the first channel; names of masks may have or lack it."""


PICTURE = ".overlay.png"
"""Ending of pictures to look at, which lie beside masks but are none."""
OBJECT_ENDINGS = (".geojson", ".geojson.gz", ".mat")
"""Endings of files that hold nothing but objects."""


def masks_by_name(path: str | Path) -> dict[str, Path]:
    """List masks, lists of objects or images by name without ending.

    Args:
        path: A folder, or one file.

    Returns:
        File by name, in natural order; of one name in several formats the first, but a TIFF
        before a PNG, which holds fewer ids, and either before a list of objects.

    Raises:
        FileError: If there is no such path, or nothing in it can be read.
    """
    root = Path(path)
    if not root.exists():
        raise FileError(f"There is nothing at {root}. Check the path.")
    files = [root]
    if root.is_dir():
        files = find_files(root)
        lists = [file for file in root.iterdir() if _is_list(file) and file.name[0] != "."]
        files += sorted(set(lists) - set(files), key=natural_order)
    files = [file for file in files if not file.name.endswith(PICTURE)]
    if not files:
        raise FileError(f"{root} holds no mask that can be read. Check the path.")
    chosen: dict[str, Path] = {}
    for file in sorted(files, key=_rank):
        chosen.setdefault(name_of(file), file)
    return {name: chosen[name] for name in dict.fromkeys(name_of(file) for file in files)}


def name_of(path: Path) -> str:
    """Take the case's name from the name of a mask or a list of objects.

    Args:
        path: The file.

    Returns:
        The name without its ending.

    Example:
        >>> name_of(Path("said/tile.v2.geojson.gz"))
        'tile.v2'
    """
    for ending in OBJECT_ENDINGS:
        if path.name.lower().endswith(ending) and len(path.name) > len(ending):
            return path.name[: -len(ending)]
    return strip_suffix(path)


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


def _is_list(path: Path) -> bool:
    return path.name.lower().endswith(OBJECT_ENDINGS)


def _rank(path: Path) -> int:
    """Prefer formats that hold every id: 0 any, 1 PNG, 2 lists of objects."""
    return 2 if _is_list(path) else int(path.suffix.lower() == ".png")
