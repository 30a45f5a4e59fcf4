import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delineate.core.errors import DelineateError, ShapeError
from delineate.metrics.uncertainty import DiceForecast, ErrorDetection, expected_dice


def case(seed, levels=5, number=30):
    rng = np.random.default_rng(seed)
    return rng.integers(0, levels, number) / (levels - 1), rng.random(number) < 0.4


def filled(*cases, levels=5):
    found = ErrorDetection(num_levels=levels)
    for one in cases:
        found.add(*one)
    return found


def test_auroc_is_that_of_counting_all_pairs_with_ties_half():
    doubt, wrong = case(0)
    pairs = [(bad > good) + 0.5 * (bad == good) for bad in doubt[wrong] for good in doubt[~wrong]]

    assert filled((doubt, wrong)).auroc == pytest.approx(np.mean(pairs))


def test_area_without_ties_is_the_mean_risk_of_every_prefix():
    rng = np.random.default_rng(3)
    doubt, wrong = rng.permutation(101) / 100, rng.random(101) < 0.3
    ordered = wrong[np.argsort(doubt)]
    risks = [ordered[: kept + 1].mean() for kept in range(101)]

    found = filled((doubt, wrong), levels=101).risk_coverage

    assert found.area == pytest.approx(np.mean(risks))
    assert found.risk == pytest.approx(np.array(risks))
    assert found.coverage[-1] == 1


def test_area_with_ties_is_the_mean_over_all_orders():
    doubt, wrong = case(4, levels=3, number=20)
    rng, areas = np.random.default_rng(0), []
    for _ in range(20000):
        mixed = rng.permutation(20)
        ordered = wrong[mixed][np.argsort(doubt[mixed], kind="stable")]
        areas.append((np.cumsum(ordered) / np.arange(1, 21)).mean())

    assert filled((doubt, wrong), levels=3).risk_coverage.area == pytest.approx(
        np.mean(areas), abs=0.003
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.integers(0, 999))
def test_merging_equals_one_pass(one, two):
    both = filled(case(one)).merge(filled(case(two)))
    whole = filled(case(one), case(two))

    assert np.array_equal(both.right, whole.right)
    assert np.array_equal(both.wrong, whole.wrong)
    assert both.auroc == whole.auroc


def test_nothing_to_count_is_not_a_number():
    found = ErrorDetection()

    assert np.isnan([found.auroc, found.risk_coverage.area]).all()
    assert np.isnan(DiceForecast().mean_absolute_error)
    assert np.isnan(expected_dice(np.zeros(3), np.zeros(3, bool)))


def test_ignored_voxels_count_nowhere_whatever_they_hold():
    found = ErrorDetection()

    found.add(np.array([0.1, np.nan]), np.array([False, True]), counted=np.array([True, False]))

    assert (found.right.sum(), found.wrong.sum()) == (1, 0)


@pytest.mark.parametrize("doubt", [[0.1, 1.5], [0.1, np.nan]])
def test_uncertainty_outside_of_its_range_is_refused(doubt):
    with pytest.raises(DelineateError, match=r"must lie in \[0, 1\]"):
        ErrorDetection().add(np.array(doubt), np.array([True, False]))


def test_shapes_and_levels_that_differ_are_refused():
    with pytest.raises(ShapeError, match="one shape"):
        ErrorDetection().add(np.zeros(2), np.zeros(3, bool))
    with pytest.raises(ShapeError, match="merge"):
        filled().merge(ErrorDetection())
    with pytest.raises(ShapeError, match="one shape"):
        expected_dice(np.zeros(2), np.zeros(3, bool))


def test_foretold_dice_is_that_of_the_hand():
    said = np.array([0.9, 0.8, 0.3])

    assert expected_dice(said, said > 0.5) == pytest.approx(2 * 1.7 / (2 + 2.0))


def test_forecast_counts_only_cases_with_both_values():
    found = DiceForecast()
    for pair in [(0.9, 0.8), (0.5, 0.6), (np.nan, 0.1), (0.1, np.nan)]:
        found.add(*pair)

    assert found.num_cases == 2
    assert found.mean_absolute_error == pytest.approx(0.1)
    assert found.correlation == pytest.approx(1)
    assert found.merge(found).num_cases == 4
