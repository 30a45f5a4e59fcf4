"""From fingerprint to plan: the rules in order, each named for the decision it takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from delineate.core.errors import PlanError
from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.core.slices import FUSION, slice_offsets
from delineate.planning.delivery import choose_flips, choose_folds, choose_overlap
from delineate.planning.effort import (
    BY_HAND,
    choose_batch,
    choose_learning_rate,
    choose_precision,
)
from delineate.planning.fingerprint import Fingerprint
from delineate.planning.machine import Machine
from delineate.planning.network import choose_network, choose_patch
from delineate.planning.normalisation import choose_normalisation
from delineate.planning.nuclei import OBJECT_RULES
from delineate.planning.practice import choose_augmentation, choose_loss, choose_sampling
from delineate.planning.resolution import (
    choose_dims,
    choose_orientation,
    choose_slices,
    choose_spacing,
)

Rule = Callable[[Fingerprint, Plan, Machine], Plan]

RULES: dict[str, Rule] = {
    "dims": choose_dims,
    "slices": choose_slices,
    "canonical": choose_orientation,
    "spacing_mm": choose_spacing,
    "normalisation": choose_normalisation,
    "bf16": choose_precision,
    "patch": choose_patch,
    "model_options": choose_network,
    "batch_size": choose_batch,
    "learning_rate": choose_learning_rate,
    "foreground": choose_sampling,
    "loss": choose_loss,
    "augmentation": choose_augmentation,
    "overlap": choose_overlap,
    "flips": choose_flips,
    "num_folds": choose_folds,
}
"""Rules by the field of `Plan` that they decide; a later rule may rely on earlier ones."""
ONLY_BY_HAND = ("slice_step", FUSION)
"""What no rule decides: it stays as it is unless it is asked for."""


def make_plan(
    fingerprint: Fingerprint,
    *,
    dataset: str,
    layout: str,
    labels: LabelTable,
    machine: Machine | None = None,
    model: str = "unet",
    by_hand: Mapping[str, Any] | None = None,
    task: str = "regions",
) -> Plan:
    """Apply every rule in turn; what was set by hand stands, and later rules build on it.

    Args:
        fingerprint: What the data look like.
        dataset: The dataset's name.
        layout: Row of `DATASETS` that reads it.
        labels: The classes.
        machine: What the run may use; None means half an hour of two CPU threads.
        model: Row of `MODELS`.
        by_hand: Values that replace a rule, by its name in `RULES`, and those of
            `ONLY_BY_HAND`.
        task: "regions" for a class per pixel, "instances" for objects told apart.

    Returns:
        The plan, without folds: those need the case ids.

    Raises:
        PlanError: If a value set by hand has no rule, or does not fit the images.
    """
    hand = dict(by_hand or {})
    known = [*RULES, *ONLY_BY_HAND]
    if strange := sorted(set(hand) - set(known)):
        raise PlanError(f"There is no rule for {strange}. By hand one can set: {', '.join(known)}.")
    fusion = {FUSION: hand.pop(FUSION)} if FUSION in hand else {}
    plan = _draft(fingerprint, dataset=dataset, layout=layout, labels=labels)
    plan = replace(plan, model=model, model_options=fusion, task=task)
    if "slice_step" in hand:
        plan = plan.deciding(BY_HAND, slice_step=hand.pop("slice_step"))
    rules = RULES | OBJECT_RULES if task == "instances" else RULES
    for name, rule in rules.items():
        if name in hand:
            _check(name, hand[name], fingerprint, plan)
            plan = plan.deciding(BY_HAND, **{name: hand[name]})
        else:
            plan = rule(fingerprint, plan, machine or Machine())
        if name == "slices":
            slice_offsets(plan)  # refuses what cannot be
    return plan


def _draft(fingerprint: Fingerprint, *, dataset: str, layout: str, labels: LabelTable) -> Plan:
    return Plan(
        dataset=dataset,
        layout=layout,
        labels=labels,
        channels=fingerprint.channels,
        dims=fingerprint.dims,
        canonical=False,
        spacing_mm=fingerprint.spacings.median,
        normalisation=(),
        patch=(),
        batch_size=1,
        model="unet",
        model_options={},
        loss="dice_ce",
        fingerprint=fingerprint.to_dict(),
    )


def _check(name: str, value: Any, fingerprint: Fingerprint, plan: Plan) -> None:  # noqa: ANN401
    if name == "dims" and (value not in (2, 3) or value > fingerprint.dims):
        raise PlanError(
            f"dims must be 2, or 3 for volumes, not {value}: the images have "
            f"{fingerprint.dims} axes. Leave --dims out."
        )
    if name == "spacing_mm":
        _check_numbers("spacing", value, fingerprint.dims)
        if not fingerprint.is_physical and tuple(value) != fingerprint.spacings.median:
            raise PlanError(
                "spacing cannot be chosen, since the files give no millimetres. "
                "Leave --spacing out, or write the spacing into the files' headers."
            )
    if name == "patch":
        _check_numbers("patch", value, plan.dims)
    if name == "num_folds" and value > fingerprint.num_patients:
        raise PlanError(
            f"folds must be at most the number of patients, {fingerprint.num_patients}, "
            f"not {value}. Correct --folds, or leave it out."
        )
    if name in {"batch_size", "num_folds"} and value < 1:
        raise PlanError(f"{name} must be 1 or more, not {value}. Correct it, or leave it out.")


def _check_numbers(name: str, value: Sequence[float], length: int) -> None:
    if len(value) != length or not all(0 < number < float("inf") for number in value):
        raise PlanError(
            f"{name} must be {length} positive numbers in array order, not {tuple(value)}. "
            f"Correct --{name}, or leave it out."
        )
