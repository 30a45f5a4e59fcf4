"""Pictures and label images, one number a nucleus, in the styles of Cellpose and StarDist."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from delineate.core.errors import DatasetError, DelineateError
from delineate.core.instances import UNTYPED, Instances
from delineate.core.labels import LabelTable
from delineate.datasets.folder import Folder, find_pairs
from delineate.datasets.legend import find_legend, read_mapping, table_of
from delineate.datasets.objects import checked_mpp
from delineate.datasets.pairs import Pair
from delineate.datasets.tiles import Finds, Tile, TileDataset
from delineate.datasets.typenames import TypeNames, read_types
from delineate.readers import read_mask
from delineate.readers.content import AnyArray

CARD = "instances.yaml"
"""File that says that numbers are ids; it may give name, licence, mpp and labels as well."""
TYPES = "types.csv"
"""Table that says what each nucleus is: columns case, id, type."""
PARTS = ("train", "training")
"""Sub-folders that are looked into where the folder itself holds no pair."""
FLAT = (".png", ".tif", ".tiff", ".bmp", ".gif")
"""Endings of label images: pictures without loss."""
FEWEST = 8
"""With more distinct numbers than this, a mask can be a map of ids."""
LOOKED_AT = 3
"""Masks that are looked at: the largest files, which hold the most nuclei."""
SAMPLE = 64
"""Numbers of a mask whose connectedness is looked at."""
MOST = 0.5
"""Share of them that must be in one piece."""
SMALLEST_PX = 4
"""Median area that such numbers have at least; those of blurred edges have less."""


class LabelMaps(TileDataset):
    """`NAME.png` beside `NAME_masks.png` (Cellpose), or `images/` and `masks/` (StarDist).

    Semantic masks lie in folders of the same names. Numbers are taken as ids if the folder holds
    `instances.yaml`, or else if no file names labels and, of the three largest masks, most hold
    more than 8 distinct numbers of which most are in one piece: classes are few, and scattered.
    Where that is wrong, layout="folder" or layout="labelmaps" overrules it.

    `types.csv` (columns case, id, type) may say what each nucleus is, and `labels` in
    instances.yaml what the types are called; nuclei that it leaves out are of unknown type.
    """

    layout = "labelmaps"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Tell whether a folder holds pictures and maps of ids; up to three masks are read.

        Args:
            path: A folder.

        Returns:
            True if so, by the rule of the class.
        """
        if not path.is_dir():
            return False
        try:
            base = _base(path)
            if (path / CARD).is_file() or (base / CARD).is_file() or _has_pickles_only(base):
                return True
            if find_legend(path) or find_legend(base) or not Folder.recognises(base):
                return False
            pairs, _ = find_pairs(base)
        except (OSError, DelineateError):  # who opens the folder is told what is wrong
            return False
        return tells_objects([pair.mask for pair in pairs.values()])

    def look(self, root: Path) -> Finds:
        """Pair pictures and label images by their names.

        Args:
            root: The dataset's folder.

        Returns:
            What was found.

        Raises:
            DatasetError: If there are only Cellpose's pickles, or instances.yaml is wrong.
        """
        base = _base(root)
        if _has_pickles_only(base):
            raise DatasetError(
                f"{base} holds nuclei only as _seg.npy, which are pickles that could run code when "
                "read. Save the masks in Cellpose as PNG or TIFF, named NAME_masks."
            )
        pairs, problems = find_pairs(base)
        card = self._card
        remarks = [f"Only {base.name} is taken of {root.name}."] if base != root else []
        if not (root / CARD).exists():
            remarks.append(
                "The numbers in the masks are taken as ids of nuclei, since there are many and "
                f"most are in one piece. If they are classes, pass layout folder; else add {CARD}."
            )
        return Finds(
            name=str(card.get("name", root.resolve().name)),
            tiles={id: _tile(pair) for id, pair in pairs.items()},
            licence=str(card.get("licence", "unknown")),
            mpp=_number(card.get("mpp"), root / CARD),
            problems=tuple(problems),
            remarks=tuple(remarks),
        )

    @cached_property
    def _card(self) -> dict[str, Any]:
        path = self.root / CARD
        if not path.exists() or not path.read_text(encoding="utf-8-sig").strip():
            return {}
        return read_mapping(path)

    def objects(self, id: str, tile: Tile) -> Instances:
        """Read a label image.

        Args:
            id: The case.
            tile: Its files.

        Returns:
            The nuclei.
        """
        path, types = tile.objects, None
        ids = read_mask(path).array
        if self._names.is_typed:
            given = self._names.label_ids(self._types.get(id, {}), self.root / TYPES)
            known = np.unique(ids[ids != 0]).tolist()
            types = {number: given.get(number, UNTYPED) for number in known}
        return self.numbered(id, ids, path, types, limit=lambda: highest_id(path))

    @property
    def labels(self) -> LabelTable:
        """What the types mean; one label "nucleus" without a table of types."""
        return self._names.table

    @cached_property
    def _names(self) -> TypeNames:
        if self._named is not None and self._types:
            return TypeNames.of(self._named, str(self.root / CARD))
        return TypeNames.made_up(type for row in self._types.values() for type in row.values())

    @cached_property
    def _named(self) -> LabelTable | None:
        raw = self._card.get("labels")
        return table_of(raw, where=self.root / CARD) if raw else None

    @cached_property
    def _types(self) -> dict[str, dict[int, int]]:
        path = self.root / TYPES
        return read_types(path, self._named) if path.exists() else {}


