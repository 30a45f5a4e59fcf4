"""Data Science Bowl 2018: nuclei of many microscopes, one folder an image, one PNG a nucleus."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Case
from delineate.core.errors import DatasetError, DelineateError, FileError, pick
from delineate.core.image import Image
from delineate.core.instances import Instances
from delineate.datasets.archive import content_of, decoded, picture_size
from delineate.datasets.base import Dataset, readable_folder
from delineate.datasets.objects import COLOURS, NUCLEUS, checked_mpp, grid_of, objects_case
from delineate.datasets.stains import KINDS, kind_of
from delineate.readers import natural_order
from delineate.readers.guard import guarded

NUCLEUS_UM = 6.0
"""Median diameter of a nucleus: 5.97 micrometres over the 4,948 outlined in the 13 images of
MoNuSeg whose XML was at hand (each as a disc of its area)."""
LIMITS_MPP = (0.1, 1.5)
"""No estimate leaves what microscopes for nuclei have."""
FEWEST = 3
"""An image with fewer nuclei is given the median of the images of its size."""


class Dsb2018(Dataset):
    """`stage1_train/ID/images/ID.png` and `ID/masks/*.png`, one file a nucleus.

    The files do not say how large a pixel is. Each image's own nuclei tell: their median
    diameter is taken to be `NUCLEUS_UM`.
    """

    layout = "dsb2018"
    name = "DSB 2018"
    licence = "CC0-1.0"
    labels = NUCLEUS
    channels = COLOURS

    def __init__(
        self,
        path: str | Path,
        *,
        mpp: float | None = None,
        kinds: Sequence[str] | None = None,
    ) -> None:
        """Look at the names; pixels are read only if `kinds` asks and no index.csv answers.

        Args:
            path: The folder that holds `stage1_train`, or that folder itself.
            mpp: Micrometres per pixel of every image; None estimates it image by image.
            kinds: Which of `KINDS` to take; None takes all.

        Raises:
            DatasetError: If there is no image with masks, or none of those kinds.
        """
        folder = readable_folder(path)
        inner = folder / "stage1_train"
        self.root = inner if inner.is_dir() else folder
        self._mpp = checked_mpp(mpp)
        self._index = _read_index(folder) or _read_index(self.root.parent)
        self._images, self._problems = _look(self.root)
        self._measured: dict[str, NDArray[np.float64]] = {}
        self._kinds: dict[str, str] = {}
        if not self._images:
            raise DatasetError(
                f"{self.root} has no image ID/images/ID.png beside ID/masks/. "
                + " ".join(self._problems[:3])
            )
        if kinds is not None:
            self._keep(kinds)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Tell whether a folder has `stage1_train`, or folders ID with `images/ID.png`.

        Args:
            path: A folder.

        Returns:
            True if so.
        """
        if not path.is_dir():
            return False
        if (path / "stage1_train").is_dir():
            return True
        try:
            first = next((entry for entry in sorted(path.iterdir()) if entry.is_dir()), None)
        except OSError:  # a folder that may not be listed is refused with reasons later
            return False
        return first is not None and (first / "images" / f"{first.name}.png").is_file()

    def ids(self) -> list[str]:
        """Name the images that have a folder of masks, even an empty one.

        Returns:
            Case ids in natural order.
        """
        return list(self._images)

    def case(self, id: str) -> Case:
        """Read the picture's header, and the masks' sizes if they have to tell its resolution.

        Args:
            id: One of `ids()`.

        Returns:
            The case, always of three channels.

        Raises:
            DatasetError: If there is no such case.
        """
        if id not in self._images:
            raise DatasetError(f"{self.name} has no usable case {id!r}. See `delineate describe`.")
        path = self._images[id]
        shape = self._shape(id)
        mpp = self._mpp if self._mpp is not None else self._estimate(id)
        image = Image(
            geometry=grid_of(shape, mpp),
            channels=COLOURS,
            load=lambda: decoded(content_of(path), str(path), as_colours=True),
            source=str(path),
        )
        return objects_case(
            id=id,
            patient=self.patient(id),
            image=image,
            labels=NUCLEUS,
            load=lambda: self._objects(id, shape)[0],
            facts={
                "dataset": self.name,
                "kind": self.tissue(id),
                "tissue": self.tissue(id),
                "mpp_from": "by hand" if self._mpp is not None else mpp and "estimated",
            },
        )

    def patient(self, id: str) -> str:
        """Say whose a case is: nobody knows, so each image is its own patient.

        Args:
            id: One of `ids()`.

        Returns:
            The id.
        """
        return id

    def tissue(self, id: str) -> str | None:
        """Say what kind of image it is, by index.csv or else by its pixels.

        Args:
            id: One of `ids()`.

        Returns:
            One of `KINDS`.
        """
        if id not in self._kinds:
            self._kinds[id] = self._index.get(id) or kind_of(
                decoded(content_of(self._images[id]), str(self._images[id]), as_colours=True)
            )
        return self._kinds[id]

    def problems(self) -> list[str]:
        """List images without masks and masks without their image.

        Returns:
            One sentence a problem.
        """
        return list(self._problems)

    def remarks(self) -> list[str]:
        """List what was assumed and what was left out; this reads every mask.

        Returns:
            One sentence each.
        """
        remarks = ["No file names patients, so each image counts as one."]
        if self._mpp is None:
            remarks.append(
                "No file says how large a pixel is; it was estimated for each image, taking the "
                f"median diameter of its nuclei to be {NUCLEUS_UM} micrometres. Pass mpp to "
                "correct it."
            )
        shared, lost = {}, {}
        for id in self._images:
            with suppress(DelineateError):  # whoever reads the case is told
                _, shared[id], lost[id] = self._objects(id, self._shape(id))
        for what, counts in (
            ("pixels are claimed by several masks; the first by name keeps them", shared),
            ("masks are empty or wholly covered by others; they are left out", lost),
        ):
            where = [id for id, number in counts.items() if number]
            if where:
                remarks.append(f"{sum(counts.values())} {what} (in {', '.join(where[:3])}).")
        return remarks

    def _keep(self, kinds: Sequence[str]) -> None:
        for kind in kinds:
            pick(KINDS, kind, what="kind of image")
        kept = {}
        for id, path in self._images.items():
            with suppress(FileError):
                if self.tissue(id) not in kinds:
                    continue
            kept[id] = path  # a damaged one, too: whoever reads it is told
        if not kept:
            raise DatasetError(
                f"None of the {len(self._images)} images in {self.root} is of the kinds "
                f"{tuple(kinds)}. Pass other kinds, or none to take all."
            )
        self._images = kept

    def _shape(self, id: str) -> tuple[int, int]:
        path = self._images[id]
        return picture_size(content_of(path), str(path))

    def _diameters(self, id: str) -> NDArray[np.float64]:
        """Measure the nuclei of an image as discs of their areas, in pixels."""
        if id not in self._measured:
            areas = np.array([np.count_nonzero(mask) for mask in _masks(self._images[id])])
            self._measured[id] = 2 * np.sqrt(areas[areas > 0] / np.pi)
        return self._measured[id]

    def _estimate(self, id: str) -> float | None:
        """Find micrometres per pixel by an image's own nuclei, or by images of its size."""
        own = self._diameters(id)
        if len(own) >= FEWEST:
            return _resolution_by(own)
        shape = self._shape(id)
        alike: list[float] = []
        rest: list[float] = []
        for other in self._images:
            with suppress(DelineateError):  # whoever reads that case is told
                if len(self._diameters(other)) >= FEWEST:
                    values = alike if self._shape(other) == shape else rest
                    values.append(_resolution_by(self._diameters(other)))
        return float(np.median(alike or rest)) if alike or rest else None

    def _objects(self, id: str, shape: tuple[int, int]) -> tuple[Instances, int, int]:
        """Join the masks of an image; count contested pixels, and masks that left none."""
        ids = np.zeros(shape, dtype=np.int32)
        shared = count = lost = 0
        for mask in _masks(self._images[id]):
            if mask.shape != shape:
                raise DatasetError(
                    f"Case {id} has an image of shape {shape} but a mask of shape {mask.shape}. "
                    "Download it again, or leave the case out."
                )
            is_free = mask & (ids == 0)
            shared += int(np.count_nonzero(mask) - np.count_nonzero(is_free))
            if is_free.any():
                count += 1
                ids[is_free] = count
            else:
                lost += 1
        return Instances(ids=ids, types=np.ones(count, dtype=np.int16)), shared, lost


