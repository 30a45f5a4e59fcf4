"""Statistics are the usual ones, and short enough to read."""

import numpy as np
import pytest

from delineate.planning.spread import Intensity, Spread, tidy


def test_a_spread_summarises_each_axis():
    spread = Spread.of([(1, 10), (2, 20), (3, 60)])

    assert (spread.min, spread.median, spread.max) == ((1, 10), (2, 20), (3, 60))
    assert spread.p10 == pytest.approx((1.2, 12))


def test_intensities_are_summed_up_in_double_precision():
    values = np.full(200_000, 16_777_217.0, np.float64)

    assert Intensity.of(values).mean == 16_777_217.0


def test_numbers_for_people_have_five_digits():
    assert tidy(1234.5678) == 1234.6
    assert tidy(0.000123456) == 0.00012346