def tells_objects(masks: Sequence[Path]) -> bool:
    """Tell whether the numbers in masks are ids of objects, not classes.

    Args:
        masks: Files of masks.

    Returns:
        True if most of the three largest hold many numbers of which most are in one piece.
    """
    flat = [path for path in masks if path.suffix.lower() in FLAT]
    chosen = sorted(flat, key=lambda path: path.stat().st_size, reverse=True)[:LOOKED_AT]
    votes = []
    for path in chosen:
        try:
            array = read_mask(path).array
        except DelineateError:  # a coloured or damaged mask; reading the case tells of it
            continue
        if array.any():  # an empty mask says nothing
            votes.append(_holds_ids(array))
    return bool(votes) and 2 * sum(votes) > len(votes)


def highest_id(path: Path) -> int | None:
    """Tell the largest id that a label image has room for.

    Args:
        path: A picture.

    Returns:
        255 or 65535; None for 32 bits.
    """
    if path.suffix.lower() in (".tif", ".tiff"):
        import tifffile  # heavy, and only label images need it

        with tifffile.TiffFile(path) as tiff:
            kind = tiff.series[0].dtype
        return int(np.iinfo(kind).max) if kind.kind in "ui" and kind.itemsize < 4 else None
    from PIL import Image as Picture

    with Picture.open(path) as picture:
        is_deep = picture.mode.startswith("I")
    return int(np.iinfo(np.uint16 if is_deep else np.uint8).max)


def _holds_ids(array: AnyArray) -> bool:
    """Look at some numbers of a map, spread over all of them."""
    from scipy import ndimage  # heavy, and only folders of pictures need it

    if array.ndim != 2:
        return False
    numbers, numbered = np.unique(array, return_inverse=True)
    if len(numbers) - int(numbers[0] == 0) <= FEWEST:
        return False
    ids = numbered.reshape(array.shape) + (0 if numbers[0] == 0 else 1)
    boxes = ndimage.find_objects(ids)
    places = np.unique(np.linspace(1, len(boxes), min(SAMPLE, len(boxes))).astype(int))
    in_one_piece, areas = [], []
    for place in places:
        crop = ids[boxes[place - 1]] == place
        in_one_piece.append(ndimage.label(crop, structure=np.ones((3, 3)))[1] == 1)
        areas.append(np.count_nonzero(crop))
    return float(np.mean(in_one_piece)) > MOST and float(np.median(areas)) >= SMALLEST_PX


def _base(root: Path) -> Path:
    """Choose the folder itself, or its part for training if only that holds pictures."""
    if Folder.recognises(root) or _has_pickles_only(root):
        return root
    parts = [path for path in sorted(root.iterdir()) if path.name.lower() in PARTS]
    return next((path for path in parts if Folder.recognises(path)), root)


def _has_pickles_only(folder: Path) -> bool:
    return any(folder.glob("*_seg.npy")) and not any(folder.glob("*_masks.*"))


def _tile(pair: Pair) -> Tile:
    return Tile(image=pair.images[0], objects=pair.mask)


def _number(value: object, where: Path) -> float | None:
    try:
        return checked_mpp(None if value is None else float(str(value)))
    except ValueError as error:
        raise DatasetError(
            f"{where} gives mpp as {value!r}, which is no number. Write one such as mpp: 0.25."
        ) from error
