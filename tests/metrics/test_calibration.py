import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delineate.core.errors import DelineateError, LabelError, ShapeError
from delineate.metrics.calibration import Calibration, boundary_band


def case(seed, shape=(6, 7), classes=3):
    rng = np.random.default_rng(seed)
    raw = rng.random((classes, *shape))
    return raw / raw.sum(axis=0), rng.integers(0, classes, shape)


def ece_by_loops(said, is_so, bins):
    total = 0.0
    for place in range(bins):
        low, high = place / bins, (place + 1) / bins
        inside = [n for n, p in enumerate(said) if low < p <= high or (p == 0 and place == 0)]
        if inside:
            gap = np.mean([said[n] for n in inside]) - np.mean([is_so[n] for n in inside])
            total += len(inside) / len(said) * abs(gap)
    return total


def test_every_ece_and_brier_agrees_with_loops():
    said, truth = case(0)
    found = Calibration(3, num_bins=7)

    found.add(said, truth)

    top, right = said.max(0).ravel(), (said.argmax(0) == truth).ravel()
    assert found.curve.ece == pytest.approx(ece_by_loops(top, right, 7))
    for place, curve in enumerate(found.class_curves):
        expected = ece_by_loops(said[place].ravel(), (truth == place).ravel(), 7)
        assert curve.ece == pytest.approx(expected)
    assert found.brier == pytest.approx(((said - np.eye(3)[truth].transpose(2, 0, 1)) ** 2)
                                        .sum(0).mean())  # fmt: skip


def test_binary_case_is_that_of_the_hand():
    found = Calibration(num_bins=10)

    found.add(np.array([[0.9, 0.9, 0.2, 0.2]]), np.array([[1, 1, 0, 1]]))

    # In the top bins: 0.9 twice, right twice; 0.8 twice, right once.
    assert found.curve.ece == pytest.approx(0.5 * 0.1 + 0.5 * 0.3)
    assert found.brier == pytest.approx(2 * (0.01 + 0.01 + 0.04 + 0.64) / 4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.integers(0, 999))
def test_merging_equals_one_pass(one, two):
    first, second, whole = (Calibration(3, band_width=1) for _ in range(3))
    first.add(*case(one))
    second.add(*case(two))
    whole.add(*case(one))
    whole.add(*case(two))

    both = first.merge(second)

    assert np.array_equal(both.count, whole.count)
    assert np.array_equal(both.right, whole.right)
    assert np.allclose(both.said, whole.said)
    assert both.brier == pytest.approx(whole.brier)


def test_ignored_voxels_count_nowhere_whatever_they_hold():
    said, truth = np.array([0.9, 0.1, np.nan]), np.array([1, 0, 255])
    found = Calibration(band_width=0)

    found.add(said, truth, ignore=255)

    assert found.num_voxels == 2
    assert found.curve.ece == pytest.approx(0.1)
    assert found.band_curve.count.sum() == 2


def test_band_is_as_wide_as_said_in_millimetres():
    labels = np.repeat([0, 1], 5)[None].repeat(3, axis=0)

    near = boundary_band(labels, 2.0, counted=np.ones_like(labels, bool), spacing=(1, 2))

    assert near[0].tolist() == [False] * 3 + [True] * 4 + [False] * 3


def test_nothing_to_count_is_not_a_number():
    found = Calibration(3)

    assert np.isnan([found.curve.ece, found.brier, found.band_curve.ece]).all()
    assert np.isnan(found.brier_by_class).all()


@pytest.mark.parametrize(
    ("said", "truth", "error", "words"),
    [([0.5, 1.5], [0, 1], DelineateError, r"\[0, 1\]"),
     ([0.5, np.nan], [0, 1], DelineateError, r"\[0, 1\]"),
     ([0.5], [0, 1], ShapeError, "one layer a class"),
     ([[0.5, 0.5], [0.9, 0.5]], [0, 1], DelineateError, "sum to 1"),
     ([0.5, 0.5], [0, 7], LabelError, r"holds \[7\]")],
)  # fmt: skip
def test_bad_input_is_refused_with_the_mend(said, truth, error, words):
    with pytest.raises(error, match=words):
        Calibration().add(np.array(said), np.array(truth))


def test_unlike_accumulators_do_not_merge():
    with pytest.raises(ShapeError, match="merge"):
        Calibration(2).merge(Calibration(3))
