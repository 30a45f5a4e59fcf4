"""What a dataset looks like in numbers: sizes, spacings, intensities and class shares.

Cases are streamed, one in memory at a time. Of each the same number of voxels is kept, so that
a large scan has no louder voice than a small one; the draw depends on the case's id alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from delineate.core.case import Case
from delineate.core.errors import DatasetError
from delineate.core.labels import LabelTable
from delineate.planning.census import Census, count_case
from delineate.planning.spread import Intensity, Spread, tidy


@dataclass(frozen=True, kw_only=True)
class ClassShare:
    """How common and how large one class is."""

    name: str
    """The label's name."""
    voxel_share: float
    """Share of all voxels that belong to it, in [0, 1]."""
    case_share: float
    """Share of labelled cases that show it, in [0, 1]."""
    median_volume: float
    """Median volume in the cases that show it: mm3 (mm2 in 2-D), or voxels if not physical."""
    num_objects: int | None = None
    """Objects of this class, where the truth tells objects apart."""


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """All that the rules know of a dataset; axes are (S, A, R) for physical volumes."""

    num_cases: int
    """Cases."""
    num_patients: int
    """Patients."""
    num_labelled: int
    """Cases with a mask."""
    dims: int
    """Axes of the images, 2 or 3."""
    is_physical: bool
    """True if spacings are millimetres, False if they are pixels."""
    channels: tuple[str, ...]
    """Channel names."""
    sizes: Spread
    """Voxels along each axis."""
    spacings: Spread
    """Length of a step along each axis, in mm (pixels if not physical)."""
    extents: Spread
    """Size times spacing along each axis, in mm (pixels if not physical)."""
    foreground: tuple[Intensity, ...]
    """Intensities inside any label, per channel."""
    whole: tuple[Intensity, ...]
    """Intensities of the whole image, per channel."""
    nonzero_share: float
    """Median share of an image's voxels that are not 0 in every channel."""
    classes: tuple[ClassShare, ...]
    """One entry a label."""
    diameter_um: float | None = None
    """Median diameter of an object in um (pixels if not physical), where objects are told
    apart."""

    @property
    def is_volume(self) -> bool:
        """True if images have three axes."""
        return self.dims == 3

    @property
    def unit(self) -> str:
        """Unit of spacings and extents, "mm" or "px"."""
        return "mm" if self.is_physical else "px"

    @property
    def is_rgb(self) -> bool:
        """True if the channels are red, green and blue."""
        return tuple(name.lower()[:1] for name in self.channels) == ("r", "g", "b")

    def size_at(self, spacing_mm: Sequence[float]) -> tuple[int, ...]:
        """Tell the median image's size at another spacing.

        Args:
            spacing_mm: Spacing per axis, in the fingerprint's unit.

        Returns:
            Voxels along each axis, at least 1.
        """
        pairs = zip(self.extents.median, spacing_mm, strict=True)
        return tuple(max(1, round(extent / step)) for extent, step in pairs)

    def to_dict(self) -> dict[str, Any]:
        """Turn the fingerprint into plain values whose keys name unit and meaning.

        Returns:
            A nested dictionary for YAML and JSON.
        """
        objects = {} if self.diameter_um is None else {"object_diameter": tidy(self.diameter_um)}
        volume = f"median_volume_{self.unit}{self.dims}" if self.is_physical else "median_voxels"
        axes = ["S", "A", "R"] if self.is_volume and self.is_physical else ["Z", "Y", "X"]
        return {
            "num_cases": self.num_cases,
            "num_patients": self.num_patients,
            "num_labelled_cases": self.num_labelled,
            "axes": axes[-self.dims :],
            "size_voxels": self.sizes.to_dict(),
            f"spacing_{self.unit}": self.spacings.to_dict(),
            f"extent_{self.unit}": self.extents.to_dict(),
            "nonzero_voxel_share": tidy(self.nonzero_share),
            "intensity_inside_labels": _named(self.channels, self.foreground),
            "intensity_of_whole_image": _named(self.channels, self.whole),
            "classes": {
                entry.name: {
                    "voxel_share": tidy(entry.voxel_share),
                    "case_share": tidy(entry.case_share),
                    volume: tidy(entry.median_volume),
                    **({} if entry.num_objects is None else {"objects": entry.num_objects}),
                }
                for entry in self.classes
            },
            **objects,
        }


