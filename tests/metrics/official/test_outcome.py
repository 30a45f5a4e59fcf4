import math

import pytest

from delineate.metrics.official import SCORERS
from delineate.metrics.official.outcome import Mean, mean_of, official_quality

SETTINGS = {"msd": {"tolerances_mm": {"organ": 1.0}, "classes": {"organ": 1}}}
"""What a scorer cannot do without."""


@pytest.mark.parametrize("name", SCORERS)
def test_every_scorer_says_its_name_and_convention_before_any_case(name):
    outcome = SCORERS[name](**SETTINGS.get(name, {})).result()

    assert outcome.scorer == name
    assert outcome.convention.endswith(".")
    assert all(math.isnan(value) or value == 0 for value in outcome.scores.values())
    assert set(outcome.counts.values()) == {0}


@pytest.mark.parametrize("name", SCORERS)
def test_every_key_is_the_scorers_file(name):
    assert SCORERS[name].__module__ == f"delineate.metrics.official.{name}"


def test_means_leave_nan_out_and_can_be_joined():
    one, other = Mean(), Mean()
    for value in (1.0, math.nan, 2.0):
        one.add(value)
    other.add(6.0)

    one.join(other)

    assert (one.value, one.count) == (3.0, 3)
    assert math.isnan(mean_of([math.nan]))


def test_official_quality_of_a_perfect_image_is_a_hair_below_one():
    assert official_quality(1, 0, 1.0) == pytest.approx(0.999999, abs=1e-9)
    assert official_quality(0, 3, 0.0) == 0.0
    assert official_quality(0, 0, 0.0) == 0.0