def _resolution_by(diameters: NDArray[np.float64]) -> float:
    return float(np.clip(NUCLEUS_UM / np.median(diameters), *LIMITS_MPP))


def _masks(image: Path) -> Iterator[NDArray[np.bool_]]:
    """Decode the masks of an image one by one, in the order of their names."""
    for path in sorted((image.parent.parent / "masks").glob("*.png")):
        array = decoded(content_of(path), str(path), as_colours=False)
        yield (array if array.ndim == 2 else array[..., :3].max(axis=-1)) > 0


def _look(root: Path) -> tuple[dict[str, Path], list[str]]:
    images, problems = {}, []
    for folder in sorted((path for path in root.iterdir() if path.is_dir()), key=natural_order):
        image, id = folder / "images" / f"{folder.name}.png", folder.name
        has_masks = (folder / "masks").is_dir()
        if image.is_file() and has_masks:
            images[id] = image
        elif image.is_file():
            problems.append(f"{id} has an image but no folder masks/; it is left out.")
        elif has_masks:
            problems.append(f"{id} has masks but no images/{id}.png; it is left out.")
    return images, problems


def _read_index(folder: Path) -> dict[str, str]:
    """Read which kind each image is, where a table says so as "he_320x256"."""
    path = folder / "index.csv"
    if not path.is_file():
        return {}
    with guarded(path, "table"), path.open(newline="", encoding="utf-8-sig") as handle:
        rows = [(row["ImageId"], row["kind_size"].split("_")[0]) for row in csv.DictReader(handle)]
    return {id: kind for id, kind in rows if kind in KINDS}
