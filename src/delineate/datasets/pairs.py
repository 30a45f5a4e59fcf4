"""Image files beside mask files: how a pair becomes a case, for every layout made of such."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Case
from delineate.core.errors import DatasetError
from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable
from delineate.datasets.base import Dataset, patient_of, read_patients, readable_folder
from delineate.datasets.legend import discover, values_in
from delineate.readers import read_image, read_mask

SMALL_SHIFT = 0.1
"""Share of a voxel by which the grids of image and mask may differ."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The files of one case."""

    images: tuple[Path, ...]
    """One file, or one a channel in the channels' order."""
    mask: Path
    """The file of the truth."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What looking at a folder's names told."""

    name: str
    """What people call the dataset."""
    pairs: Mapping[str, Pair]
    """Usable cases by id, in natural order."""
    labels: LabelTable | None = None
    """The table, if a file gives it."""
    channels: tuple[str, ...] | None = None
    """Channel names, if a file gives them."""
    licence: str = "unknown"
    """Terms, if a file gives them."""
    problems: tuple[str, ...] = ()
    """One sentence for each case that was left out."""
    remarks: tuple[str, ...] = ()
    """One sentence for each assumption."""


class PairedDataset(Dataset):
    """A dataset made of image and mask files; kinds differ in how they find them."""

    def __init__(self, root: str | Path) -> None:
        """Look at the names in the folder; no pixel is read.

        Args:
            root: The dataset's folder.

        Raises:
            DatasetError: If nothing in it can be used.
        """
        self.root = readable_folder(root)
        self._found = self.look(self.root)
        self._patients = read_patients(self.root)
        if not self._found.pairs:
            raise DatasetError(
                f"{self.root} has no image that goes with a mask. "
                + " ".join(self._found.problems[:3])
            )

    @abstractmethod
    def look(self, root: Path) -> Findings:
        """Find the pairs of a folder by their names.

        Args:
            root: The dataset's folder, which exists.

        Returns:
            What was found.
        """

    @property
    def name(self) -> str:
        """What people call it."""
        return self._found.name

    @property
    def licence(self) -> str:
        """Terms under which it was given."""
        return self._found.licence

    @cached_property
    def labels(self) -> LabelTable:
        """What the numbers in its masks mean; masks are read if no file says it."""
        return self._found.labels or discover([pair.mask for pair in self._found.pairs.values()])

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels; the first case is asked if no file says it."""
        if self._found.channels is not None:
            return self._found.channels
        pair = next(iter(self._found.pairs.values()))
        if len(pair.images) == 1:
            return read_image(pair.images[0]).channels
        return tuple(f"channel {place}" for place in range(len(pair.images)))

    def ids(self) -> list[str]:
        """Name the cases that have an image and a mask.

        Returns:
            Case ids in natural order.
        """
        return list(self._found.pairs)

    def case(self, id: str) -> Case:
        """Read the headers of a case and check that image and mask share a grid.

        Args:
            id: One of `ids()`.

        Returns:
            The case; its mask checks its own values when it is loaded.

        Raises:
            DatasetError: If there is no such case, or image, mask and channels disagree.
        """
        if id not in self._found.pairs:
            raise DatasetError(f"{self.name} has no usable case {id!r}. See `delineate describe`.")
        pair = self._found.pairs[id]
        image = join_channels([read_image(path) for path in pair.images], self.channels, id)
        mask, notes = matched(image, read_mask(pair.mask), id)
        return Case(
            id=id,
            patient=self.patient(id),
            image=image,
            mask=checked(mask, self.labels, id),
            labels=self.labels,
            facts={"dataset": self.name},
            history=notes,
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
        """List what was assumed.

        Returns:
            One sentence an assumption.
        """
        remarks = list(self._found.remarks)
        if not self.labels.names_known:
            remarks.append(
                f"No file names the labels, so {', '.join(self.labels.names[:4])}"
                f"{', ...' if len(self.labels.names) > 4 else ''} are made up from the values in "
                "the masks. Name them in labels.yaml, such as `liver: 1`."
            )
        return remarks


def join_channels(images: Sequence[Image], channels: tuple[str, ...], where: str) -> Image:
    """Stack the files of one case into one image with the dataset's channel names.

    Args:
        images: One image a file, on one grid.
        channels: Names for all channels together, in order.
        where: The case, for messages.

    Returns:
        Image (C, *S), loaded when first touched.

    Raises:
        DatasetError: If grids differ, or the number of channels is another.
    """
    first = images[0]
    for other in images[1:]:
        if not first.geometry.agrees_with(
            other.geometry, tolerance_mm=SMALL_SHIFT * min(first.geometry.spacing_mm)
        ):
            raise DatasetError(
                f"Case {where} has channels on different grids: {first.source} has shape "
                f"{first.geometry.shape}, {other.source} {other.geometry.shape}, or their affines "
                "differ. Resample them to one grid."
            )
    number = sum(len(image.channels) for image in images)
    if number != len(channels):
        raise DatasetError(
            f"Case {where} has {number} channels where the dataset has {len(channels)} "
            f"({', '.join(channels)}). Leave the case out or convert it."
        )
    if len(images) == 1:
        return replace(first, channels=channels)
    notes = tuple(dict.fromkeys(note for image in images for note in image.notes))
    return replace(
        first,
        channels=channels,
        load=lambda: np.concatenate([image.load() for image in images]),
        notes=notes,
    )


def matched(image: Image, mask: Mask, where: str) -> tuple[Mask, tuple[str, ...]]:
    """Make sure that a mask lies on its image's grid.

    Args:
        image: The image.
        mask: Its truth.
        where: The case, for messages.

    Returns:
        The mask on exactly the image's geometry, and a sentence if it was shifted for that.

    Raises:
        DatasetError: If shapes differ, or corners lie more than a tenth of a voxel apart.
    """
    grid, other = image.geometry, mask.geometry
    if grid.shape != other.shape:
        raise DatasetError(
            f"Case {where} has an image of shape {grid.shape} but a mask of shape {other.shape} "
            f"({mask.source}). Resample the mask to the image, or leave the case out."
        )
    if not (grid.is_physical and other.is_physical):
        return replace(mask, geometry=grid), ()
    gap = grid.corner_distance_mm(other)
    if gap > SMALL_SHIFT * min(grid.spacing_mm):
        raise DatasetError(
            f"Case {where} has a mask whose affine puts corners {gap:.3g} mm from its image's "
            f"({mask.source}). Copy the image's header to the mask if they overlie, else resample."
        )
    notes = (f"mask moved by {gap:.2g} mm onto the image's grid",) if gap > 1e-3 else ()
    return replace(mask, geometry=grid), notes


def checked(mask: Mask, labels: LabelTable, where: str) -> Mask:
    """Let a mask refuse values outside the table when it is loaded.

    Args:
        mask: The mask.
        labels: The table.
        where: The case, for messages.

    Returns:
        The same mask with a careful hand.
    """

    def load() -> NDArray[Any]:
        array = mask.load()
        if mask.num_layers is None and not values_in(array).keys() <= labels.values:
            labels.check(array, where=f"The mask of case {where}")
        return array

    return replace(mask, load=load)
