"""Which cases train and which validate: by fold, by tissue, or all of them."""

from collections.abc import Mapping, Sequence

import numpy as np

from delineate.core.errors import DatasetError
from delineate.core.plan import Plan
from delineate.datasets.base import Dataset
from delineate.datasets.splits import check_no_leak


def choose_cases(
    plan: Plan,
    dataset: Dataset,
    fold: str,
    hold_out: str | None = None,
    leave_out: str | None = None,
) -> tuple[list[str], list[str]]:
    """Divide the cases into those that train and those that validate.

    Args:
        plan: The plan with its folds.
        dataset: The dataset.
        fold: Number of the validation fold, or "all".
        hold_out: Tissues whose cases validate instead of a fold, separated by commas.
        leave_out: Tissues whose cases do neither, separated by commas.

    Returns:
        Ids of training and of validation cases.

    Raises:
        DatasetError: If the plan has no such fold or none at all, or the dataset lacks cases
            of the plan.
    """
    training, validation = _divide(plan, dataset, fold, hold_out)
    if leave_out is None:
        return training, validation
    unwanted = _cases_of(dataset, leave_out, "leave_out")
    kept = [case for case in training if case not in unwanted]
    if not kept:
        raise DatasetError(f"leave_out leaves nothing to train on: {leave_out}. Name fewer.")
    return kept, [case for case in validation if case not in unwanted]


def _divide(
    plan: Plan, dataset: Dataset, fold: str, hold_out: str | None
) -> tuple[list[str], list[str]]:
    known = set(dataset.ids())
    if lost := sorted({case for part in plan.folds for case in part} - known):
        raise DatasetError(
            f"The plan's folds name cases that the dataset lacks: {', '.join(lost[:5])}. "
            "Restore them, or plan anew with another --out."
        )
    if hold_out is not None:
        return _by_tissue(dataset, hold_out)
    if fold == "all":
        return sorted(known), []
    if not plan.folds:
        cause, mend = "the plan has no folds", "Use --fold all, or plan anew with --folds 2."
        if len({dataset.patient(case) for case in known}) == 1:
            cause, mend = "there is only one patient", "Use --fold all."
        raise DatasetError(f"fold must be all, not {fold!r}, since {cause}. {mend}")
    if not fold.isdecimal() or int(fold) >= len(plan.folds):
        raise DatasetError(
            f"fold must be all or a number from 0 to {len(plan.folds) - 1}, not {fold!r}. "
            "Correct --fold."
        )
    validation = list(plan.folds[int(fold)])
    training = [
        case for place, part in enumerate(plan.folds) if place != int(fold) for case in part
    ]
    patients = {case: dataset.patient(case) for case in [*training, *validation]}
    check_no_leak(training, validation, patients)
    return training, validation


def _by_tissue(dataset: Dataset, hold_out: str) -> tuple[list[str], list[str]]:
    held = _cases_of(dataset, hold_out, "hold_out")
    patients = {dataset.patient(case) for case in held}
    training = [case for case in dataset.ids() if dataset.patient(case) not in patients]
    if not training:
        raise DatasetError(f"hold_out leaves nothing to train on: {hold_out}. Name fewer tissues.")
    return training, [case for case in dataset.ids() if case in held]


def _cases_of(dataset: Dataset, names: str, argument: str) -> set[str]:
    tissues = {case: dataset.tissue(case) or "unknown" for case in dataset.ids()}
    wanted = {name.strip() for name in names.split(",")}
    if strange := sorted(wanted - set(tissues.values())):
        raise DatasetError(
            f"{argument} must name tissues of the dataset, not {', '.join(strange)}. "
            f"Choose among: {', '.join(sorted(set(tissues.values())))}."
        )
    return {case for case, tissue in tissues.items() if tissue in wanted}


def keep_labelled(
    ids: Sequence[str], patients: Mapping[str, str], share: float | None, seed: int
) -> tuple[list[str], list[str]]:
    """Set the labels of some training cases aside, patient by patient.

    Args:
        ids: Training cases.
        patients: Patient by case id.
        share: Share of the cases that keep their labels, in (0, 1]; None keeps all.
        seed: Which ones; a larger share keeps those of a smaller one, too.

    Returns:
        Cases with labels, at least one patient's, and the others, both in the order of `ids`.

    Raises:
        DatasetError: If the share is none.
    """
    if share is None:
        return list(ids), []
    if not 0 < share <= 1:
        raise DatasetError(f"labelled must be above 0 and at most 1, not {share:g}. Correct it.")
    names = sorted({patients[case] for case in ids})
    order = [names[place] for place in np.random.default_rng([seed, 11]).permutation(len(names))]
    kept: set[str] = set()
    for name in order:
        if kept and len(kept) >= round(share * len(ids)):
            break
        kept |= {case for case in ids if patients[case] == name}
    return [case for case in ids if case in kept], [case for case in ids if case not in kept]


def tell_tissues(
    plan: Plan,
    hold_out: str | None,
    leave_out: str | None,
    training: Sequence[str],
    validation: Sequence[str],
) -> Plan:
    """Write a division by tissue into the plan, so that whoever has it knows the unseen cases.

    Args:
        plan: The plan.
        hold_out: Tissues that validate; None leaves the plan as it is.
        leave_out: Tissues that do neither.
        training: Ids of training cases.
        validation: Ids of validation cases.

    Returns:
        The plan with these two folds.
    """
    if hold_out is None:
        return plan
    reason = f"The first validates: {hold_out}, held out as whole tissues."
    if leave_out is not None:
        reason += f" In neither: {leave_out}."
    return plan.deciding(reason, folds=(tuple(validation), tuple(training)), num_folds=2)
