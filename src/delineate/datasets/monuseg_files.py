"""What a zip or folder of MoNuSeg holds, told by names alone."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from delineate.datasets.archive import Archive, Entry, FolderArchive, ZipArchive
from delineate.datasets.base import readable_folder

PICTURES = (".tif", ".tiff", ".png", ".webp")
TRUTHS = {"annotations", "color_masks"}
"""Folders one of which stands beside "Tissue Images"."""


@dataclass(frozen=True, kw_only=True)
class FoundFiles:
    """What the names tell, by case."""

    images: dict[str, Entry]
    """Pictures of tissue."""
    drawings: dict[str, Entry]
    """Annotations as XML."""
    colours: dict[str, Entry]
    """Pictures of one colour a nucleus."""


def look(root: Path) -> FoundFiles:
    """Sort the files of zips and folders by what they are; of equal names the first counts.

    Args:
        root: The zip, the folder it unpacks to, or a folder that holds either.

    Returns:
        Files by case.
    """
    if root.suffix.lower() == ".zip" and root.is_file():
        archives: list[Archive] = [ZipArchive(root)]
    else:
        folder = readable_folder(root)
        archives = [*map(ZipArchive, find_zips(folder)), FolderArchive(folder)]
    found = FoundFiles(images={}, drawings={}, colours={})
    for archive in archives:
        for name in archive.names:
            file = PurePosixPath(name)
            folder_name, suffix = file.parent.name.lower(), file.suffix.lower()
            if suffix == ".xml":
                found.drawings.setdefault(file.stem, Entry(archive, name))
            elif suffix in PICTURES and "color" in folder_name:
                found.colours.setdefault(file.stem, Entry(archive, name))
            elif suffix in PICTURES and "mask" not in folder_name:
                found.images.setdefault(file.stem, Entry(archive, name))
    return found


def find_zips(folder: Path) -> list[Path]:
    """List the zips of MoNuSeg in a folder.

    Args:
        folder: The folder.

    Returns:
        Paths in alphabetical order.
    """
    return sorted(path for path in folder.glob("*.[zZ][iI][pP]") if "monuseg" in path.name.lower())


def is_unpacked(folder: Path) -> bool:
    """Tell by names whether a folder looks like the unpacked zip.

    Args:
        folder: The folder.

    Returns:
        True for "Tissue Images" beside a truth, and for TCGA images beside their XML.
    """
    folders = {entry.name.lower() for entry in folder.iterdir() if entry.is_dir()}
    if "tissue images" in folders and folders & TRUTHS:
        return True
    drawn = {path.stem for path in folder.glob("TCGA-*.xml")}
    return any(path.stem in drawn for path in folder.glob("TCGA-*.tif"))
