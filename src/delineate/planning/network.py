"""What the network sees at once and how deep and wide it is."""

from collections.abc import Sequence
from math import prod
from typing import Any

from delineate.core.plan import Plan
from delineate.core.slices import FUSION
from delineate.planning.families import FAMILIES, decide_options, size_for
from delineate.planning.fingerprint import Fingerprint
from delineate.planning.machine import BYTES_A_VOXEL, MEMORY_SHARE, Machine
from delineate.planning.stages import divide, round_down, round_up

WISHED_STEPS = 500
"""Patches are sized so that this many steps of the smallest batch fit in the budget."""
SMALLEST_BATCH = {2: 8, 3: 2}
"""Batch that patches are sized for, by number of axes."""
LEAST_PATCH = {2: 128**2, 3: 32**3}
"""Patches are not made smaller than this, in voxels, however short the budget."""
MOST_PATCH = {2: 512**2, 3: 128**3}
"""Patches are not made larger than this on a CPU, in voxels."""
STEP_S = 3.6
"""Time of a step that patches are sized for where no budget is given, in seconds."""
WHOLE_BONUS = 1.25
"""A patch may exceed the limit by this factor if it then holds the whole image."""
SHORT_S = {2: 180.0, 3: 7200.0}
"""A budget below this, in seconds, gets a network of half the width on a CPU, by number of
axes: in volumes, twice the steps teach more than twice the width (benchmarks/README.md)."""
LONG_S = 7200.0
"""A budget from this on, in seconds, gets residual blocks on a CPU."""
MAX_FEATURES = 256
"""Most features of a stage on a CPU."""


