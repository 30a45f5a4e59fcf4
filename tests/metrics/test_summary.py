import numpy as np
import pytest

from delineate.metrics.summary import bootstrap, case_medians, group_means

NAN = float("nan")


def test_mean_of_all_classes_is_the_mean_of_class_means():
    values = np.array([[1.0, 0.0], [0.5, NAN], [0.0, NAN]])

    assert bootstrap(values, ["a", "b", "c"]).mean == pytest.approx((0.5 + 0.0) / 2)


def test_one_patient_gives_no_interval():
    interval = bootstrap(np.array([[0.5], [0.7]]), ["a", "a"])

    assert interval.mean == pytest.approx(0.6)
    assert np.isnan(interval.low)
    assert interval.num_patients == 1


def test_equal_seeds_give_equal_intervals():
    values = np.random.default_rng(0).random((20, 2))
    patients = [str(place) for place in range(20)]

    first, second, other = (bootstrap(values, patients, seed=seed) for seed in (3, 3, 4))

    assert (first.low, first.high) == (second.low, second.high)
    assert (first.low, first.high) != (other.low, other.high)


def test_interval_is_that_of_the_normal_theory_for_many_patients():
    values = np.random.default_rng(1).normal(0.8, 0.1, (400, 1))

    interval = bootstrap(values, [str(place) for place in range(400)])

    half = 1.96 * values.std() / 20
    assert interval.low == pytest.approx(values.mean() - half, abs=0.001)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.001)


def test_cases_of_one_patient_are_drawn_together():
    values = np.repeat(np.random.default_rng(2).normal(0.8, 0.1, 20), 10)[:, None]
    own = [str(place) for place in range(200)]
    shared = [str(place // 10) for place in range(200)]

    alone, together = bootstrap(values, own), bootstrap(values, shared)

    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_nothing_but_absent_cases_gives_no_mean():
    interval = bootstrap(np.full((3, 2), NAN), ["a", "b", "c"])

    assert np.isnan(interval.mean)
    assert interval.num_patients == 0


def test_median_is_over_cases_of_their_mean_over_classes():
    values = np.array([[1.0, 0.0], [0.9, NAN], [NAN, NAN], [0.1, 0.1]])

    assert case_medians(values) == pytest.approx(0.5)


def test_groups_are_averaged_class_by_class_over_what_they_have():
    values = np.array([[0.2, 0.8], [0.4, np.nan], [np.nan, np.nan]])

    means = group_means(values, ["a", "a", "b"])

    assert means["a"] == pytest.approx((0.3 + 0.8) / 2)
    assert np.isnan(means["b"])
