"""Pictures of tissue beside files that tell their nuclei apart, for every layout made of such."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Case
from delineate.core.colours import COLOURS, in_colours
from delineate.core.errors import DatasetError
from delineate.core.image import Image
from delineate.core.instances import Instances
from delineate.core.labels import LabelTable
from delineate.datasets.base import Dataset, patient_of, read_patients, readable_folder
from delineate.datasets.objects import NUCLEUS, checked_mpp, grid_of, objects_case
from delineate.readers import read_image

LIMITS = tuple(int(np.iinfo(kind).max) for kind in (np.uint8, np.int16, np.uint16))
"""Largest ids that files of 8 and 16 bits can hold."""
SHOWN = 3
"""Cases that a remark names before it counts the others."""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """The files of one case."""

    image: Path
    """The picture."""
    objects: Path
    """The id of each pixel's nucleus."""
    types: Path | None = None
    """What each nucleus is, if another file says it."""


@dataclass(frozen=True, kw_only=True)
class Finds:
    """What looking at a folder's names told."""

    name: str
    """What people call the dataset."""
    tiles: Mapping[str, Tile]
    """Usable cases by id, in natural order."""
    licence: str = "unknown"
    """Terms, if known."""
    mpp: float | None = None
    """Micrometres per pixel, if a file of the folder gives it for all cases."""
    problems: tuple[str, ...] = ()
    """One sentence for each case that was left out."""
    remarks: tuple[str, ...] = ()
    """One sentence for each assumption."""


