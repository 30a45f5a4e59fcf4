"""How much work a step is: batch, norm that fits it, learning rate and number format."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod, sqrt

from delineate.core.errors import BudgetError
from delineate.core.plan import Plan
from delineate.planning.families import FAMILIES
from delineate.planning.fingerprint import Fingerprint
from delineate.planning.machine import MEMORY_SHARE, MIN_STEPS, Machine, StepCost
from delineate.planning.network import LEAST_PATCH, choose_network, shrunk, width_of

LARGEST_BATCH = {2: 16, 3: 4}
"""More patches a step than this bring less than more steps do, by number of axes."""
FIRST_BATCH = 2
"""Where the search starts; a batch of 1 is taken only where 2 do not fit in memory."""
PEAK_RATE = 3e-3
"""Learning rate of AdamW for a batch of 4 or more."""
USUAL_BATCH = 4
"""Batch that the peak learning rate was found with."""
MORE_TRIES = 2
"""Times that a surprisingly slow step on a CPU is tried again."""
BY_HAND = "Set by hand."
"""Reason of every decision that the user took."""


def choose_batch(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Double the batch while a measured step leaves memory free and the budget 250 steps.

    A patch of which not even one fits in memory, or two leave no time for 250 steps, is made
    smaller, unless it was set by hand.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far; its patch and network count.
        machine: What the run may use, and how to measure a step.

    Returns:
        The plan with `batch_size` and, where needed, a smaller patch and another norm.

    Raises:
        BudgetError: If one patch does not fit in memory, however small.
    """
    found = _search(plan, machine)
    while (share := _share_to_keep(found, plan, machine)) < 1:
        patch = shrunk(fingerprint, plan, share)
        if patch is None or plan.reasons.get("patch") == BY_HAND:
            break
        cause = "does not fit in memory" if found is None else "takes too long for the budget"
        reason = f"{plan.patch} was planned, but one step of it {cause}."
        plan = choose_network(fingerprint, plan.deciding(reason, patch=patch), machine)
        found = _search(plan, machine)
    if found is None:
        raise BudgetError(
            f"A patch of {plan.patch} voxels does not fit into {_gib(machine.memory_bytes)} "
            f"of memory on {machine.where}. Choose a smaller --patch or a coarser --spacing."
        )
    size, cost = found
    plan = plan.deciding(_reason(size, cost, plan, machine), batch_size=size)
    if plan.model_options.get("norm") == "batch" and size < 4:
        reason = f"{plan.reasons.get('model_options', '')} Group norm, since {size} a batch is few."
        plan = plan.deciding(reason, model_options={**plan.model_options, "norm": "group"})
    return plan


