"""The learning rate over a run."""

from itertools import pairwise

import pytest

from delineate.learn.schedule import schedule


def test_schedule_rises_then_falls_to_nearly_nothing():
    rates = [schedule(share / 100, 0.1) for share in range(101)]

    assert rates[10] == pytest.approx(1.0)
    assert all(later >= before for before, later in pairwise(rates[:11]))
    assert all(later <= before for before, later in pairwise(rates[10:]))
    assert 0 < rates[-1] < 0.01
