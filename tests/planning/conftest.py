"""Fingerprints of well-known datasets, written by hand."""

import pytest

from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.planning.fingerprint import ClassShare, Fingerprint
from delineate.planning.spread import Intensity, Spread


def _intensity(low, high, *, mean=None, std=None):
    middle = (low + high) / 2
    return Intensity(
        mean=middle if mean is None else mean,
        std=(high - low) / 4 if std is None else std,
        min=low,
        p0_5=low,
        median=middle,
        p99_5=high,
        max=high,
    )


def _fingerprint(
    sizes,
    spacings,
    *,
    classes=(("organ", 0.05),),
    channels=("MRI",),
    whole=(0, 1000),
    inside=(200, 600),
    is_physical=True,
    num_patients=None,
):
    extents = [
        [length * step for length, step in zip(*row, strict=True)]
        for row in zip(sizes, spacings, strict=True)
    ]
    return Fingerprint(
        num_cases=len(sizes),
        num_patients=num_patients or len(sizes),
        num_labelled=len(sizes),
        dims=len(sizes[0]),
        is_physical=is_physical,
        channels=channels,
        sizes=Spread.of(sizes),
        spacings=Spread.of(spacings),
        extents=Spread.of(extents),
        foreground=tuple(_intensity(*inside) for _ in channels),
        whole=tuple(_intensity(*whole) for _ in channels),
        nonzero_share=1.0,
        classes=tuple(
            ClassShare(name=name, voxel_share=share, case_share=1.0, median_volume=100.0)
            for name, share in classes
        ),
    )


@pytest.fixture
def make_fingerprint():
    """Makes a fingerprint from sizes and spacings per case."""
    return _fingerprint


@pytest.fixture
def hippocampus():
    """T1 MR of 1 mm, cropped around the hippocampus."""
    sizes = [(36, 50, 35), (30, 45, 31), (47, 59, 43), (36, 50, 35), (35, 51, 36)]
    classes = (("anterior", 0.027), ("posterior", 0.025))
    return _fingerprint(sizes, [(1.0, 1.0, 1.0)] * 5, classes=classes, whole=(10, 400_000))


@pytest.fixture
def thick_ct():
    """Abdominal CT with slices of 5 mm."""
    return _fingerprint(
        [(60, 512, 512)] * 8,
        [(5.0, 0.75, 0.75)] * 8,
        classes=(("liver", 0.02), ("tumour", 0.0003)),
        channels=("CT",),
        whole=(-1024, 1800),
        inside=(-20, 190),
    )


@pytest.fixture
def bowel_mr():
    """Abdominal MR as for radiotherapy: 1.5 x 1.5 x 3 mm, 266 x 266 x 144."""
    return _fingerprint(
        [(144, 266, 266)] * 20,
        [(3.0, 1.5, 1.5)] * 20,
        classes=(("stomach", 0.006), ("small_bowel", 0.008), ("large_bowel", 0.01)),
    )


@pytest.fixture
def tiles():
    """Colour tiles of 1000 x 1000 pixels without millimetres."""
    return _fingerprint(
        [(1000, 1000)] * 30,
        [(1.0, 1.0)] * 30,
        classes=(("nucleus", 0.2),),
        channels=("red", "green", "blue"),
        whole=(0, 255),
        inside=(30, 200),
        is_physical=False,
        num_patients=6,
    )


@pytest.fixture
def draft():
    """A plan of which only the names are decided."""

    def make(fingerprint, **values):
        names = {entry.name: place + 1 for place, entry in enumerate(fingerprint.classes)}
        given = {
            "dataset": "test",
            "layout": "folder",
            "labels": LabelTable.of_names(names),
            "channels": fingerprint.channels,
            "dims": fingerprint.dims,
            "canonical": fingerprint.is_volume,
            "spacing_mm": fingerprint.spacings.median,
            "normalisation": ({"kind": "zscore"},) * len(fingerprint.channels),
            "patch": (32,) * fingerprint.dims,
            "batch_size": 2,
            "model": "unet",
            "model_options": {"norm": "batch", "features": [32, 64]},
            "loss": "dice_ce",
        }
        return Plan(**{**given, **values})

    return make