def choose_patch(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Show the whole median image if the budget allows, else a box with equal sides in mm.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far; its spacing counts.
        machine: What the run may use.

    Returns:
        The plan with `patch`.
    """
    spacing = plan.spacing_mm[-plan.dims :]
    size = fingerprint.size_at(plan.spacing_mm)[-plan.dims :]
    limit = patch_limit(plan.dims, machine, width_of(plan, machine))
    whole = round_up(size, spacing)
    cells = "voxels" if plan.dims == 3 else "pixels"
    if prod(whole) <= WHOLE_BONUS * limit:
        reason = (
            f"Covers the median image of {_listed(size)} {cells} whole, padded so that the "
            "network can halve it evenly."
        )
        return plan.deciding(reason, patch=whole)
    patch = _grown(round_down(_cube(size, spacing, limit), spacing), whole, spacing, limit)
    share = 100 * prod(min(a, b) for a, b in zip(patch, size, strict=True)) / prod(size)
    sides = [length * step for length, step in zip(patch, spacing, strict=True)]
    cause = "its memory" if machine.is_gpu else f"{WISHED_STEPS} steps in the budget"
    reason = (
        f"{_listed(sides)} {fingerprint.unit}, {share:.2g} % of the median image of "
        f"{_listed(size)} {cells}: by rule of thumb {limit:,.0f} {cells} are what "
        f"{machine.where} can take for {cause}."
    )
    if fingerprint.is_physical:
        reason += " A coarser spacing would show more at once."
    return plan.deciding(reason, patch=patch)


def choose_network(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Halve the patch while 4 voxels remain; take the size that device and time allow.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far; its patch and spacing count.
        machine: What the run may use.

    Returns:
        The plan with `model_options`; its own defaults for a model that has no family.

    Raises:
        PlanError: If the patch is too small for the model.
    """
    kept = {name: value for name, value in plan.model_options.items() if name == FUSION}
    if plan.model in FAMILIES:
        options, reason = decide_options(FAMILIES[plan.model], plan, machine)
        return plan.deciding(reason, model_options={**options, **kept})
    if plan.model != "unet":
        reason = f"Model {plan.model!r} is taken with its own defaults."
        return plan.deciding(reason, model_options=kept)
    options, reason = _unet(plan, machine)
    return plan.deciding(reason, model_options={**options, **kept})


def _unet(plan: Plan, machine: Machine) -> tuple[dict[str, Any], str]:
    """Decide the options of a U-Net: features double until the device is full."""
    stages = divide(plan.patch, plan.spacing_mm[-plan.dims :])
    count = len(stages.strides)
    width, most = width_for(plan.dims, machine), MAX_FEATURES
    if machine.is_gpu:
        most = 320 if plan.dims == 3 else 512
    is_long = machine.is_gpu or (machine.budget_s or 0) >= LONG_S
    options: dict[str, Any] = {
        "features": [min(width * 2**stage, most) for stage in range(count)],
        "strides": [list(row) for row in stages.strides],
        "residual": is_long,
        "norm": "batch",
        "deep_supervision": count >= 3,
    }
    if not stages.is_cubic:
        options["kernels"] = [list(row) for row in stages.kernels]
    deepest = [size // step for size, step in zip(plan.patch, stages.total, strict=True)]
    reason = (
        f"{count} stages take the patch down to {_listed(deepest)} voxels; {width} features at "
        f"first {'and residual blocks ' if is_long else ''}suit {machine.where}"
        f"{_minutes(machine)}."
    )
    if not stages.is_cubic:
        reason += " Axes with longer voxels are halved and mixed later, so that cells become cubes."
    return options, reason


def shrunk(fingerprint: Fingerprint, plan: Plan, share: float) -> tuple[int, ...] | None:
    """Make a patch smaller, notch by notch along the axis that covers most of the image.

    Args:
        fingerprint: What the data look like.
        plan: The plan whose patch is too large.
        share: Share of the voxels that may stay, below 1.

    Returns:
        The smaller patch, or None if no axis can lose a notch.
    """
    spacing = plan.spacing_mm[-plan.dims :]
    size = fingerprint.size_at(plan.spacing_mm)[-plan.dims :]
    patch = plan.patch
    while prod(patch) > share * prod(plan.patch):
        total = divide(patch, spacing).total
        able = [axis for axis, side in enumerate(patch) if total[axis] > 1 and side >= 32]
        if not able:
            break
        axis = max((patch[axis] / size[axis], patch[axis], axis) for axis in able)[2]
        smaller = list(patch)
        smaller[axis] -= max(8, total[axis])
        patch = round_down(smaller, spacing)
    return patch if patch != plan.patch else None


def width_for(dims: int, machine: Machine) -> int:
    """Choose the number of features of the first stage.

    Args:
        dims: 2 or 3.
        machine: What the run may use.

    Returns:
        32, or 16 for a short budget on a CPU; a number of steps is no short budget.
    """
    if machine.is_gpu or machine.num_steps is not None or machine.budget_s is None:
        return 32
    return 16 if machine.budget_s < SHORT_S[dims] else 32


def width_of(plan: Plan, machine: Machine) -> int:
    """Tell how wide a U-Net is whose step takes as long as that of the plan's network.

    Args:
        plan: The plan; its model and dims count.
        machine: What the run may use.

    Returns:
        Features of the first stage.
    """
    if plan.model in FAMILIES:
        return size_for(FAMILIES[plan.model], plan.dims, machine).width
    return width_for(plan.dims, machine)


def patch_limit(dims: int, machine: Machine, width: int | None = None) -> float:
    """Tell how many voxels a patch may have.

    Args:
        dims: 2 or 3.
        machine: What the run may use.
        width: Features of the first stage of a U-Net that costs as much; None means what
            `width_for` chooses.

    Returns:
        Number of voxels.
    """
    width, batch = width or width_for(dims, machine), SMALLEST_BATCH[dims]
    by_memory = machine.memory_bytes * MEMORY_SHARE / (BYTES_A_VOXEL * width / 32) / batch
    if machine.is_gpu:
        return max(LEAST_PATCH[dims], min(by_memory, 2 * MOST_PATCH[dims]))
    step_s = STEP_S
    if machine.budget_s is not None and machine.num_steps is None:
        step_s = machine.budget_s / WISHED_STEPS
    by_time = step_s / machine.estimate(batch, width).seconds
    return max(LEAST_PATCH[dims], min(by_memory, by_time, MOST_PATCH[dims]))


def _cube(size: Sequence[int], spacing: Sequence[float], limit: float) -> list[float]:
    # The largest box that is a cube in mm wherever the image allows one.
    low, high = 0.0, max(a * b for a, b in zip(size, spacing, strict=True))
    for _ in range(60):
        edge = (low + high) / 2
        if prod(min(edge / b, a) for a, b in zip(size, spacing, strict=True)) > limit:
            high = edge
        else:
            low = edge
    return [max(1.0, min(low / b, a)) for a, b in zip(size, spacing, strict=True)]


def _grown(
    patch: tuple[int, ...], whole: Sequence[int], spacing: Sequence[float], limit: float
) -> tuple[int, ...]:
    # What rounding down left over goes to the shortest sides; equal sides stay equal.
    kinds = sorted(set(zip(patch, spacing, strict=True)), key=lambda kind: kind[0] * kind[1])
    for kind in kinds:
        total = divide(patch, spacing).total
        longer = tuple(
            side + max(8, stride) if (side, step) == kind else side
            for side, step, stride in zip(patch, spacing, total, strict=True)
        )
        is_even = round_down(longer, spacing) == longer
        fits = all(side <= most for side, most in zip(longer, whole, strict=True))
        if is_even and fits and prod(longer) <= limit:
            patch = longer
    return patch


def _minutes(machine: Machine) -> str:
    if machine.budget_s is None or machine.num_steps is not None:
        return ""
    return f" and {machine.budget_s / 60:.3g} minutes"


def _listed(values: Sequence[float]) -> str:
    return " x ".join(f"{value:.4g}" for value in values)