def take_fingerprint(cases: Iterable[Case], labels: LabelTable, *, seed: int = 0) -> Fingerprint:
    """Read every case once and sum up what the rules need.

    Args:
        cases: Training cases, one in memory at a time if the iterable is lazy.
        labels: The dataset's classes.
        seed: Chooses the voxels that are sampled.

    Returns:
        The fingerprint.

    Raises:
        DatasetError: If there are no cases or no labelled voxels, if cases differ in axes,
            channels or unit, or if one case cannot be trained on.
    """
    rows: list[Census] = []
    for case in cases:
        row = count_case(case, labels, seed=seed)
        if rows:
            _check_alike(rows[0], row)
        rows.append(row)
    if not rows:
        raise DatasetError(
            "The dataset has no labelled cases to plan from. "
            "Put at least one image and its mask into it, or check --layout."
        )
    samples = [row.foreground for row in rows if row.foreground.size]
    if not samples:
        raise DatasetError(
            f"No mask shows any of the labels {', '.join(labels.names)}. "
            "Check that images and masks belong together and that dataset.json lists their values."
        )
    inside, overall = np.concatenate(samples, 1), np.concatenate([row.whole for row in rows], 1)
    return Fingerprint(
        num_cases=len(rows),
        num_patients=len({row.patient for row in rows}),
        num_labelled=sum(row.counts is not None for row in rows),
        dims=len(rows[0].size),
        is_physical=rows[0].is_physical,
        channels=rows[0].channels,
        sizes=Spread.of([row.size for row in rows]),
        spacings=Spread.of([row.spacing for row in rows]),
        extents=Spread.of([np.multiply(row.size, row.spacing).tolist() for row in rows]),
        foreground=tuple(Intensity.of(channel) for channel in inside),
        whole=tuple(Intensity.of(channel) for channel in overall),
        nonzero_share=float(np.median([row.nonzero_share for row in rows])),
        classes=_class_shares(rows, labels),
        diameter_um=_diameter(rows),
    )


def _check_alike(first: Census, other: Census) -> None:
    pairs = {
        "axes": (len(first.size), len(other.size)),
        "channels": (first.channels, other.channels),
        "unit": tuple("mm" if row.is_physical else "pixels" for row in (first, other)),
    }
    for what, (mine, yours) in pairs.items():
        if mine != yours:
            raise DatasetError(
                f"Cases must agree in their {what}, but {first.case_id} has {mine} and "
                f"{other.case_id} has {yours}. Put them into datasets of their own, or mend one."
            )


def _diameter(rows: Sequence[Census]) -> float | None:
    steps = [
        row.diameters * (row.spacing[-1] * 1000 if row.is_physical else 1)
        for row in rows
        if row.diameters is not None
    ]
    found = np.concatenate(steps) if steps else np.zeros(0)
    return float(np.median(found)) if found.size else None


def _class_shares(rows: Sequence[Census], labels: LabelTable) -> tuple[ClassShare, ...]:
    labelled = [row for row in rows if row.counts is not None]
    counts = np.array([row.counts for row in labelled], dtype=np.float64)  # (cases, classes)
    volumes = counts * np.array([[float(np.prod(row.spacing))] for row in labelled])
    total = sum(row.num_counted for row in labelled)
    objects = [row.objects for row in labelled if row.objects is not None]
    numbers = np.sum(objects, axis=0) if objects else None
    found = []
    for place, name in enumerate(labels.names):
        present = counts[:, place] > 0
        found.append(
            ClassShare(
                name=name,
                voxel_share=float(counts[:, place].sum() / max(total, 1)),
                case_share=float(present.mean()),
                median_volume=float(np.median(volumes[present, place])) if present.any() else 0.0,
                num_objects=None if numbers is None else int(numbers[place]),
            )
        )
    return tuple(found)


def _named(channels: Sequence[str], rows: Sequence[Intensity]) -> dict[str, dict[str, float]]:
    return {name: row.to_dict() for name, row in zip(channels, rows, strict=True)}
