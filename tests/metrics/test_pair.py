import numpy as np
import pytest

from delineate.metrics.pair import Metric, Pair

FULL, EMPTY = np.ones((3, 3), bool), np.zeros((3, 3), bool)


@pytest.mark.parametrize(
    ("said", "true", "status"),
    [(FULL, FULL, "scored"), (EMPTY, FULL, "missed"), (FULL, EMPTY, "spurious"),
     (EMPTY, EMPTY, "absent")],
)  # fmt: skip
def test_status_says_which_masks_are_empty(said, true, status):
    assert Pair(prediction=said, truth=true, spacing_mm=(1.0, 1.0)).status == status


def test_distances_are_measured_once():
    pair = Pair(prediction=FULL, truth=FULL, spacing_mm=(1.0, 1.0))

    assert pair.distances is pair.distances
    assert pair.elements is pair.elements
    assert pair.counts is pair.counts


def test_a_metric_is_called_with_plain_arrays():
    metric = Metric(
        measure=lambda pair: pair.tolerance_mm, title="", unit="", better="higher", convention=""
    )

    assert metric(FULL.astype(int), FULL, (1.0, 1.0), tolerance_mm=2.5) == 2.5
