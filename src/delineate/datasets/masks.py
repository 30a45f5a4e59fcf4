"""Masks without their images: by name, in whatever format, with the labels that they follow."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path

from delineate.core.errors import FileError
from delineate.core.labels import LabelTable
from delineate.datasets.legend import discover, find_legend
from delineate.readers import READERS, find_files, natural_order, read_labels, strip_suffix
from delineate.readers.dicom_drawn import look_at

CHANNEL = "_0000"
"""Ending that nnU-Net gives to the first channel; names of masks may have or lack it."""


PICTURE = ".overlay.png"
"""Ending of pictures to look at, which lie beside masks but are none."""
OBJECT_ENDINGS = (".geojson", ".geojson.gz", ".mat")
"""Endings of files that hold nothing but objects."""
MOST_FILES = 20_000
"""Files that are looked at to find out whether any is a SEG or RTSTRUCT."""
HINTS = ("rt", "rs", "seg", "struct", "label")
"""What names of such files often hold; they are looked at first."""
DRAWN_ENDINGS = (".seg.dcm", ".labelmap.dcm", ".fractional.dcm", ".rtstruct.dcm", ".seg")
"""Endings of SEG and RTSTRUCT, the better first where a case has several."""


def masks_by_name(path: str | Path) -> dict[str, Path]:
    """List masks, lists of objects or images by name without ending.

    Args:
        path: A folder, or one file.

    Returns:
        File by name, in natural order; of one name in several formats the best, as
        `files_by_name` says.

    Raises:
        FileError: If there is no such path, or nothing in it can be read.
    """
    return {name: files[0] for name, files in files_by_name(path).items()}


def files_by_name(path: str | Path, pattern: str | None = None) -> dict[str, list[Path]]:
    """List masks, SEG and RTSTRUCT, lists of objects or images by name without ending.

    Args:
        path: A folder, or one file. Where nothing but DICOM lies in a folder, sub-folders are
            searched for SEG and RTSTRUCT, too.
        pattern: Which names of files count, such as "*.rtstruct.dcm"; None for all.

    Returns:
        Files by name, in natural order; of each name the best format first: a TIFF comes before
        a PNG, which holds fewer ids, then SEG, RTSTRUCT, and last a list of objects.

    Raises:
        FileError: If there is no such path, or nothing in it can be read.
    """
    root = Path(path)
    if not root.exists():
        raise FileError(f"There is nothing at {root}. Check the path.")
    files = _files_in(root) if root.is_dir() else [root]
    files = [file for file in files if not file.name.endswith(PICTURE)]
    if not files:
        raise FileError(f"{root} holds no mask that can be read. Check the path.")
    if pattern is not None:
        known = files
        files = [file for file in files if fnmatch(file.name.lower(), pattern.lower())]
        if not files:
            raise FileError(
                f"No file in {root} has a name like {pattern!r}; there are "
                f"{', '.join(file.name for file in known[:4])}. Change the pattern."
            )
    ranked: dict[str, list[Path]] = {}
    for file in sorted(files, key=_rank):
        ranked.setdefault(_name_below(file, root), []).append(file)
    return {name: ranked[name] for name in dict.fromkeys(_name_below(one, root) for one in files)}


def _files_in(root: Path) -> list[Path]:
    """List what a folder holds; a folder of slices beside SEG or RTSTRUCT means the latter."""
    files = find_files(root)
    if all(file.is_dir() for file in files):
        files = drawn_below(root) or files
    else:
        drawn = [file for file in files if _may_be_drawn(file) and look_at(file) is not None]
        files = [file for file in files if file in drawn or not drawn or not _may_be_drawn(file)]
    lists = [file for file in root.iterdir() if _is_list(file) and file.name[0] != "."]
    return files + sorted(set(lists) - set(files), key=natural_order)


def drawn_below(root: Path) -> list[Path]:
    """Find the SEG and RTSTRUCT at or below a path by looking into every file.

    Args:
        root: A folder, however deep, or a file.

    Returns:
        Files in natural order of their paths; hidden ones are left out.
    """
    below = [root] if root.is_file() else root.rglob("*")
    files = [file for file in below if not file.name.startswith(".") and file.is_file()]
    found = [file for file in files if _may_be_drawn(file) and look_at(file) is not None]
    return sorted(found, key=lambda file: [natural_order(part) for part in file.parts])


def holds_drawn(root: Path) -> bool:
    """Tell whether a SEG or RTSTRUCT lies below a folder; telling names are looked at first.

    Args:
        root: A folder, however deep.

    Returns:
        True at the first one.
    """
    files = [path for path in islice(root.rglob("*"), MOST_FILES) if _may_be_drawn(path)]
    files.sort(key=lambda path: not any(hint in path.name.lower() for hint in HINTS))
    return any(look_at(path) for path in files if path.name[0] != "." and path.is_file())


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
    for ending in (*OBJECT_ENDINGS, *DRAWN_ENDINGS):
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


def _name_below(path: Path, root: Path) -> str:
    """Put the folders between before a name, as several exports call all their files alike."""
    folders = path.relative_to(root).parts[:-1] if path != root else ()
    return "_".join((*folders, name_of(path)))


def _may_be_drawn(path: Path) -> bool:
    """Tell by its name whether a file may be DICOM; many have no ending, or a number for one."""
    ending = path.suffix.lower()
    known = (*READERS["dicom"].suffixes, ".seg", ".rtstruct", "")
    return ending in known or ending[1:].isdecimal()


def _rank(path: Path) -> tuple[int, int]:
    """Prefer formats that hold every id: any, PNG, SEG, RTSTRUCT and lists of objects."""
    if _is_list(path):
        return 3, 0
    if path.suffix.lower() == ".png":
        return 1, 0
    if not _may_be_drawn(path):
        return 0, 0
    order = [place for place, end in enumerate(DRAWN_ENDINGS) if path.name.lower().endswith(end)]
    return 2, min(order, default=len(DRAWN_ENDINGS))
