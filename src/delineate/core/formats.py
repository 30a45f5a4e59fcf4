"""The two contracts of files: what a `Reader` and a `Writer` can do."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from delineate.core.case import Prediction
from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable


class Reader(ABC):
    """Reads one family of files into images and masks; it holds no state."""

    suffixes: ClassVar[tuple[str, ...]]
    """Lower-case endings that it reads, such as ".nii.gz"."""

    def can_read(self, path: Path) -> bool:
        """Tell from the name whether this reader is in charge.

        Args:
            path: A file (or, for series, a folder).

        Returns:
            True if the ending is one of its own.
        """
        return path.name.lower().endswith(self.suffixes)

    @abstractmethod
    def read_image(self, path: Path) -> Image:
        """Read the header now and the pixels when they are first touched.

        Args:
            path: The file.

        Returns:
            Image of shape (C, *S).
        """

    @abstractmethod
    def read_mask(self, path: Path) -> Mask:
        """Read labels.

        Args:
            path: The file.

        Returns:
            Mask of ids (*S), integer, or of layers.
        """

    def read_labels(self, path: Path) -> LabelTable | None:
        """Read the classes that a file names itself; most formats name none.

        Args:
            path: The file.

        Returns:
            The table, or None if the file names no classes.
        """
        return None


class Writer(ABC):
    """Writes predictions in one format; it holds no state."""

    suffix: ClassVar[str]
    """Ending of the files it makes, such as ".nii.gz"."""

    @abstractmethod
    def write(self, prediction: Prediction, path: Path, *, image: Image | None = None) -> None:
        """Write a prediction to one file, whole or not at all.

        Args:
            prediction: What to write.
            path: The file.
            image: The image it was made from, for formats that show or refer to it.
        """
