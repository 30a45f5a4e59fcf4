"""On which grid the network works: number of axes, orientation and spacing."""

from collections.abc import Sequence

import numpy as np

from delineate.core.plan import Plan
from delineate.planning.fingerprint import Fingerprint
from delineate.planning.machine import Machine

FEW_SLICES = 8
"""Fewer slices than this hold no third dimension to learn from."""
THIN_STACK = 16
"""Fewer slices than this go slice by slice if they are also thick."""
THICK = 3.0
"""Slices this many times thicker than their pixels are wide count as thick."""
VERY_THICK = 8.0
"""Slices this thick say little of their neighbours, however many there are."""


def choose_dims(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Work in 3-D unless slices are too few or too thick for neighbours to inform each other.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `dims`.
    """
    if not fingerprint.is_volume:
        return plan.deciding("The images have two axes.", dims=2)
    slices = fingerprint.sizes.median[0]
    thickness, *in_plane = fingerprint.spacings.median
    ratio = thickness / max(in_plane)
    shape = f"{ratio:.2g} times as thick as their pixels are wide"
    if 0.95 < ratio < 1.05:
        shape = "as thick as their pixels are wide"
    facts = f"the median volume has {slices:.0f} slices, {shape}"
    if slices < FEW_SLICES:
        return plan.deciding(f"Slice by slice, since {facts}; fewer than {FEW_SLICES}.", dims=2)
    if ratio > VERY_THICK or (ratio > THICK and slices < THIN_STACK):
        why = "neighbouring slices say too little of each other"
        return plan.deciding(f"Slice by slice, since {facts}: {why}.", dims=2)
    return plan.deciding(f"In 3-D, since {facts}.", dims=3)


def choose_slices(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Show a 2-D network one slice at a time; its neighbours are a choice by hand.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far; its `dims` count.
        machine: What the run may use.

    Returns:
        The plan with `slices`.
    """
    if not fingerprint.is_volume:
        return plan.deciding("Pictures have no neighbouring slices.", slices=1)
    if plan.dims == 3:
        return plan.deciding("In 3-D every patch holds its neighbours.", slices=1)
    reason = "Each slice by itself; --slices 3 or 5 shows its neighbours as channels."
    return plan.deciding(reason, slices=1)


def choose_orientation(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Turn volumes to (S, A, R) axes, so that every patient is seen from the same side.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `canonical`.
    """
    if not fingerprint.is_volume:
        return plan.deciding("Two-dimensional images stay as they are.", canonical=False)
    if not fingerprint.is_physical:
        reason = "The files do not say how the volumes lie in space, so they stay as they are."
        return plan.deciding(reason, canonical=False)
    reason = "Files may store axes in any order; turned to feet-head, back-front, left-right."
    return plan.deciding(reason, canonical=True)


def choose_spacing(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Take the median spacing, and the 10th percentile along a strongly coarser axis.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `spacing_mm`.
    """
    spread = fingerprint.spacings
    if not fingerprint.is_physical:
        reason = "The files give no millimetres, so pixels are taken as they are."
        return plan.deciding(reason, spacing_mm=spread.median)
    count = f"{fingerprint.num_cases} case{'s' if fingerprint.num_cases != 1 else ''}"
    around = f"{_listed(spread.min)} to {_listed(spread.max)} mm"
    if spread.min == spread.max:
        reason = f"Every one of {count} has it."
        return plan.deciding(reason, spacing_mm=_rounded(spread.median))
    axis = coarse_axis(fingerprint)
    if axis is None:
        reason = f"Median over {count}, which range from {around}."
        return plan.deciding(reason, spacing_mm=_rounded(spread.median))
    spacing = list(spread.median)
    others = [step for place, step in enumerate(spacing) if place != axis]
    spacing[axis] = max(spread.p10[axis], *others)
    reason = (
        f"Median over {count}, which range from {around}; along axis {axis}, whose median of "
        f"{spread.median[axis]:.3g} mm is more than 3 times the others', the 10th percentile, "
        "so that the thinnest slices keep their detail."
    )
    return plan.deciding(reason, spacing_mm=_rounded(spacing))


def coarse_axis(fingerprint: Fingerprint) -> int | None:
    """Find an axis with few thick slices.

    Args:
        fingerprint: What the data look like.

    Returns:
        The axis whose median spacing exceeds three times the next largest while three times
        its size is less than the smallest other size; None if there is no such axis.
    """
    spacing = np.asarray(fingerprint.spacings.median)
    size = np.asarray(fingerprint.sizes.median)
    axis = int(spacing.argmax())
    next_largest, smallest = np.delete(spacing, axis).max(), np.delete(size, axis).min()
    is_coarse = spacing[axis] > 3 * next_largest and size[axis] * 3 < smallest
    return axis if is_coarse else None


def _rounded(spacing: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(f"{step:.6g}") for step in spacing)


def _listed(values: Sequence[float]) -> str:
    return " x ".join(f"{value:.3g}" for value in values)
