"""HoVer-Net's .mat files beside pictures: `inst_map`, and types by nucleus or by pixel."""

from functools import cached_property
from pathlib import Path

import numpy as np

from delineate.core.errors import DelineateError
from delineate.core.instances import UNTYPED, Instances
from delineate.core.labels import LabelTable
from delineate.core.progress import track
from delineate.datasets.folder import IMAGE_FOLDERS
from delineate.datasets.legend import find_legend
from delineate.datasets.tiles import Finds, Tile, TileDataset, look_for
from delineate.datasets.typenames import TYPE_INFO, TypeNames, read_type_info
from delineate.readers import natural_order
from delineate.readers.hovernet import IDS, read_nuclei
from delineate.readers.matlab import names_in_mat

PARTS = ("train", "training")
"""Sub-folders that are looked into where the folder itself holds no pair."""
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")


class HoVerNet(TileDataset):
    """Pictures and .mat files of equal names, in one folder or in two, as HoVer-Net takes them.

    `inst_type` gives one type a nucleus, in the order of `inst_uid`, or of ascending ids if that
    is absent; else `type_map` gives types by pixel, of which a nucleus takes its commonest.
    Names come from `type_info.json` or `labels.yaml`, which may also join types:
    `epithelial: [3, 4]`. The original CoNSeP (`Train/Images`, `Train/Labels`) is of this kind.
    """

    layout = "hovernet"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Tell whether a folder holds .mat files of ids that go with pictures.

        Args:
            path: A folder.

        Returns:
            True if the first such file holds `inst_map`, or cannot be read.
        """
        try:
            if not path.is_dir():
                return False
            _, images, mats = _sides(path)
            both = [name for name in mats if name in images]
            return bool(both) and IDS in names_in_mat(mats[both[0]])
        except OSError:  # a folder that may not be listed is refused with reasons later
            return False
        except DelineateError:  # opening it says what is wrong with the file
            return True

    def look(self, root: Path) -> Finds:
        """Join pictures and .mat files of equal names.

        Args:
            root: The dataset's folder.

        Returns:
            What was found.
        """
        base, images, mats = _sides(root)
        names = sorted({*images, *mats}, key=natural_order)
        return Finds(
            name=root.resolve().name,
            tiles={
                name: Tile(image=images[name], objects=mats[name])
                for name in names
                if name in images and name in mats
            },
            problems=tuple(
                f"{name} has a picture ({images[name].name}) but no .mat; it is left out."
                if name in images
                else f"{name} has nuclei ({mats[name].name}) but no picture; it is left out."
                for name in names
                if not (name in images and name in mats)
            ),
            remarks=() if base == root else (f"Only {base.name} is taken of {root.name}.",),
        )

    @property
    def labels(self) -> LabelTable:
        """What the types mean; files are read if none names them."""
        return self._types.table

    def objects(self, id: str, tile: Tile) -> Instances:
        """Read ids and types.

        Args:
            id: The case.
            tile: Its files.

        Returns:
            The nuclei.
        """
        ids, types = read_nuclei(tile.objects)
        if not self._types.is_typed:
            return self.numbered(id, ids, tile.objects)
        table = self._types.label_ids(types, tile.objects)
        known = np.unique(ids[ids != 0]).tolist()
        return self.numbered(
            id, ids, tile.objects, {number: table.get(number, UNTYPED) for number in known}
        )

    def remarks(self) -> list[str]:
        """List what was assumed.

        Returns:
            One sentence an assumption.
        """
        remarks = super().remarks()
        if not self.labels.names_known:
            remarks.append(
                f"No file names the types, so {', '.join(self.labels.names)} are made up from the "
                f"numbers in the files. Name them in labels.yaml, such as `inflammatory: 2`, or in "
                f"{TYPE_INFO}."
            )
        return remarks

    @cached_property
    def _types(self) -> TypeNames:
        path = self.root / TYPE_INFO
        if path.exists():
            return TypeNames.of(read_type_info(path), str(path))
        named = find_legend(self.root)
        if named is not None:
            return TypeNames.of(named, f"the file of labels in {self.root}")
        found: set[int] = set()
        for tile in track(self._found.tiles.values(), "finding the types", len(self.ids())):
            try:
                found |= set(read_nuclei(tile.objects)[1].values())
            except DelineateError:
                continue  # reading the case itself, or the audit, tells of it
        return TypeNames.made_up(found)


def _sides(root: Path) -> tuple[Path, dict[str, Path], dict[str, Path]]:
    """Find pictures and .mat files by name, in the folder or else in its part for training."""
    parts = [path for path in sorted(root.iterdir()) if path.name.lower() in PARTS]
    for base in (root, *parts):
        folders = [path for path in sorted(base.iterdir()) if path.is_dir()]
        pictures = [path for path in folders if path.name.lower() in IMAGE_FOLDERS]
        mats: dict[str, Path] = {}
        for folder in (base, *folders):
            mats = mats or look_for(folder, lambda path: path.suffix.lower() == ".mat")
        if mats:
            images = look_for(
                pictures[0] if pictures else base, lambda path: path.suffix.lower() in PICTURES
            )
            return base, images, mats
    return root, {}, {}
