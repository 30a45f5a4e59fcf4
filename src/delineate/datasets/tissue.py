"""Synthetic slides: tiles of haematoxylin and eosin whose nuclei are known, with their types."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Case
from delineate.core.errors import DatasetError, pick
from delineate.core.files import whole, write_text
from delineate.core.image import Image
from delineate.core.labels import LabelTable
from delineate.core.progress import track
from delineate.core.tags import write_tag
from delineate.datasets.base import Dataset
from delineate.datasets.objects import COLOURS, checked_mpp, grid_of, objects_case

LABELS = LabelTable.of_names({"epithelial": 1, "inflammatory": 2, "connective": 3})
"""Types of nuclei."""
PATTERNS = ("glands", "acini", "nests", "sheet", "stroma", "inflamed")
"""Kinds of tissue, which take turns."""
SHAPE = (256, 256)
MPP = 0.25
LICENCE = "CC0-1.0"
FINEST_UM, COARSEST_UM = 0.05, 2.0
"""Micrometres per pixel between which nuclei can be drawn."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What tiles should be like."""

    shape: tuple[int, int] = SHAPE
    """Pixels (Y, X)."""
    mpp: float = MPP
    """Micrometres per pixel."""
    pattern: str | None = None
    """One of `PATTERNS`; None lets seeds take turns."""

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn.

        Raises:
            DatasetError: If the picture is too small, or its pixels too small or too large.
        """
        if len(self.shape) != 2 or min(self.shape) < 16:
            raise DatasetError(
                f"shape of a tile must be two numbers of at least 16, not {tuple(self.shape)}. "
                f"Pass one such as {SHAPE}."
            )
        checked_mpp(self.mpp)
        if not FINEST_UM <= self.mpp <= COARSEST_UM:
            raise DatasetError(
                f"mpp of a tile must lie between {FINEST_UM} and {COARSEST_UM} micrometres per "
                f"pixel, not {self.mpp}. Pass {MPP} for a scan at 40x."
            )


def make_tile(
    seed: int,
    *,
    shape: Sequence[int] = SHAPE,
    mpp: float = MPP,
    pattern: str | None = None,
) -> Case:
    """Make one tile of tissue, stained and scanned.

    The truth is the outlines that the nuclei are painted from: it is exact. Where nuclei lie
    over each other, ids give the pixels to the upper one, and outlines keep both. Tissue, dyes,
    their amounts, lens and camera differ from seed to seed.

    Args:
        seed: Any whole number of at least 0.
        shape: Pixels (Y, X), each at least 16.
        mpp: Micrometres per pixel, 0.05 to 2; the same cells have fewer pixels at a larger one.
        pattern: One of `PATTERNS`; None lets seeds take turns.

    Returns:
        Case of id "tissue_0007", image (3, Y, X) uint8, objects with types and outlines.

    Raises:
        DatasetError: If shape or mpp cannot be drawn, or there is no such pattern.
    """
    wish = Wish(shape=tuple(int(size) for size in shape), mpp=mpp, pattern=pattern)  # type: ignore[arg-type]
    kind = PATTERNS[seed % len(PATTERNS)]
    if wish.pattern is not None:
        kind = pick(dict(zip(PATTERNS, PATTERNS, strict=True)), wish.pattern, what="kind of tissue")
    from delineate.datasets.slide import paint_slide  # scipy only when one is made

    picture, instances = paint_slide(seed, wish.shape, wish.mpp, kind)
    name = f"tissue_{seed:04d}"
    grid = grid_of(wish.shape, wish.mpp)
    return objects_case(
        id=name,
        patient=name,
        image=Image.of(picture, grid, COLOURS, source=name),
        labels=LABELS,
        load=lambda: instances,
        facts={"dataset": "tissue", "tissue": kind, "mpp_from": "annotation", "seed": seed},
    )


class Tissue(Dataset):
    """Tiles made when asked for; the same seed gives the same pixels."""

    layout = "tissue"
    name = "tissue"
    licence = LICENCE
    labels = LABELS
    channels = COLOURS

    def __init__(
        self,
        path: str | Path = "tissue",
        *,
        num_tiles: int = 12,
        seed: int = 0,
        shape: Sequence[int] = SHAPE,
        mpp: float | None = None,
        pattern: str | None = None,
    ) -> None:
        """Choose how many tiles there are; each is of another patient.

        Args:
            path: Ignored: they live in no folder.
            num_tiles: How many, at least 1.
            seed: The first tile's seed; the others follow.
            shape: Pixels (Y, X).
            mpp: Micrometres per pixel that they are made at; None gives 0.25.
            pattern: One of `PATTERNS`; None lets them take turns.

        Raises:
            DatasetError: If there is no tile, or one cannot be drawn.
        """
        if num_tiles < 1:
            raise DatasetError(f"num_tiles must be at least 1, not {num_tiles}. Pass a larger one.")
        self._mpp = mpp
        self._wish: dict[str, Any] = {
            "shape": tuple(shape), "mpp": MPP if mpp is None else mpp, "pattern": pattern,
        }  # fmt: skip
        Wish(**self._wish)
        self._seeds = {f"tissue_{place:04d}": place for place in range(seed, seed + num_tiles)}

    def ids(self) -> list[str]:
        """Name all tiles.

        Returns:
            Case ids, in the order of their seeds.
        """
        return list(self._seeds)

    def case(self, id: str) -> Case:
        """Make one tile.

        Args:
            id: One of `ids()`.

        Returns:
            The case, in memory.

        Raises:
            DatasetError: If there is no such tile.
        """
        if id not in self._seeds:
            raise DatasetError(f"There is no tile {id!r}. The first is {self.ids()[0]!r}.")
        case = make_tile(self._seeds[id], **self._wish)
        source = "annotation" if self._mpp is None else "by hand"
        return replace(case, facts={**case.facts, "mpp_from": source})

    def patient(self, id: str) -> str:
        """Say whose a tile is: each is of another patient.

        Args:
            id: One of `ids()`.

        Returns:
            The patient's key.
        """
        return id

    def tissue(self, id: str) -> str | None:
        """Say which pattern a tile shows.

        Args:
            id: One of `ids()`.

        Returns:
            One of `PATTERNS`.
        """
        return self._wish["pattern"] or PATTERNS[self._seeds[id] % len(PATTERNS)]

    def problems(self) -> list[str]:
        """List problems of layout: made tiles have none.

        Returns:
            Nothing.
        """
        return []

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Tell whether the path is the word "tissue" and no folder.

        Args:
            path: What the user gave.

        Returns:
            True if so.
        """
        return str(path) == "tissue" and not path.exists()


