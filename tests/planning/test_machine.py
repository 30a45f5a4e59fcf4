"""A machine knows how many steps its budget holds."""

import pytest

from delineate.planning import Machine


def test_the_budget_holds_as_many_steps_as_fit():
    assert Machine(budget_s=600).steps_in_budget(2.0) == 300


def test_a_number_of_steps_needs_no_time():
    assert Machine(num_steps=50).steps_in_budget(1e9) == float("inf")


def test_the_estimate_grows_with_voxels_and_width():
    small, wide = (Machine().estimate(717_000, width) for width in (16, 32))

    assert wide.seconds == pytest.approx(1.43, abs=0.05)  # measured: batch 8 of 40 x 56 x 40
    assert small.seconds < wide.seconds
    assert small.peak_bytes < wide.peak_bytes


def test_a_machine_says_what_it_is():
    assert Machine().where == "2 CPU threads"
    assert Machine(device="cuda").where == "one cuda device"
