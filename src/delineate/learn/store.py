"""Cases in working space on disk: prepared once, mapped into memory, sampled many times."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Case
from delineate.core.errors import DatasetError
from delineate.core.files import whole
from delineate.core.image import Mask
from delineate.core.plan import Plan
from delineate.core.progress import track
from delineate.infer.preparation import prepare_image, prepare_mask, prepare_objects

MAX_POINTS = 2000
"""Labelled voxels remembered per case and class; enough to centre patches anywhere."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stored:
    """One case as the network sees it; arrays are mapped, not loaded."""

    id: str
    """The case's id."""
    image: NDArray[np.float16]
    """Normalised intensities, (C, *S)."""
    labels: NDArray[np.int8] | NDArray[np.int32]
    """Class indices (1, *S), or layers (L, *S); -1 is ignored. Of objects: id and place of the
    type, (2, Y, X), -1 where that is unknown."""
    points: tuple[NDArray[np.int32], ...]
    """Per class, voxels that hold it, (P, D)."""


class Shelf(Protocol):
    """Where batches take prepared cases from."""

    @property
    def plan(self) -> Plan:
        """The plan that prepared them."""
        ...

    def get(self, case_id: str) -> Stored:
        """Open a prepared case."""
        ...


class Store:
    """A folder of prepared cases, made on first use and kept for later runs."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        """Point at the folder that belongs to this plan's preparation.

        Args:
            folder: Where prepared cases of any plan are kept.
            plan: The plan; only what shapes the preparation chooses the sub-folder.
        """
        self.plan = plan
        shaping = {
            "spacing": plan.spacing_mm,
            "normalisation": plan.normalisation,
            "canonical": plan.canonical,
            "labels": plan.labels.structure(),
            "dataset": plan.dataset,
            **({} if plan.task == "regions" else {"task": plan.task}),
        }
        digest = hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()[:12]
        self.folder = folder / digest

    def fill(self, cases: Iterable[Case], total: int) -> None:
        """Prepare the cases that are not there yet.

        Args:
            cases: Labelled cases.
            total: How many there are, for the progress bar.

        Raises:
            DatasetError: If a case has no mask, or its image holds NaN.
        """
        for case in track(cases, "preparing", total):
            if not self.has(case.id):
                self._prepare(case)

    def fill_images(self, cases: Iterable[Case], total: int) -> None:
        """Prepare images without labels; one voxel of -1 stands for those, and for no class.

        Args:
            cases: Cases that are not there yet.
            total: How many there are, for the progress bar.

        Raises:
            DatasetError: If an image holds NaN.
        """
        for case in track(cases, "preparing", total):
            dims = case.image.geometry.dims
            labels = np.full((1, *[1] * dims), -1, np.int8)
            self._write(case, labels, np.zeros((0, 1 + dims), np.int32))

    def has(self, case_id: str) -> bool:
        """Tell whether a case was prepared.

        Args:
            case_id: Its id.

        Returns:
            True if all its parts are there.
        """
        return all(self._path(case_id, part).exists() for part in ("image", "labels", "points"))

    def get(self, case_id: str) -> Stored:
        """Open a prepared case.

        Args:
            case_id: Its id.

        Returns:
            The case, its arrays mapped read-only.

        Raises:
            DatasetError: If it was not prepared.
        """
        try:
            image = np.load(self._path(case_id, "image"), mmap_mode="r")
            labels = np.load(self._path(case_id, "labels"), mmap_mode="r")
            flat = np.load(self._path(case_id, "points"))
        except (OSError, ValueError) as error:
            raise DatasetError(
                f"Prepared case {case_id} in {self.folder} cannot be read ({error}). "
                "Delete that folder; the next run makes it anew."
            ) from error
        points = tuple(
            flat[flat[:, 0] == place, 1:] for place in range(len(self.plan.labels.labels))
        )
        return Stored(id=case_id, image=image, labels=labels, points=points)

    def _path(self, case_id: str, part: str) -> Path:
        return self.folder / f"{case_id}.{part}.npy"

    def _prepare(self, case: Case) -> None:
        if case.mask is None or case.labels is None:
            raise DatasetError(f"Case {case.id} has no mask, so it cannot train. Leave it out.")
        _check_pixels(case, case.mask)
        self._write(case, *self._prepare_truth(case, case.mask))

    def _write(
        self, case: Case, labels: NDArray[np.int8] | NDArray[np.int32], points: NDArray[np.int32]
    ) -> None:
        prepared = prepare_image(case.image, self.plan).array
        if not np.isfinite(prepared).all():
            raise DatasetError(
                f"Image of case {case.id} holds values that are not numbers (NaN or infinite). "
                "Repair or remove that image."
            )
        parts: dict[str, NDArray[Any]] = {
            "image": prepared.astype(np.float16),
            "labels": labels,
            "points": points,
        }
        for part, array in parts.items():
            with whole(self._path(case.id, part)) as draft:
                np.save(draft, array)

    def _prepare_truth(
        self, case: Case, mask: Mask
    ) -> tuple[NDArray[np.int8] | NDArray[np.int32], NDArray[np.int32]]:
        if self.plan.task == "instances":
            if case.instances is None:
                raise DatasetError(
                    f"Case {case.id} does not tell its objects apart, but the plan wants that. "
                    "Leave it out, or plan anew with another --out."
                )
            objects = prepare_objects(case.instances, case.image.geometry, self.plan)
            return objects, np.zeros((0, 1 + mask.geometry.dims), np.int32)
        if mask.num_layers is None and case.labels is not None:
            case.labels.check(mask.array, where=f"Mask of case {case.id}")
        labels = prepare_mask(mask, self.plan.labels, self.plan).astype(np.int8)
        return labels, find_points(labels, len(self.plan.labels.labels))


def _check_pixels(case: Case, mask: Mask) -> None:
    pixels = case.image.array
    if max(case.image.geometry.shape) < 2:
        raise DatasetError(
            f"{case.id} is an image of one voxel, which holds nothing to segment. "
            f"Remove {case.image.source}, or write it again."
        )
    if pixels.min() == pixels.max() and mask.array.any():
        raise DatasetError(
            f"{case.id} has labels, but its image is {float(pixels.flat[0]):g} everywhere. "
            f"Replace {case.image.source}, or remove the case."
        )


def find_points(labels: NDArray[np.int8], num_classes: int) -> NDArray[np.int32]:
    """Collect some voxels of every class, evenly spread over all that hold it.

    Args:
        labels: Class indices (1, *S), or layers (L, *S).
        num_classes: Number of classes without background.

    Returns:
        Rows of class place and voxel, (P, 1 + D).
    """
    rows: list[NDArray[np.int32]] = [np.zeros((0, labels.ndim), np.int32)]
    for place in range(num_classes):
        inside = (
            labels[0] == place + 1 if len(labels) == 1 and num_classes >= 1 else labels[place] == 1
        )
        voxels = np.argwhere(inside)
        chosen = voxels[:: max(1, len(voxels) // MAX_POINTS)]
        rows.append(np.insert(chosen, 0, place, axis=1).astype(np.int32))
    return np.concatenate(rows)


def check_names(ids: Sequence[str]) -> None:
    """Refuse case ids that cannot be file names.

    Args:
        ids: Case ids.

    Raises:
        DatasetError: If one holds a path separator.
    """
    for case_id in ids:
        if "/" in case_id or "\\" in case_id:
            raise DatasetError(f"Case id {case_id!r} must not hold a slash. Rename the file.")
