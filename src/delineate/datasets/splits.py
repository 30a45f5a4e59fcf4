"""Folds that keep a patient together, and the guard that refuses a leak."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from delineate.core.errors import DatasetError


def make_folds(
    patients: Mapping[str, str], num_folds: int, seed: int
) -> tuple[tuple[str, ...], ...]:
    """Deal patients into folds of nearly equal numbers of cases.

    Patients with most cases are dealt first, each to the fold that has fewest cases yet;
    equal ones are shuffled by the seed. The order of the mapping does not matter.

    Args:
        patients: Patient by case id.
        num_folds: How many folds, 2 or more.
        seed: Any whole number of at least 0; the same gives the same folds on any machine.

    Returns:
        Case ids of each validation fold, sorted; every case stands in exactly one.

    Raises:
        DatasetError: If there are fewer patients than folds, or fewer than two folds.
    """
    cases = defaultdict(list)
    for case, patient in patients.items():
        cases[patient].append(case)
    if num_folds < 2:
        raise DatasetError(f"num_folds must be at least 2, not {num_folds}. Pass --num-folds 5.")
    if len(cases) < num_folds:
        raise DatasetError(
            f"{num_folds} folds need as many patients, but {len(patients)} cases are of "
            f"{len(cases)} patients ({', '.join(sorted(cases)[:3]) or 'none'}). Ask for fewer "
            "folds, or say whose each case is in patients.csv (columns case,patient)."
        )
    names = sorted(cases)
    np.random.default_rng(seed).shuffle(names)
    folds: list[list[str]] = [[] for _ in range(num_folds)]
    for name in sorted(names, key=lambda patient: -len(cases[patient])):
        min(folds, key=len).extend(cases[name])
    return tuple(tuple(sorted(fold)) for fold in folds)


def check_no_leak(
    train_ids: Iterable[str], validation_ids: Iterable[str], patients: Mapping[str, str]
) -> None:
    """Refuse a split in which a patient stands on both sides.

    Args:
        train_ids: Cases that are trained on.
        validation_ids: Cases that are measured on.
        patients: Patient by case id.

    Raises:
        DatasetError: If a patient is on both sides, or a case is of no known patient.
    """
    sides = []
    for ids in (train_ids, validation_ids):
        known = list(ids)
        if strange := [id for id in known if id not in patients]:
            raise DatasetError(
                f"The split names {strange[:3]}, which the dataset does not have. "
                "Make the plan anew for this dataset."
            )
        sides.append({patients[id]: id for id in reversed(known)})
    train, validation = sides
    if shared := sorted(train.keys() & validation.keys()):
        patient = shared[0]
        more = f" (and {len(shared) - 1} more)" if len(shared) > 1 else ""
        raise DatasetError(
            f"Patient {patient!r}{more} is on both sides of the split, as {train[patient]} in "
            f"training and {validation[patient]} in validation. Make the folds anew."
        )