def choose_learning_rate(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Scale the peak learning rate of the network's family with the root of the batch.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far; its batch counts.
        machine: What the run may use.

    Returns:
        The plan with `learning_rate` and, where the family has its own, `weight_decay`.
    """
    family = FAMILIES.get(plan.model)
    peak = family.rate if family else PEAK_RATE
    rate = peak * sqrt(min(plan.batch_size, USUAL_BATCH) / USUAL_BATCH)
    share = f"the root of {plan.batch_size}/{USUAL_BATCH} of it"
    reason = f"{peak:g} suits {USUAL_BATCH} patches a step with AdamW; {share}"
    if plan.batch_size >= USUAL_BATCH:
        reason = f"Suits {plan.batch_size} patches a step with AdamW"
    if family:
        reason = family.why_rate
        if plan.batch_size < USUAL_BATCH:
            reason += f"; of {peak:g} the root of {plan.batch_size}/{USUAL_BATCH}, for few patches"
        if family.weight_decay != plan.weight_decay:
            why = "As published for this kind of network."
            plan = plan.deciding(why, weight_decay=family.weight_decay)
    return plan.deciding(reason + ".", learning_rate=float(f"{rate:.3g}"))


def choose_precision(fingerprint: Fingerprint, plan: Plan, machine: Machine) -> Plan:
    """Run convolutions in bfloat16 where the device multiplies it fast.

    Args:
        fingerprint: What the data look like.
        plan: The plan so far.
        machine: What the run may use.

    Returns:
        The plan with `bf16`.
    """
    reason = "This device multiplies bfloat16 faster than float32; sums stay in float32."
    if not machine.has_bf16:
        reason = "This device has no fast bfloat16."
    return plan.deciding(reason, bf16=machine.has_bf16)


def _share_to_keep(found: tuple[int, StepCost] | None, plan: Plan, machine: Machine) -> float:
    if found is None:
        return 0.7
    steps = machine.steps_in_budget(found[1].seconds)
    if steps >= MIN_STEPS or prod(plan.patch) <= LEAST_PATCH[plan.dims]:
        return 1.0
    return max(0.3, 0.95 * steps / MIN_STEPS)


def _search(plan: Plan, machine: Machine) -> tuple[int, StepCost] | None:
    best = None
    for size in _sizes(plan.dims):
        cost = _cost(replace(plan, batch_size=size), machine)
        if cost is None or cost.peak_bytes > MEMORY_SHARE * machine.memory_bytes:
            break
        if best is not None and machine.steps_in_budget(cost.seconds) < MIN_STEPS:
            break
        best = (size, cost)
        if machine.steps_in_budget(cost.seconds) < 1.5 * MIN_STEPS:
            break  # twice the batch takes more than half as long again
    if best is None:
        cost = _cost(replace(plan, batch_size=1), machine)
        if cost is not None and cost.peak_bytes <= MEMORY_SHARE * machine.memory_bytes:
            best = (1, cost)
    return best


def _sizes(dims: int) -> Sequence[int]:
    sizes = [FIRST_BATCH]
    while sizes[-1] < LARGEST_BATCH[dims]:
        sizes.append(sizes[-1] * 2)
    return sizes


def _guess(plan: Plan, machine: Machine) -> StepCost:
    width = width_of(plan, machine)
    if plan.model == "unet" and "features" in plan.model_options:
        width = int(plan.model_options["features"][0])
    return machine.estimate(prod(plan.patch) * plan.batch_size, width)


def _cost(plan: Plan, machine: Machine) -> StepCost | None:
    guess = _guess(plan, machine)
    if machine.measure is None:
        return guess
    # Other programs only ever slow a step down, so of several tries the fastest is the truest.
    try:
        cost = machine.measure(plan)
        for _ in range(MORE_TRIES):
            if cost.seconds <= 2 * guess.seconds or machine.is_gpu:
                break
            again = machine.measure(plan)
            cost = replace(cost, seconds=min(cost.seconds, again.seconds))
    except (MemoryError, BudgetError):
        return None
    return cost


def _reason(size: int, cost: StepCost, plan: Plan, machine: Machine) -> str:
    how = (
        "A rule of thumb (no step was tried) says that a step"
        if machine.measure is None
        else ("A measured step")
    )
    steps = machine.steps_in_budget(cost.seconds)
    budget = ""
    if machine.num_steps is not None:
        whole = _time(machine.num_steps * cost.seconds)
        budget = f", so {machine.num_steps} steps take about {whole}"
    elif machine.budget_s is not None:
        budget = f", so that about {steps:,.0f} fit in {_time(machine.budget_s)}"
    if steps < MIN_STEPS:
        budget += f", fewer than the {MIN_STEPS} that training needs; allow more time"
    slower = cost.seconds / _guess(replace(plan, batch_size=size), machine).seconds
    if slower > 3 and not machine.is_gpu:
        budget += f"; {slower:.0f} times as slow as expected: plan again if the machine was busy"
    cap = LARGEST_BATCH[plan.dims]
    limit = f" More than {cap} gain less than further steps do." if size == cap else ""
    need = f"{cost.seconds:.2g} s and {_gib(cost.peak_bytes)} on {machine.where}"
    return f"{how} takes {need}{budget}.{limit}"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.3g} min"


def _gib(size: float) -> str:
    return f"{size / 2**30:.2g} GiB"
