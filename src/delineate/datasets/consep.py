"""CoNSeP in patches: H&E at 40x of the colon, each nucleus of one of four types."""

from pathlib import Path

import numpy as np

from delineate.core.errors import DatasetError
from delineate.core.instances import Instances
from delineate.core.labels import LabelTable
from delineate.datasets.base import patient_of
from delineate.datasets.objects import bright
from delineate.datasets.tiles import Finds, Tile, TileDataset, look_for
from delineate.readers import natural_order
from delineate.readers.content import AnyArray
from delineate.readers.guard import guarded, present
from delineate.readers.matlab import read_mat, whole_numbers

TYPES = bright(
    LabelTable.of_names({"other": 1, "inflammatory": 2, "epithelial": 3, "spindle-shaped": 4})
)
"""The seven types of CoNSeP joined to four, as HoVer-Net does."""
PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
ARRAYS = (".npz", ".npy")
PART = "train"


class CoNSeP(TileDataset):
    """`images/`, `inst/` (ids) and `type_mat/` (types), each with a folder `train`.

    Ids keep the numbering of the tile that a patch was cut from; the types stand in ascending
    order of the ids. Patches of one tile count as one patient, since they may share nuclei.
    """

    layout = "consep"
    labels = TYPES
    assumed_mpp = 0.25

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Tell whether a folder holds `images`, `inst` and `type_mat`.

        Args:
            path: A folder.

        Returns:
            True if so.
        """
        return all((path / part).is_dir() for part in ("images", "inst", "type_mat"))

    def look(self, root: Path) -> Finds:
        """Join picture, ids and types of equal names.

        Args:
            root: The dataset's folder.

        Returns:
            What was found in `train`, or in the folders themselves if there is no `train`.
        """
        sides = {
            "picture": look_for(_part(root / "images"), lambda path: _is(path, PICTURES)),
            "file of ids": look_for(_part(root / "inst"), lambda path: _is(path, ARRAYS)),
            "file of types": look_for(_part(root / "type_mat"), lambda path: _is(path, (".mat",))),
        }
        names = sorted({name for files in sides.values() for name in files}, key=natural_order)
        tiles, problems = {}, []
        for name in names:
            absent = [side for side, files in sides.items() if name not in files]
            if absent:
                problems.append(f"{name} has no {' and no '.join(absent)}; it is left out.")
            else:
                image, ids, types = (files[name] for files in sides.values())
                tiles[name] = Tile(image=image, objects=ids, types=types)
        others = sorted(
            folder.name
            for folder in (root / "images").iterdir()
            if folder.is_dir() and folder.name != PART
        )
        remarks = [f"Only {PART} is taken; {', '.join(others)} stays unseen."] if others else []
        return Finds(
            name="CoNSeP",
            tiles=tiles,
            licence="research, non-commercial",
            problems=tuple(problems),
            remarks=tuple(remarks),
        )

    def tissue(self, id: str) -> str:
        """Say what a case shows.

        Args:
            id: One of `ids()`.

        Returns:
            "colon".
        """
        return "colon"

    def patient(self, id: str) -> str:
        """Say from which tile a patch was cut, since nobody knows whose the tiles are.

        Args:
            id: One of `ids()`, such as "train_10_003".

        Returns:
            Such as "train_10"; what patients.csv says comes first.
        """
        tile, _, number = id.rpartition("_")
        return self._patients.get(id) or (tile if tile and number.isdigit() else patient_of(id))

    def objects(self, id: str, tile: Tile) -> Instances:
        """Read ids and types.

        Args:
            id: The case.
            tile: Its files.

        Returns:
            The nuclei.

        Raises:
            DatasetError: If there is not one type a nucleus, or one of no name.
        """
        ids = read_ids(tile.objects)
        present_ids = np.unique(ids[ids != 0]).tolist()
        types = types_in(tile.types) if tile.types else np.zeros(0, dtype=np.int64)
        if len(types) != len(present_ids):
            raise DatasetError(
                f"{tile.types} lists {len(types)} types for the {len(present_ids)} nuclei of "
                f"{tile.objects}. Download both again, or leave the case out."
            )
        strange = sorted({int(type) for type in types} - {label.id for label in TYPES.labels})
        if strange:
            raise DatasetError(
                f"{tile.types} holds the types {strange[:5]}, but CoNSeP has 1 to 4 "
                f"({', '.join(TYPES.names)}). Correct the file, or leave the case out."
            )
        table = dict(zip(present_ids, types.tolist(), strict=True))
        return self.numbered(id, ids, tile.objects, table)


def read_ids(path: Path) -> AnyArray:
    """Read the ids of a patch.

    Args:
        path: A .npz with the array `inst`, or a .npy.

    Returns:
        Whole numbers, (Y, X).

    Raises:
        DatasetError: If the file holds objects of Python, or no whole numbers.
    """
    with guarded(present(path), "NumPy"), path.open("rb") as stream:
        try:
            opened = np.load(stream, allow_pickle=False)
        except ValueError as error:
            raise DatasetError(
                f"{path} is damaged, or holds objects of Python (a pickle), which could run code "
                "when read. Save the map of ids alone, as a TIFF or with numpy.save."
            ) from error
        if isinstance(opened, np.ndarray):
            array = opened
        else:
            names = opened.files
            array = opened["inst" if "inst" in names else names[0]]
    if array.dtype.kind not in "ui":
        raise DatasetError(
            f"{path} holds {array.dtype} where ids are expected. Save whole numbers, 0 outside."
        )
    return array


def types_in(path: Path) -> AnyArray:
    """Read the types of a .mat file.

    Args:
        path: A file with the array `inst_type`.

    Returns:
        One type a nucleus, (N,), int64.

    Raises:
        DatasetError: If there is no such array.
    """
    found = read_mat(path, ["inst_type"])
    if "inst_type" not in found:
        raise DatasetError(f"{path} holds no array inst_type. Download it again.")
    return whole_numbers(found["inst_type"], path)


def _part(folder: Path) -> Path:
    return folder / PART if (folder / PART).is_dir() else folder


def _is(path: Path, suffixes: tuple[str, ...]) -> bool:
    return path.suffix.lower() in suffixes
