"""Begin with what another model has learnt, instead of at random."""

import logging
from typing import Any

from torch import Tensor, nn

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
        The plan with that network; with its slices too, unless the plan has several already.

    Raises:
        PlanError: If the model works along another number of axes.
    """
    if plan.dims != bundle.plan.dims:
        raise PlanError(
            f"{bundle.name} works along {bundle.plan.dims} axes, but these images have "
            f"{plan.dims}. Start from a model of such images, or from none."
        )
    reason = f"The network of {bundle.name}, with whose weights training begins."
    values: dict[str, Any] = {
        "model": bundle.plan.model,
        "model_options": bundle.plan.model_options,
    }
    if plan.slices == 1:
        values |= {"slices": bundle.plan.slices, "slice_step": bundle.plan.slice_step}
    return plan.deciding(reason, **values)


def take_weights(model: nn.Module, bundle: Bundle, *, slices: int = 1) -> int:
    """Copy every tensor that has the same name and shape; outputs may differ in number.

    A network of several slices that begins with one of a single slice reads each slice with
    that one's first layers, divided by the number: equal slices give what one gave.

    Args:
        model: A new network, changed in place.
        bundle: The model to begin with.
        slices: Slices that the new network sees.

    Returns:
        How many tensors were copied.

    Raises:
        PlanError: If less than half of the tensors fit: then nothing would be handed on.
    """
    own, theirs = model.state_dict(), dict(bundle.model.state_dict())
    if slices > 1 and bundle.plan.slices == 1:
        theirs = {name: _repeated(value, own.get(name), slices) for name, value in theirs.items()}
    fits = [name for name in own if name in theirs and own[name].shape == theirs[name].shape]
    if 2 * len(fits) < len(own):
        raise PlanError(
            f"{bundle.name} is another network: {len(fits)} of {len(own)} tensors fit. "
            "Leave --model out, so that the run takes the network of the model it starts from."
        )
    model.load_state_dict({**own, **{name: theirs[name] for name in fits}})
    log.info("Starting from %s: %d of %d tensors fit.", bundle.name, len(fits), len(own))
    return len(fits)


def _repeated(kernel: Tensor, wanted: Tensor | None, slices: int) -> Tensor:
    """Repeat a kernel over the slices of an image, if a kernel of such a size is wanted."""
    if wanted is None or kernel.ndim != 4 or wanted.shape[1] != slices * kernel.shape[1]:
        return kernel
    return kernel.repeat(1, slices, 1, 1) / slices
