"""What one case adds to the fingerprint: its grid, its class counts and a sample of voxels."""

from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Case
from delineate.core.errors import DatasetError
from delineate.core.image import Mask
from delineate.core.labels import LabelTable

SAMPLE = 5_000
"""Voxels kept of each case, inside labels and of the whole image."""

Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Census:
    """One case in numbers, small enough to keep for thousands of cases."""

    case_id: str
    """The case."""
    patient: str
    """Whose it is."""
    channels: tuple[str, ...]
    """Channel names."""
    is_physical: bool
    """True if the spacing is in millimetres."""
    size: tuple[int, ...]
    """Voxels along each axis, (S, A, R) for physical volumes."""
    spacing: tuple[float, ...]
    """Spacing along the same axes."""
    counts: Counts | None
    """Voxels of each class, (K,), or None without a mask."""
    num_counted: int
    """Voxels that are not ignored."""
    nonzero_share: float
    """Share of voxels that are not 0 in every channel."""
    foreground: NDArray[np.float32]
    """Sample inside any label, (C, n); n is 0 without one."""
    whole: NDArray[np.float32]
    """Sample of the whole image, (C, n)."""
    objects: Counts | None = None
    """Objects of each class, (K,), where the truth tells objects apart."""
    diameters: NDArray[np.float32] | None = None
    """Diameter of a disc of each object's area, in steps of the grid, (N,)."""


def count_case(case: Case, labels: LabelTable, *, seed: int = 0) -> Census:
    """Measure one case.

    Args:
        case: Image (C, *S) and mask (*S) or (L, *S).
        labels: The dataset's classes.
        seed: Chooses, together with the case's id, the voxels that are sampled.

    Returns:
        The case in numbers.

    Raises:
        DatasetError: If the image has one voxel, holds values that are not finite, is constant
            where labels lie, or has another shape than its mask.
    """
    pixels = case.image.array
    _check_pixels(case, pixels)
    counts, num_counted, inside = _count_labels(case, labels)
    if inside.size and pixels.min() == pixels.max():
        raise DatasetError(
            f"{case.id} has labels, but its image is {float(pixels.flat[0]):g} everywhere. "
            f"Replace {case.image.source}, or remove the case."
        )
    rng = np.random.default_rng([seed, crc32(case.id.encode())])
    flat = pixels.reshape(len(pixels), -1)
    chosen = inside[rng.integers(inside.size, size=SAMPLE)] if inside.size else inside
    anywhere = rng.integers(flat.shape[1], size=SAMPLE)
    size, spacing = _oriented(case)
    objects, diameters = _count_objects(case, labels)
    return Census(
        case_id=case.id,
        patient=case.patient,
        channels=case.image.channels,
        is_physical=case.image.geometry.is_physical,
        size=size,
        spacing=spacing,
        counts=counts,
        num_counted=num_counted,
        nonzero_share=float((pixels != 0).any(axis=0).mean()),
        foreground=flat[:, chosen].astype(np.float32),
        whole=flat[:, anywhere].astype(np.float32),
        objects=objects,
        diameters=diameters,
    )


def _count_objects(
    case: Case, labels: LabelTable
) -> tuple[Counts | None, NDArray[np.float32] | None]:
    found = case.instances
    if found is None:
        return None, None
    counts = np.array([(found.types == label.id).sum() for label in labels.labels], dtype=np.int64)
    areas = np.bincount(found.ids.reshape(-1), minlength=found.count + 1)[1:]
    return counts, np.sqrt(areas[areas > 0] * (4 / np.pi)).astype(np.float32)


def _check_pixels(case: Case, pixels: NDArray[Any]) -> None:
    if max(case.image.geometry.shape) < 2:
        raise DatasetError(
            f"{case.id} is an image of one voxel, which holds nothing to segment. "
            f"Remove {case.image.source}, or write it again."
        )
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        broken = int((~np.isfinite(pixels)).sum())
        raise DatasetError(
            f"{case.id} holds {broken} values that are NaN or infinite. "
            f"Replace them in {case.image.source}, or remove the case."
        )


def _oriented(case: Case) -> tuple[tuple[int, ...], tuple[float, ...]]:
    grid = case.image.geometry
    if grid.is_physical and grid.dims == 3:
        grid = grid.rearranged(*grid.canonical_axes())
    return grid.shape, grid.spacing_mm


def _count_labels(case: Case, labels: LabelTable) -> tuple[Counts | None, int, Counts]:
    mask = case.mask
    if mask is None:
        return None, 0, np.zeros(0, np.int64)
    if mask.geometry.shape != case.image.geometry.shape:
        raise DatasetError(
            f"{case.id} has an image of {case.image.geometry.shape} voxels and a mask of "
            f"{mask.geometry.shape}. Write the mask again on the image's grid."
        )
    if mask.num_layers is None:
        return _count_ids(mask, labels, case.id)
    regions = [mask.region(label, labels) for label in labels.labels]
    counts = np.array([region.sum() for region in regions], dtype=np.int64)
    inside = np.flatnonzero(np.logical_or.reduce(regions))
    return counts, regions[0].size, inside


def _count_ids(mask: Mask, labels: LabelTable, case_id: str) -> tuple[Counts, int, Counts]:
    ids = mask.array.reshape(-1)
    if ids.dtype.kind != "u" and (ids.dtype.kind not in "ib" or ids.min() < 0):
        labels.check(ids, where=f"The mask of {case_id}")
        ids = np.where(ids < 0, 0, ids).astype(np.int64)  # only an ignored value may be negative
    if int(ids.max()) > max(labels.values):
        labels.check(ids, where=f"The mask of {case_id}")
    ids = ids.astype(np.int64) if ids.dtype.itemsize == 8 else ids  # bincount takes no uint64
    ignored = int((mask.array == labels.ignore).sum()) if labels.ignore is not None else 0
    found = np.bincount(ids)
    if not set(np.flatnonzero(found).tolist()) <= labels.values:
        labels.check(ids, where=f"The mask of {case_id}")
    counts = np.array(
        [sum(found[i] for i in label.ids if i < len(found)) for label in labels.labels]
    )
    table = np.zeros(len(found), dtype=bool)
    table[[value for label in labels.labels for value in label.ids if value < len(found)]] = True
    return counts.astype(np.int64), ids.size - ignored, np.flatnonzero(table[ids])
