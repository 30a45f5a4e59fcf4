import numpy as np
import pytest

from delineate.core.errors import ShapeError
from delineate.metrics.overlap import count, dice, iou, precision, recall, specificity

TRUTH = np.array([[1, 1, 1, 0], [0, 0, 0, 0]], dtype=bool)
SAID = np.array([[0, 1, 1, 1], [1, 0, 0, 0]], dtype=bool)
EMPTY = np.zeros_like(TRUTH)


def test_counts_add_up():
    counts = count(SAID, TRUTH)

    assert (counts.both, counts.only_prediction, counts.only_truth) == (2, 2, 1)
    assert (counts.prediction, counts.truth) == (4, 3)


def test_known_answers():
    assert dice(SAID, TRUTH) == pytest.approx(4 / 7)
    assert iou(SAID, TRUTH) == pytest.approx(2 / 5)
    assert precision(SAID, TRUTH) == pytest.approx(2 / 4)
    assert recall(SAID, TRUTH) == pytest.approx(2 / 3)


@pytest.mark.parametrize("metric", [dice, iou, precision, recall])
def test_two_empty_masks_have_no_value_and_one_has_the_worst(metric):
    assert np.isnan(metric(EMPTY, EMPTY))
    assert metric(EMPTY, TRUTH) == metric(SAID, EMPTY) == 0


def test_integers_count_as_masks():
    assert dice(SAID * 255, TRUTH.astype(np.uint8)) == dice(SAID, TRUTH)


def test_different_shapes_are_refused_with_both_named():
    with pytest.raises(ShapeError, match=r"\(2, 4\) and \(4, 2\)"):
        dice(SAID, TRUTH.T)


def test_specificity_is_the_share_of_the_outside_left_out():
    assert specificity(SAID, TRUTH) == pytest.approx(3 / 5)
    assert specificity(EMPTY, TRUTH) == 1
    assert specificity(SAID, EMPTY) == pytest.approx(4 / 8)
    assert np.isnan(specificity(EMPTY, EMPTY))
    assert np.isnan(specificity(SAID, ~EMPTY))
