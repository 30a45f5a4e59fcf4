"""A machine knows how many steps its budget holds."""

import pytest

from delineate.planning import Machine


def test_the_budget_holds_as_many_steps_as_fit():
    assert Machine(budget_s=600).steps_in_budget(2.0) == 300


def test_a_number_of_steps_needs_no_time():
    assert Machine(num_steps=50).steps_in_budget(1e9) == float("inf")


def test_the_estimate_grows_with_voxels_and_a_little_more_than_with_width():
    batch = 4 * 40 * 56 * 40
    small, wide, double = (
        Machine().estimate(*given) for given in ((batch, 16), (batch, 32), (2 * batch, 32))
    )

    assert wide.seconds == pytest.approx(0.815, abs=0.005)  # 2 threads of 220,000 voxels a second
    assert wide.seconds / small.seconds == pytest.approx(2.14, abs=0.01)  # 2 to the power of 1.1
    assert double.seconds == pytest.approx(2 * wide.seconds)
    assert small.peak_bytes < wide.peak_bytes < double.peak_bytes


def test_a_machine_says_what_it_is():
    assert Machine().where == "2 CPU threads"
    assert Machine(device="cuda").where == "one cuda device"
