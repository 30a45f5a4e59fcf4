"""Files into images and masks: one row a family, chosen by ending or by looking inside."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from delineate.core.errors import FileError
from delineate.core.formats import Reader
from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable
from delineate.readers.dicom import DicomReader, holds_dicom
from delineate.readers.dicom_study import Studies, read_studies
from delineate.readers.dicom_volume import refusal_text
from delineate.readers.raster import RasterReader, open_raster
from delineate.readers.volume import VolumeReader

if TYPE_CHECKING:
    from delineate.readers.objects import Objects

__all__ = [
    "READERS",
    "Studies",
    "find_files",
    "holds_dicom",
    "natural_order",
    "read_image",
    "read_instances",
    "read_labels",
    "read_mask",
    "read_studies",
    "refusal_text",
    "strip_suffix",
]
READERS: dict[str, Reader] = {
    "volume": VolumeReader(),
    "raster": RasterReader(),
    "dicom": DicomReader(),
}


def read_image(path: str | Path) -> Image:
    """Open an image; its pixels are read when they are first touched.

    Args:
        path: A file, or the folder of a DICOM series.

    Returns:
        Image (C, Z, Y, X) for volumes, (C, Y, X) for pictures.
    """
    return _reader_of(Path(path)).read_image(Path(path))


def read_mask(path: str | Path) -> Mask:
    """Open a mask; its labels are read when they are first touched.

    Args:
        path: A file.

    Returns:
        Mask of ids (*S), or of layers (L, *S).
    """
    return _reader_of(Path(path)).read_mask(Path(path))


def read_labels(path: str | Path) -> LabelTable | None:
    """Read the classes that a label file names itself.

    Args:
        path: A file.

    Returns:
        The table, or None if the format or the file names no classes.
    """
    return _reader_of(Path(path)).read_labels(Path(path))


def read_instances(path: str | Path) -> "Objects":
    """Read objects that a file tells apart.

    Args:
        path: Our TIFF or GeoJSON (.gz), GeoJSON of QuPath, a label image whose numbers are ids, a
            .npy of ids, or a .mat of HoVer-Net.

    Returns:
        The objects, the labels that name their types (None if the file names none) and the grid.
    """
    from delineate.readers import geojson, objects  # polygons and arrays, which few files hold

    file = Path(path)
    name = file.name.lower()
    special = {
        geojson.ENDINGS: geojson.read_geojson,
        (".npy",): objects.read_array,
        (".mat",): objects.read_hovernet,
    }
    for endings, read in special.items():
        if name.endswith(endings):
            return read(file)
    if READERS["raster"].can_read(file):
        content = open_raster(file, as_mask=True)
        return objects.objects_of_mask(content.mask(), content.comment)
    return objects.objects_of_mask(read_mask(file), "")


def find_files(folder: str | Path, *, recursive: bool = False) -> list[Path]:
    """List what can be read in a folder, in natural order (case 2 before case 10).

    Args:
        folder: The folder; one that holds nothing but DICOM slices is itself the result.
        recursive: True to look into sub-folders, too.

    Returns:
        Files, and folders of DICOM series, that `read_image` takes; hidden ones are left out.

    Raises:
        FileError: If the folder does not exist or cannot be listed.
    """
    root = Path(folder)
    try:
        entries = sorted(
            (entry for entry in root.iterdir() if not entry.name.startswith(".")), key=natural_order
        )
    except OSError as error:
        raise FileError(
            f"{root} cannot be listed ({error.strerror}). Check the spelling and the permissions."
        ) from error
    others = [READERS["volume"], READERS["raster"]]
    has_others = any(reader.can_read(entry) for entry in entries for reader in others)
    if not has_others and READERS["dicom"].can_read(root):
        return [root]
    found: list[Path] = []
    for entry in entries:
        if any(reader.can_read(entry) for reader in READERS.values()):
            found.append(entry)
        elif entry.is_dir() and recursive:
            found += find_files(entry, recursive=True)
    return found


def strip_suffix(path: str | Path) -> str:
    """Take the case's name from a file's name.

    Args:
        path: A file or a folder of a DICOM series.

    Returns:
        The name without a known ending; unknown endings stay, since ids may hold dots.

    Example:
        >>> strip_suffix("scans/brain.v2.nii.gz")
        'brain.v2'
    """
    name = Path(path).name
    endings = [ending for reader in READERS.values() for ending in reader.suffixes]
    for ending in sorted(endings, key=len, reverse=True):
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name


def natural_order(path: str | Path) -> tuple[tuple[int, int | str], ...]:
    """Make a key that sorts numbers inside names by their value.

    Args:
        path: A file; only its name counts.

    Returns:
        A key for `sorted`.
    """
    parts = re.findall(r"\d+|\D+", Path(path).name)
    return tuple((0, int(part)) if part.isdecimal() else (1, part.lower()) for part in parts)


def _reader_of(path: Path) -> Reader:
    if not path.exists():
        raise FileError(f"{path} does not exist. Check the spelling.")
    for reader in READERS.values():
        if reader.can_read(path):
            return reader
    if path.is_dir():
        return READERS["dicom"]  # slices may lie deeper
    endings = " ".join(ending for reader in READERS.values() for ending in reader.suffixes)
    raise FileError(f"{path} has an ending that no reader knows. Give one of: {endings}.")
