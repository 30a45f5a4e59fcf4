"""Folds and the guard against leaks."""

import pytest

from delineate.core.errors import DatasetError
from delineate.datasets.splits import check_no_leak, make_folds

PATIENTS = {f"p{number // 3}_day{number % 3}": f"p{number // 3}" for number in range(30)}


def test_patient_is_never_in_two_folds():
    folds = make_folds(PATIENTS, 4, seed=3)

    owners = [{PATIENTS[id] for id in fold} for fold in folds]

    assert sum(map(len, owners)) == len(set.union(*owners)) == 10
    assert sorted(id for fold in folds for id in fold) == sorted(PATIENTS)


def test_folds_hold_nearly_equal_numbers_of_cases():
    uneven = {f"case{number}": f"p{min(number, 12)}" for number in range(20)}

    sizes = [len(fold) for fold in make_folds(uneven, 3, seed=0)]

    assert max(sizes) - min(sizes) <= 2


def test_same_seed_gives_same_folds_in_any_order():
    backwards = dict(reversed(PATIENTS.items()))

    assert make_folds(PATIENTS, 5, seed=1) == make_folds(backwards, 5, seed=1)
    assert make_folds(PATIENTS, 5, seed=1) != make_folds(PATIENTS, 5, seed=2)


@pytest.mark.parametrize(("folds", "words"), [(11, "patients.csv"), (1, "at least 2")])
def test_impossible_number_of_folds_is_refused(folds, words):
    with pytest.raises(DatasetError, match=words):
        make_folds(PATIENTS, folds, seed=0)


def test_leak_is_an_error_that_names_the_patient():
    with pytest.raises(DatasetError, match="'p1' is on both sides"):
        check_no_leak(["p0_day0", "p1_day0"], ["p1_day2"], PATIENTS)


def test_split_of_another_dataset_is_refused():
    with pytest.raises(DatasetError, match="stranger"):
        check_no_leak(["stranger"], ["p1_day2"], PATIENTS)


def test_clean_split_passes():
    check_no_leak(["p0_day0"], ["p1_day2"], PATIENTS)
