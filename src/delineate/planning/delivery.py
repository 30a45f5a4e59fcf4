"""How predictions are made and how honestly they are scored: tiles, flips and folds."""

from math import ceil, prod

from delineate.core.plan import Plan
from delineate.planning.fingerprint import Fingerprint
from delineate.planning.machine import Machine

MANY_TILES = 60
"""With more tiles an image than this, a CPU saves time by overlapping them less."""
MOST_FOLDS = 5
"""Parts of a cross-validation; more cost time and tell little more."""


def choose_overlap(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Overlap tiles by half, or by a quarter where a CPU would have to work through many.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far; its patch and spacing count.
        machine: What the run may use.

    Returns:
        The plan with `overlap`.
    """
    size = fingerprint.size_at(plan.spacing_mm)
    counts = [
        max(1, ceil((length - side) / (side * 0.5)) + 1)
        for length, side in zip(size[-plan.dims :], plan.patch, strict=True)
    ]
    tiles = prod(counts) * prod(size[: -plan.dims])
    if tiles == 1:
        reason = "The median image is one tile; larger ones overlap by half."
        return plan.deciding(reason, overlap=0.5)
    facts = f"half would make {tiles} tiles of the median image"
    if tiles > MANY_TILES and prod(counts) > 1 and not machine.is_gpu:
        return plan.deciding(f"A quarter saves time: {facts}.", overlap=0.25)
    return plan.deciding(f"Every voxel is seen near the middle of a tile; {facts}.", overlap=0.5)


def choose_flips(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Average mirror images at prediction where that is cheap and was trained.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far; its augmentation counts.
        machine: What the run may use.

    Returns:
        The plan with `flips`.
    """
    mirrored = tuple(int(axis) for axis in plan.augmentation.get("mirror_axes", ()))
    if not mirrored:
        return plan.deciding("Nothing is mirrored in training either.", flips=())
    if not machine.is_gpu:
        reason = f"On {machine.where} each mirrored axis would double the time for a small gain."
        return plan.deciding(reason, flips=())
    return plan.deciding("The axes that training mirrors.", flips=mirrored)


def choose_folds(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Divide patients into five parts, or as many as there are patients.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `num_folds`; 1 means that nobody can be held out.
    """
    patients = fingerprint.num_patients
    if patients == 1:
        reason = "There is one patient, so none can be held out: scores will be too good."
        return plan.deciding(reason, num_folds=1)
    if patients < MOST_FOLDS:
        reason = f"One fold for each of {patients} patients; scores of so few say little."
        return plan.deciding(reason, num_folds=patients)
    each = patients / MOST_FOLDS
    reason = f"Each fold holds out about {each:.3g} of {patients} patients."
    return plan.deciding(reason, num_folds=MOST_FOLDS)
