"""Which cases train and which validate: by fold, by tissue, or all of them."""

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
