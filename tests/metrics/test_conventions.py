"""Each convention against numbers that its library gave.

MONAI 1.5.1 and surface-distance 0.1 were run; MetricsReloaded, MedPy and nnU-Net by their published
formulas. `benchmarks/metrics/agreement.py` compares 540 pairs more.
"""

import numpy as np
import pytest

from delineate.core.errors import UnknownNameError
from delineate.metrics.conventions import CONVENTIONS, metrics_of

NAN, INF = float("nan"), float("inf")


def cube(start, size=4, shape=(12, 14, 16)):
    mask = np.zeros(shape, bool)
    mask[tuple(slice(place, place + size) for place in start)] = True
    return mask


EMPTY, BOX, SHIFTED = cube((0, 0, 0), 0), cube((3, 4, 5)), cube((4, 4, 7))
CASES = {
    "shifted": (SHIFTED, BOX),
    "hollow": (BOX & ~cube((4, 5, 6), 2), BOX),
    "at the edge": (cube((0, 0, 0)), BOX),
    "one voxel": (cube((5, 6, 7), 1), BOX),
    "missed": (EMPTY, BOX),
    "spurious": (BOX, EMPTY),
    "absent": (EMPTY, EMPTY),
    "picture": (SHIFTED[5], BOX[5]),
}
EXPECTED = {
    "monai": {
        "dice": [0.375, 0.933333, 0.0, 0.030769, 0.0, NAN, NAN, 0.5],
        "iou": [0.230769, 0.875, 0.0, 0.015625, 0.0, NAN, NAN, 0.333333],
        "hd": [4.24264, 0.0, 13.162447, 7.348469, INF, INF, NAN, 1.0],
        "hd95": [4.24264, 0.0, 12.162369, 6.873864, NAN, NAN, NAN, 1.0],
        "assd": [1.935482, 0.0, 8.668471, 4.406753, INF, INF, NAN, 0.5],
        "nsd": [0.5, 1.0, 0.0, 0.052632, 0.0, 0.0, NAN, 1.0],
    },
    "deepmind": {
        "dice": [0.375, 0.933333, 0.0, 0.030769, 0.0, 0.0, NAN, 0.5],
        "hd": [4.242641, 3.0, 13.162447, 7.348469, INF, INF, INF, 1.0],
        "hd95": [3.354102, 1.5, 11.715375, 6.708204, INF, INF, INF, 1.0],
        "masd": [1.692456, 0.135038, 7.545628, 2.809617, NAN, NAN, NAN, 0.761464],
        "nsd": [0.564164, 0.99336, 0.013079, 0.13054, 0.0, 0.0, NAN, 1.0],
    },
    "medpy": {
        "dice": [0.375, 0.933333, 0.0, 0.030769, 0.0, 0.0, NAN, 0.5],
        "iou": [0.230769, 0.875, 0.0, 0.015625, 0.0, 0.0, NAN, 0.333333],
        "hd": [4.242641, 0.0, 13.162447, 7.348469, NAN, NAN, NAN, 1.0],
        "hd95": [4.242641, 0.0, 12.217555, 6.873864, NAN, NAN, NAN, 1.0],
        "assd": [1.935482, 0.0, 8.668471, 4.406753, NAN, NAN, NAN, 0.5],
    },
    "metrics_reloaded": {
        "dice": [0.375, 0.933333, 0.0, 0.030769, 0.0, 0.0, 1.0, 0.5],
        "iou": [0.230769, 0.875, 0.0, 0.015625, 0.0, 0.0, NAN, 0.333333],
        "nsd": [0.5, 1.0, 0.0, 0.052632, 0.0, 0.0, 1.0, 1.0],
        "hd": [4.242641, 0.0, 13.162447, 7.348469, NAN, NAN, 0.0, 1.0],
        "hd95": [4.242641, 0.0, 12.162369, 6.873864, NAN, NAN, 0.0, 1.0],
        "assd": [1.935482, 0.0, 8.668471, 4.406753, NAN, NAN, 0.0, 0.5],
        "masd": [1.935482, 0.0, 8.668471, 2.97933, NAN, NAN, 0.0, 0.5],
    },
    "nnunet": {
        "dice": [0.375, 0.933333, 0.0, 0.030769, 0.0, 0.0, NAN, 0.5],
        "iou": [0.230769, 0.875, 0.0, 0.015625, 0.0, 0.0, NAN, 0.333333],
    },
}
"""Library, metric and the values of the cases in order; tolerance 1.5 mm."""


def measured(convention, name):
    metric = metrics_of(convention)[name]
    return [
        metric(said, true, (3.0, 1.5, 1.5) if said.ndim == 3 else (2.0, 0.5), tolerance_mm=1.5)
        for said, true in CASES.values()
    ]


@pytest.mark.parametrize(
    ("convention", "name"), [(each, name) for each, rows in EXPECTED.items() for name in rows]
)
def test_gives_the_numbers_of_the_library(convention, name):
    expected = EXPECTED[convention][name]

    assert measured(convention, name) == pytest.approx(expected, abs=2e-6, nan_ok=True)


def test_every_metric_of_every_other_library_is_expected():
    assert {name: set(rows) for name, rows in EXPECTED.items()} == {
        name: set(rows) for name, rows in CONVENTIONS.items() if name != "delineate"
    }


def test_medpy_pools_both_directions():
    line, longer = np.zeros((1, 60), bool), np.zeros((1, 60), bool)
    line[0, :20] = longer[0, :30] = True
    pooled = np.r_[np.zeros(20), np.zeros(20), np.arange(1, 11)]

    found = metrics_of("medpy")["hd95"](longer, line, (1.0, 1.0))

    assert found == pytest.approx(np.percentile(pooled, 95))
    assert found < metrics_of("monai")["hd95"](longer, line, (1.0, 1.0))


def test_metrics_reloaded_measures_a_missed_corner_to_the_voxel_before_the_first():
    corner = np.zeros((5, 5), bool)
    corner[0, :2] = True

    nsd = metrics_of("metrics_reloaded")["nsd"]

    assert nsd(EMPTY[0, :5, :5], corner, (1.0, 1.0), tolerance_mm=1.2) == 0.5


def test_own_metrics_are_the_default():
    assert list(metrics_of("delineate"))[:2] == ["dice", "iou"]
    assert metrics_of("delineate") == CONVENTIONS["delineate"]


def test_the_tables_cannot_be_changed_through_the_answer():
    metrics_of("nnunet").clear()

    assert set(metrics_of("nnunet")) == {"dice", "iou"}


def test_an_unknown_convention_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="'monai'"):
        metrics_of("monia")


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_every_row_says_how_it_is_computed(convention):
    assert all(row.convention.endswith(".") for row in metrics_of(convention).values())
