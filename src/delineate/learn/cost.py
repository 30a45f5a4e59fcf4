"""What one training step costs, found out by taking it."""

from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from delineate.core.errors import BudgetError
from delineate.core.plan import Plan
from delineate.infer.bundle import build_network, num_inputs, num_outputs
from delineate.learn.batches import Batch
from delineate.learn.processes import Processes
from delineate.learn.supervised import Limit, Trainer


class _Noise:
    """Batches of noise: as costly as real ones, and there before any data are."""

    def __init__(self, plan: Plan) -> None:
        rng = np.random.default_rng(0)
        shape = (plan.batch_size, num_inputs(plan), *plan.patch)
        self.image = torch.from_numpy(rng.normal(size=shape).astype(np.float32))
        outputs = num_outputs(plan)
        target: NDArray[Any]
        if plan.task == "instances":
            target = rng.integers(0, 2, (plan.batch_size, 4, *plan.patch)).astype(np.float32)
        elif plan.labels.is_exclusive:
            target = rng.integers(0, outputs, (plan.batch_size, *plan.patch))
        else:
            target = rng.integers(0, 2, (plan.batch_size, outputs, *plan.patch))
        self.target = torch.from_numpy(target)

    def draw(self, step: int) -> Batch:
        del step
        return Batch(image=self.image, target=self.target)


def measure_step(plan: Plan, device: torch.device) -> tuple[float, int]:
    """Take two training steps on noise; time the second and add up what it holds.

    On a GPU the allocator says how much memory the step took. A CPU has no such counter, so
    everything that the backward pass keeps is added up, together with weights, gradients
    and the optimiser's state, and a quarter more for what convolutions need for a moment.

    Args:
        plan: The plan; its batch size and patch are tried as they are.
        device: Where to train.

    Returns:
        Seconds per step and bytes of memory.

    Raises:
        BudgetError: If the step does not fit into the device's memory.
    """
    try:
        return _measure(plan, device)
    except (MemoryError, torch.cuda.OutOfMemoryError) as error:
        raise BudgetError(
            f"One step with patch {plan.patch} and batch {plan.batch_size} does not fit into the "
            f"memory of {device}. Make patch or batch_size smaller in plan.yaml."
        ) from error


def _measure(plan: Plan, device: torch.device) -> tuple[float, int]:
    model = build_network(plan).to(device)
    noise = _Noise(plan)
    once: dict[str, Any] = {"limit": Limit(steps=2), "seed": 0, "processes": Processes()}
    trainer = Trainer(plan=plan, model=model, unlabelled=noise, **once)
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        trainer.train_step(noise, 0.5)
    start = perf_counter()
    trainer.train_step(noise, 0.5)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return perf_counter() - start, torch.cuda.max_memory_allocated(device)
    weights = sum(value.nbytes for value in model.state_dict().values())
    return perf_counter() - start, round(1.25 * (sum(kept.values()) + 5 * weights))
