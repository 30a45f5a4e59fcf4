"""Neighbouring slices: which of them a 2-D network sees beside the one that it labels.

Training and prediction both ask here, and nobody else decides: offsets are counted in slices
of the working grid, and beyond the ends of a volume its first and last slice stand in. As
channels the slices follow each other from the lowest offset up, each with all its channels:
channel c of slice s is input s * C + c.
"""

from collections.abc import Sequence

from delineate.core.errors import PlanError
from delineate.core.plan import Plan

FUSION = "slice_fusion"
"""Key of `Plan.model_options` that says how slices meet; it is no argument of the network."""
FUSIONS = ("early", "late")
"""Slices as channels of the network's first layer; or one stem for each slice, then together."""


def slice_offsets(plan: Plan) -> tuple[int, ...]:
    """List the slices that the network sees, relative to the one that it labels.

    Args:
        plan: The plan; `slices`, `slice_step` and what they need are checked.

    Returns:
        Offsets in working slices, ascending and odd in number; (0,) where a network sees one.

    Raises:
        PlanError: If the number is even, or the network or its images have no slices.
    """
    count, step = plan.slices, plan.slice_step
    if count < 1 or count % 2 == 0:
        raise PlanError(
            f"slices must be an odd number such as 1, 3 or 5, not {count}: as many below the "
            "labelled slice as above it. Correct --slices, or leave it out."
        )
    if step < 1 or (step > 1 and count == 1):
        raise PlanError(
            f"slice_step must be 1, or more where slices are 3 or more, not {step} with "
            f"slices {count}. Correct --slice-step, or leave it out."
        )
    if count > 1:
        _check_stack(plan)
    _check_fusion(plan)
    reach = count // 2
    return tuple(step * place for place in range(-reach, reach + 1))


def neighbours(place: int, offsets: Sequence[int], count: int) -> tuple[int, ...]:
    """Name the slices around one; the first and the last stand in for those that are not there.

    Args:
        place: The slice in the middle, from 0.
        offsets: What `slice_offsets` listed.
        count: Number of slices in the volume.

    Returns:
        One slice for each offset, each from 0 to count - 1.

    Example:
        >>> neighbours(1, (-2, 0, 2), 10)
        (0, 1, 3)
    """
    return tuple(min(max(place + offset, 0), count - 1) for offset in offsets)


def _check_stack(plan: Plan) -> None:
    if len(plan.spacing_mm) != 3 or plan.task != "regions":
        raise PlanError(
            f"slices must be 1 for pictures, not {plan.slices}: they have no slices. "
            "Leave --slices out."
        )
    if plan.dims != 2:
        raise PlanError(
            f"slices must be 1 where dims is {plan.dims}, not {plan.slices}: such a network sees "
            "all slices of its patch. Pass --dims 2, or leave --slices out."
        )


def _check_fusion(plan: Plan) -> None:
    if FUSION not in plan.model_options:
        return
    fusion = plan.model_options[FUSION]
    if fusion not in FUSIONS:
        raise PlanError(
            f"{FUSION} must be {' or '.join(FUSIONS)}, not {fusion!r}. Correct --slice-fusion."
        )
    if plan.slices == 1:
        raise PlanError(
            f"{FUSION} needs several slices, but slices is 1. "
            "Pass --dims 2 --slices 3, or leave --slice-fusion out."
        )
