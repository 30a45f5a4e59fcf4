"""Files by their names inside a folder or a zip, so that a download need not be unpacked."""

import io
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import DatasetError, FileError
from delineate.readers.guard import guarded, present

LARGEST = 1 << 30
"""Bytes that one file of a zip may unpack to; a zip that promises more is an attack."""


class Archive(ABC):
    """A place that holds files under relative names with forward slashes."""

    root: Path
    """The folder or the zip."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Every file's name, in ascending order; hidden ones are left out."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Read a whole file.

        Args:
            name: One of `names`.

        Returns:
            Its bytes, unpacked.
        """

    def where(self, name: str) -> str:
        """Say where a file lies, for messages.

        Args:
            name: One of `names`.

        Returns:
            Its whole path.
        """
        return str(self.root / name)


class FolderArchive(Archive):
    """The files of a folder and of the folders in it."""

    def __init__(self, root: Path) -> None:
        """Remember where; it is listed when first asked.

        Args:
            root: The folder.
        """
        self.root = root

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every file's name, in ascending order; hidden ones are left out."""
        files = (path for path in self.root.rglob("*") if path.is_file())
        return _shown(path.relative_to(self.root).as_posix() for path in files)

    def read(self, name: str) -> bytes:
        """Read a whole file.

        Args:
            name: One of `names`.

        Returns:
            Its bytes.
        """
        return content_of(self.root / name)


class ZipArchive(Archive):
    """The files of a zip, which stays as it is."""

    def __init__(self, root: Path) -> None:
        """Remember where; it is listed when first asked.

        Args:
            root: The zip.
        """
        self.root = root

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every file's name, in ascending order; hidden ones are left out.

        Raises:
            DatasetError: If it is no zip, or is cut short.
        """
        try:
            with zipfile.ZipFile(self.root) as opened:
                return _shown(entry.filename for entry in opened.infolist() if not entry.is_dir())
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise DatasetError(
                f"{self.root} cannot be opened as a zip ({error}). Download it again, or unpack "
                "it and pass the folder."
            ) from error

    def read(self, name: str) -> bytes:
        """Unpack a whole file into memory.

        Args:
            name: One of `names`.

        Returns:
            Its bytes.

        Raises:
            FileError: If it is damaged, or unpacks to more than `LARGEST`.
        """
        kind = "file of a zip"
        with guarded(Path(self.where(name)), kind), zipfile.ZipFile(self.root) as opened:
            size = opened.getinfo(name).file_size
            if size > LARGEST:
                raise FileError(
                    f"{self.where(name)} would unpack to {size} bytes, more than {LARGEST}. "
                    "Unpack it by hand if you trust it, and pass the folder."
                )
            return opened.read(name)


class Entry(NamedTuple):
    """One file of an archive."""

    archive: Archive
    """Where it lies."""
    name: str
    """Its name there."""

    def read(self) -> bytes:
        """Read it wholly.

        Returns:
            Its bytes.
        """
        return self.archive.read(self.name)

    @property
    def where(self) -> str:
        """Its path, for messages."""
        return self.archive.where(self.name)


def content_of(path: Path) -> bytes:
    """Read a whole file.

    Args:
        path: The file.

    Returns:
        Its bytes.
    """
    with guarded(present(path), "file"):
        return path.read_bytes()


def picture_size(content: bytes, where: str) -> tuple[int, int]:
    """Read the size of a picture from its header.

    Args:
        content: A whole picture file.
        where: Its path, for messages.

    Returns:
        (Y, X).
    """
    from PIL import Image as Picture  # heavy, and only cases need it

    with guarded(Path(where), "picture"), Picture.open(io.BytesIO(content)) as picture:
        return picture.height, picture.width


def decoded(content: bytes, where: str, *, as_colours: bool) -> NDArray[Any]:
    """Decode a picture: PNG, TIFF (LZW and PackBits too), WebP, JPEG.

    Args:
        content: A whole picture file.
        where: Its path, for messages.
        as_colours: True for red, green and blue, whatever the file has; False as stored.

    Returns:
        (3, Y, X) uint8, or what is stored, (Y, X) or (Y, X, S).
    """
    from PIL import Image as Picture  # heavy, and only pixels need it

    with guarded(Path(where), "picture"), Picture.open(io.BytesIO(content)) as picture:
        if not as_colours:
            return np.asarray(picture)
        array = np.asarray(picture.convert("RGB"))
        return np.ascontiguousarray(np.moveaxis(array, -1, 0))


def _shown(names: Iterable[str]) -> tuple[str, ...]:
    # macOS adds a shadow "__MACOSX/._name" to every file of a zip.
    return tuple(
        name
        for name in sorted(names)
        if not any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)
    )
