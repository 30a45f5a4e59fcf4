"""The machine of a plan is found by looking and by a real step."""

import os
from dataclasses import replace

import pytest
import torch

from delineate.core.errors import DelineateError
from delineate.learn.resources import find_machine


def look(**changes):
    asked = {"budget_s": 60.0, "num_steps": None, "is_measured": False}
    return find_machine("cpu", **{**asked, **changes})


def test_the_machine_is_measured_by_a_real_step(plan):
    cost = look(is_measured=True).measure(replace(plan, batch_size=1))

    assert cost.seconds > 0
    assert cost.peak_bytes > 1000


def test_a_step_of_several_slices_is_measured_with_all_of_them(plan):
    flat = replace(plan, dims=2, patch=(64, 64))
    machine = look(is_measured=True)

    one, many = (machine.measure(replace(flat, slices=count)).peak_bytes for count in (1, 9))

    assert many > one


def test_nothing_is_tried_unless_it_is_asked_for():
    machine = look(num_steps=7)

    assert machine.measure is None
    assert (machine.device, machine.budget_s, machine.num_steps) == ("cpu", 60.0, 7)
    assert machine.num_threads == torch.get_num_threads()
    assert 0 < machine.memory_bytes <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_a_device_that_is_not_there_is_an_error():
    with pytest.raises(DelineateError, match="device"):
        find_machine("toaster", budget_s=None, num_steps=1, is_measured=False)