def write_tiles(
    folder: str | Path,
    num_tiles: int,
    seed: int = 0,
    *,
    shape: Sequence[int] = SHAPE,
    mpp: float = MPP,
    pattern: str | None = None,
) -> Path:
    """Write tiles as pictures beside label images, which the layout "labelmaps" reads.

    Args:
        folder: Where to; made if absent.
        num_tiles: How many.
        seed: The first tile's seed; the others follow.
        shape: Pixels (Y, X).
        mpp: Micrometres per pixel.
        pattern: One of `PATTERNS`; None lets them take turns.

    Returns:
        The folder, with images/ and masks/ of TIFF, types.csv and instances.yaml.
    """
    root = Path(folder)
    data = Tissue(num_tiles=num_tiles, seed=seed, shape=shape, mpp=mpp, pattern=pattern)
    rows = ["case,id,type"]
    for id in track(data.ids(), "making tiles of tissue", len(data.ids())):
        case = data.case(id)
        _write_tiff(root / "images" / f"{id}.tif", np.moveaxis(case.image.array, 0, -1), case)
        if case.instances is not None:
            ids, types = case.instances.ids.astype(np.uint32), case.instances.types
            _write_tiff(root / "masks" / f"{id}.tif", ids, case)
            rows += [f"{id},{place},{type}" for place, type in enumerate(types, start=1)]
    write_text(root / "types.csv", "\n".join(rows) + "\n")
    card = {
        "name": "tissue",
        "licence": LICENCE,
        "labels": {label.name: label.id for label in LABELS.labels},
    }
    write_text(root / "instances.yaml", json.dumps(card, indent=2) + "\n")  # JSON is YAML
    return root


def _write_tiff(path: Path, array: NDArray[Any], case: Case) -> None:
    import tifffile

    mpp = case.image.geometry.spacing_mm[0] * 1000
    with whole(path) as draft:
        tifffile.imwrite(
            draft,
            array,
            photometric="rgb" if array.ndim == 3 else "minisblack",
            compression="zlib",
            resolution=(1e4 / mpp, 1e4 / mpp),
            resolutionunit="CENTIMETER",
            description=write_tag(case.image.geometry, LABELS),
            metadata=None,
        )
