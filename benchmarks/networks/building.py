"""From an arm and a task to a network and the package's own trainer."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from arms import Arm
from numpy.typing import NDArray
from tasks import Ready, make_ready
from torch import nn

from delineate.core.errors import DelineateError
from delineate.core.plan import Plan
from delineate.infer import bundle
from delineate.learn.batches import Batches
from delineate.learn.processes import Processes
from delineate.learn.sampling import find_presence, image_chances
from delineate.learn.supervised import Limit, Trainer
from delineate.models import MODELS, build_model


class NotYetError(Exception):
    """A network, an option or a calibration that a run needs is not there."""


def plan_arm(arm: Arm, ready: Ready) -> Plan:
    """Lay an arm over its task's plan."""
    plan = ready.plan
    changes = {
        name: {**getattr(plan, name), **value} if isinstance(value, Mapping) else value
        for name, value in arm.changes.items()
    }
    options = {**plan.model_options, **arm.options}
    if plan.model == "medsegformer" and plan.task == "instances":
        options = {"outputs": "instances", **options}
    if plan.model.startswith("deeplab"):
        options = {"size": list(plan.patch), **options}
    try:
        changed = replace(plan, model_options=options, **changes)
    except TypeError as error:
        raise NotYetError(f"The plan has no such field ({error}).") from error
    return grown(changed, arm) if arm.as_large_as else changed


def grown(plan: Plan, arm: Arm) -> Plan:
    """Widen the feed-forward layers until the network is as large as with other options."""
    wanted = num_parameters(replace(plan, model_options={**plan.model_options, **arm.as_large_as}))
    low, high = 1.0, 32.0
    for _ in range(12):
        middle = (low + high) / 2
        options = {**plan.model_options, "expansion": middle}
        if num_parameters(replace(plan, model_options=options)) < wanted:
            low = middle
        else:
            high = middle
    return replace(plan, model_options={**plan.model_options, "expansion": round(low, 3)})


def num_parameters(plan: Plan) -> int:
    """Count what a plan's network learns."""
    return sum(value.numel() for value in build(plan, 0, "cpu").parameters())


def prepare(task: str, arm: Arm, data: Path, work: Path) -> tuple[Ready, Plan]:
    """Plan and prepare, or say what is missing."""
    if arm.model not in MODELS:
        raise NotYetError(f"There is no network {arm.model!r} yet.")
    try:
        ready = make_ready(task, data, work, model=arm.model)
    except TypeError as error:
        raise NotYetError(f"{task} needs what the plan does not have ({error}).") from error
    return ready, plan_arm(arm, ready)


def build_network(plan: Plan) -> nn.Module:
    """Build as the package does, also where it does not know of slices yet."""
    if hasattr(bundle, "build_network"):
        return bundle.build_network(plan)
    outputs = bundle.num_outputs(plan)
    return build_model(plan.model, len(plan.channels), outputs, plan.dims, **plan.model_options)


def build(plan: Plan, seed: int, device: str) -> nn.Module:
    """Build the network with weights of a seed."""
    torch.manual_seed(seed)
    try:
        model = build_network(plan)
    except (DelineateError, TypeError, NotImplementedError) as error:
        raise NotYetError(f"{plan.model} with {plan.model_options}: {error}") from error
    return model.to(device)


def make_batches(ready: Ready, plan: Plan, seed: int) -> Batches:
    """Make the package's own batches; a weighted sampler is a choice of the plan."""
    store, ids = ready.store(plan), ready.division.training
    plain = Batches(store, ids, seed=seed)
    if plan.objective.get("sampler", "uniform") == "uniform":
        return plain
    return Batches(store, ids, seed=seed, chances=image_chances(presence_in(plain)))


def presence_in(batches: Batches) -> NDArray[np.bool_]:
    """Tell which classes each training case holds."""
    number = len(batches.plan.labels.labels)
    return find_presence(batches.cases, number, objects=batches.has_objects)


def make_trainer(batches: Batches, steps: int, seed: int, device: str) -> Trainer:
    """Make the package's own trainer."""
    plan = batches.plan
    model = build(plan, seed, device)
    limit = Limit(steps=steps)
    try:
        return Trainer(
            plan=plan,
            model=model,
            limit=limit,
            seed=seed,
            processes=Processes(),
            presence=presence_in(batches) if plan.objective else None,
        )
    except DelineateError as error:
        raise NotYetError(f"{plan.loss} with {plan.loss_options}: {error}") from error
