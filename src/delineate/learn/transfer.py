"""Begin with what another model has learnt, instead of at random."""

import logging

from torch import nn

from delineate.core.errors import PlanError
from delineate.core.plan import Plan
from delineate.infer.bundle import Bundle

log = logging.getLogger("delineate")


def plan_like(plan: Plan, bundle: Bundle) -> Plan:
    """Plan the network that the other model has, so that its weights fit.

    Args:
        plan: The plan of the new run.
        bundle: The model to begin with.

    Returns:
        The plan with that network.

    Raises:
        PlanError: If the model works along another number of axes.
    """
    if plan.dims != bundle.plan.dims:
        raise PlanError(
            f"{bundle.name} works along {bundle.plan.dims} axes, but these images have "
            f"{plan.dims}. Start from a model of such images, or from none."
        )
    reason = f"The network of {bundle.name}, with whose weights training begins."
    return plan.deciding(reason, model=bundle.plan.model, model_options=bundle.plan.model_options)


def take_weights(model: nn.Module, bundle: Bundle) -> int:
    """Copy every tensor that has the same name and shape; outputs may differ in number.

    Args:
        model: A new network, changed in place.
        bundle: The model to begin with.

    Returns:
        How many tensors were copied.

    Raises:
        PlanError: If less than half of the tensors fit: then nothing would be handed on.
    """
    own, theirs = model.state_dict(), bundle.model.state_dict()
    fits = [name for name in own if name in theirs and own[name].shape == theirs[name].shape]
    if 2 * len(fits) < len(own):
        raise PlanError(
            f"{bundle.name} is another network: {len(fits)} of {len(own)} tensors fit. "
            "Leave --model out, so that the run takes the network of the model it starts from."
        )
    model.load_state_dict({**own, **{name: theirs[name] for name in fits}})
    log.info("Starting from %s: %d of %d tensors fit.", bundle.name, len(fits), len(own))
    return len(fits)
