"""What a run may use: device, memory, threads and time, and how a step's cost is measured."""

from collections.abc import Callable
from dataclasses import dataclass

from delineate.core.plan import Plan

MEMORY_SHARE = 0.6
"""Share of the memory that one training step may take; the rest is for data and neighbours."""
MIN_STEPS = 250
"""Fewer optimiser steps than this do not train a network, whatever the batch."""
CPU_VOXELS_A_SECOND = 220_000.0
"""Voxels a thread trains on each second: a plain U-Net of width 32 in bfloat16, measured."""
COST_OF_WIDTH = 1.1
"""Power of the width that a step's time follows: widths 16 and 32, measured."""
GPU_VOXELS_A_SECOND = 20_000_000.0
"""The same for a graphics card; an assumption on the safe side."""
BYTES_A_VOXEL = 1_500.0
"""Memory that a training step takes for each voxel of the batch at width 32, estimated."""


@dataclass(frozen=True, kw_only=True)
class StepCost:
    """What one training step took when it was tried."""

    seconds: float
    """Wall-clock time, in seconds."""
    peak_bytes: int
    """Largest memory in use during the step, in bytes."""


Measure = Callable[[Plan], StepCost]
"""Tries one training step of a plan; raises MemoryError or BudgetError if it does not fit."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a run may use; the budget is part of it, since time is a resource too."""

    device: str = "cpu"
    """Name as torch has it, such as "cpu" or "cuda"."""
    memory_bytes: int = 8 * 2**30
    """Memory of the device, in bytes."""
    num_threads: int = 2
    """Threads that compute, for a CPU."""
    has_bf16: bool = True
    """True if the device multiplies bfloat16 fast."""
    budget_s: float | None = 1800.0
    """Seconds that training may take; None where only a number of steps is given."""
    num_steps: int | None = None
    """Optimiser steps that were asked for, or None."""
    measure: Measure | None = None
    """Tries a step; None leaves rules of thumb, which say so in their reasons."""

    @property
    def is_gpu(self) -> bool:
        """True if the device is a graphics card."""
        return not self.device.startswith("cpu")

    @property
    def where(self) -> str:
        """The device in words, for reasons."""
        if self.is_gpu:
            return f"one {self.device} device"
        return f"{self.num_threads} CPU thread{'s' if self.num_threads != 1 else ''}"

    def steps_in_budget(self, step_s: float) -> float:
        """Count the steps that the budget holds.

        Args:
            step_s: Time of one step, in seconds.

        Returns:
            Number of steps; infinite where steps, not minutes, were asked for.
        """
        if self.budget_s is None or self.num_steps is not None:
            return float("inf")
        return self.budget_s / max(step_s, 1e-6)

    def estimate(self, voxels: float, width: int) -> StepCost:
        """Guess the cost of a step by rule of thumb.

        Args:
            voxels: Voxels of the whole batch.
            width: Features of the network's first stage.

        Returns:
            The guess.
        """
        rate = GPU_VOXELS_A_SECOND if self.is_gpu else CPU_VOXELS_A_SECOND * self.num_threads
        seconds = voxels / rate * (width / 32) ** COST_OF_WIDTH
        return StepCost(seconds=seconds, peak_bytes=int(voxels * BYTES_A_VOXEL * width / 32))