class TileDataset(Dataset):
    """A dataset of pictures and files of ids; kinds differ in how they find and read them."""

    channels = COLOURS
    assumed_mpp: ClassVar[float | None] = None
    """Micrometres per pixel where neither the user nor a file says it."""

    def __init__(self, path: str | Path, *, mpp: float | None = None) -> None:
        """Look at the names in the folder; no pixel is read.

        Args:
            path: The dataset's folder.
            mpp: Micrometres per pixel of every picture, overruling the files.

        Raises:
            DatasetError: If nothing in it can be used.
        """
        self.root = readable_folder(path)
        self._mpp = checked_mpp(mpp)
        self._found = self.look(self.root)
        self._patients = read_patients(self.root)
        self._touching: dict[str, int] = {}
        if not self._found.tiles:
            raise DatasetError(
                f"{self.root} has no picture that goes with a file of nuclei. "
                + (" ".join(self._found.problems[:3]) or "Check the names of the files.")
            )

    @abstractmethod
    def look(self, root: Path) -> Finds:
        """Find the files of every case by their names.

        Args:
            root: The dataset's folder, which exists.

        Returns:
            What was found.
        """

    @abstractmethod
    def objects(self, id: str, tile: Tile) -> Instances:
        """Read the nuclei of a case.

        Args:
            id: The case.
            tile: Its files.

        Returns:
            The nuclei, of types that `labels` lists.
        """

    @property
    def name(self) -> str:
        """What people call it."""
        return self._found.name

    @property
    def licence(self) -> str:
        """Terms under which it was given."""
        return self._found.licence

    @property
    def labels(self) -> LabelTable:
        """What the types mean; one label "nucleus" where they are not known."""
        return NUCLEUS

    def ids(self) -> list[str]:
        """Name the cases that have a picture and its nuclei, even if none is there.

        Returns:
            Case ids in natural order.
        """
        return list(self._found.tiles)

    def case(self, id: str) -> Case:
        """Read the picture's header; its pixels and its nuclei are read when first touched.

        Args:
            id: One of `ids()`.

        Returns:
            The case.

        Raises:
            DatasetError: If there is no such case.
        """
        if id not in self._found.tiles:
            raise DatasetError(f"{self.name} has no usable case {id!r}. See `delineate describe`.")
        tile = self._found.tiles[id]
        image, mpp_from = self._picture(tile)
        return objects_case(
            id=id,
            patient=self.patient(id),
            image=image,
            labels=self.labels,
            load=lambda: self.objects(id, tile),
            facts={"dataset": self.name, "tissue": self.tissue(id), "mpp_from": mpp_from},
        )

    def patient(self, id: str) -> str:
        """Say whose a case is, by patients.csv or by its name.

        Args:
            id: One of `ids()`.

        Returns:
            The patient's key.
        """
        return self._patients.get(id) or patient_of(id)

    def problems(self) -> list[str]:
        """List what was left out.

        Returns:
            One sentence a problem.
        """
        return list(self._found.problems)

    def remarks(self) -> list[str]:
        """List what was assumed, and ids that touch the limit of their files.

        Returns:
            One sentence each; the limit is known of the cases whose nuclei were read.
        """
        remarks = list(self._found.remarks)
        if self._mpp is None and self.assumed_mpp is not None:
            remarks.append(
                f"No file says how large a pixel is; {self.assumed_mpp} micrometres are assumed. "
                "Pass mpp to correct it."
            )
        if self._touching:
            few, limit = _few(list(self._touching)), max(self._touching.values())
            remarks.append(
                f"The ids of {few} reach {limit}, the largest that their files can hold, so "
                "nuclei beyond may bear other nuclei's ids. Save ids with 32 bits."
            )
        return remarks

    def numbered(
        self,
        id: str,
        array: NDArray[Any],
        where: Path,
        types: Mapping[int, int] | None = None,
        *,
        limit: Callable[[], int | None] | None = None,
    ) -> Instances:
        """Number the nuclei of a case anew, and notice ids that touch a limit.

        Args:
            id: The case.
            array: Whole numbers from 0 of any type, (Y, X).
            where: The file, for messages.
            types: Label id by id; None gives all 1.
            limit: Tells the largest id that the file can hold, None if that is beyond 16 bits;
                the array's own type tells it if left out.

        Returns:
            The nuclei.

        Raises:
            DatasetError: If the array has other axes, or holds what cannot be an id.
        """
        if array.ndim != 2:
            raise DatasetError(
                f"{where} holds ids of shape {array.shape}, where one map (Y, X) is needed. "
                "Save the ids of one picture in one file."
            )
        highest = int(array.max(initial=0))
        if highest in LIMITS and highest == (limit() if limit else _limit(array)):
            self._touching[id] = highest
        if array.min(initial=0) < 0:
            raise DatasetError(
                f"{where} holds the id {array.min()}, but ids count from 1 and 0 is outside. "
                "Save the ids as unsigned numbers."
            )
        return Instances.of(array, types)

    def _picture(self, tile: Tile) -> tuple[Image, str | None]:
        # Open the picture on a grid of the best resolution that anyone gives, and say who did.
        image = in_colours(read_image(tile.image))
        given: list[tuple[float | None, str]] = [
            (self._mpp, "by hand"),
            (self._found.mpp, "annotation"),
        ]
        for mpp, who in given:
            if mpp is not None:
                return _placed(image, mpp), who
        if image.geometry.is_physical:
            return image, "file"
        if self.assumed_mpp is not None:
            return _placed(image, self.assumed_mpp), "assumed"
        return image, None


def look_for(
    folder: Path, wanted: Callable[[Path], bool], *, deep: bool = False
) -> dict[str, Path]:
    """List files of a folder by their names without endings.

    Args:
        folder: The folder; one that is absent holds nothing.
        wanted: Tells which files count.
        deep: True to look into the folders in it, too.

    Returns:
        File by name; of equal names the first in ascending order.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*") if deep else folder.glob("*")):
        if not path.name.startswith(".") and path.is_file() and wanted(path):
            found.setdefault(path.stem, path)
    return found


def _placed(image: Image, mpp: float) -> Image:
    return replace(image, geometry=grid_of(image.geometry.shape, mpp))


def _limit(array: NDArray[Any]) -> int | None:
    """Tell the largest id of a type of 8 or 16 bits; wider ones have room for every slide."""
    if array.dtype.kind in "ui" and array.dtype.itemsize <= 2:
        return int(np.iinfo(array.dtype).max)
    return None


def _few(ids: list[str]) -> str:
    rest = len(ids) - SHOWN
    return ", ".join(ids[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
