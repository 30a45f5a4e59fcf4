"""What a run may use, found out by looking: device, memory, threads, and what a step costs."""

import os
from pathlib import Path

import torch

from delineate.core.plan import Plan
from delineate.infer.device import choose_device, has_bf16
from delineate.learn.cost import measure_step
from delineate.planning import Machine, StepCost


def find_machine(
    device: str, *, budget_s: float | None, num_steps: int | None, is_measured: bool
) -> Machine:
    """Look at the device that a plan is for.

    Args:
        device: "auto", "cpu", "cuda" or "cuda:N".
        budget_s: Seconds that training may take.
        num_steps: Optimiser steps that were asked for, or None.
        is_measured: Whether planning may try a step.

    Returns:
        The machine, with a way to try a step if it may.
    """
    place = choose_device(device)

    def measure(candidate: Plan) -> StepCost:
        seconds, peak_bytes = measure_step(candidate, place)
        return StepCost(seconds=seconds, peak_bytes=peak_bytes)

    memory = _ram_bytes()
    if place.type == "cuda":
        memory = torch.cuda.get_device_properties(place).total_memory
    return Machine(
        device=str(place),
        memory_bytes=memory,
        num_threads=torch.get_num_threads(),
        has_bf16=has_bf16(place),
        budget_s=budget_s,
        num_steps=num_steps,
        measure=measure if is_measured else None,
    )


def _ram_bytes() -> int:
    # A container may be allowed less than the machine has.
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return physical
    return min(physical, int(limit)) if limit.isdigit() else physical
