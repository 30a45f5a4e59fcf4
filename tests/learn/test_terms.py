"""Weights between the terms of a loss, with numbers computed by hand."""

import json
import math

import pytest
import torch

from delineate.core.errors import UnknownNameError
from delineate.learn.terms import TermWeights, average_shares


def terms(**values):
    return {name: torch.tensor(value, requires_grad=True) for name, value in values.items()}


def test_fixed_shares_are_factors():
    weights = TermWeights(["grids", "points"], shares={"points": 0.5})

    total = weights.total(terms(grids=2.0, points=3.0))

    assert float(total.detach()) == 3.5
    assert weights.groups() == []
    assert weights.row() == {}


def test_term_that_fell_less_weighs_more():
    shares = average_shares({"fast": 1.0, "slow": 3.0}, {"fast": 2.0, "slow": 3.0}, 2.0)

    powers = math.exp(0.25), math.exp(0.5)
    assert shares["fast"] == pytest.approx(2 * powers[0] / sum(powers))
    assert shares["slow"] == pytest.approx(2 * powers[1] / sum(powers))


def test_term_without_a_past_or_below_zero_counts_as_unchanged():
    shares = average_shares({"new": 5.0, "below": -1.0, "same": 2.0}, {"below": 2.0, "same": 2.0})

    assert list(shares.values()) == pytest.approx([1, 1, 1])


def test_falling_counts_from_the_third_period_on():
    weights = TermWeights(["fast", "slow"], mode="dwa")
    totals = []

    for fast in (4.0, 2.0, 1.0):
        totals.append(float(weights.total(terms(fast=fast, slow=3.0)).detach()))
        weights.close_period()
    totals.append(float(weights.total(terms(fast=1.0, slow=3.0)).detach()))

    low, high = math.exp(0.25), math.exp(0.5)
    expected = 2 * (low * 1 + high * 3) / (low + high)
    assert totals[:2] == [7.0, 5.0]
    assert totals[2:] == pytest.approx([expected, expected])
    assert weights.row()["term slow"] == pytest.approx(2 * high / (low + high))


def test_only_the_two_last_periods_count():
    weights = TermWeights(["fast", "slow"], mode="dwa")

    for fast in (99.0, 4.0, 1.0):
        weights.total(terms(fast=fast, slow=3.0))
        weights.close_period()

    low, high = math.exp(0.125), math.exp(0.5)
    assert weights.row()["term fast"] == pytest.approx(2 * low / (low + high))


def test_mean_of_a_period_is_over_its_steps_and_broken_ones_are_left_out():
    weights = TermWeights(["one"], mode="dwa")

    for value in (1.0, float("nan"), 3.0):
        weights.total(terms(one=value))
    weights.close_period()

    assert weights.periods == [{"one": 2.0}]


def test_learned_weight_settles_where_its_term_says():
    weights = TermWeights(["large", "small"], mode="kendall")
    optimiser = torch.optim.Adam(weights.groups(), lr=0.05)

    for _ in range(600):
        optimiser.zero_grad()
        weights.total(terms(large=4.0, small=0.5)).backward()
        optimiser.step()

    # The least of exp(-s) L + s is at s = ln L.
    settled = weights.log_variances.tolist()
    assert settled == pytest.approx([math.log(4), math.log(0.5)], abs=1e-3)
    assert weights.groups()[0]["weight_decay"] == 0


def test_learned_weight_is_held_in_its_range_and_can_come_back():
    weights = TermWeights(["one"], mode="kendall")
    with torch.no_grad():
        weights.log_variances.fill_(50.0)

    total = weights.total(terms(one=1.0))
    total.backward()

    assert float(total.detach()) == pytest.approx(math.exp(-3) + 3)
    assert weights.log_variances.grad[0] > 0


def test_term_that_does_not_come_changes_nothing():
    weights = TermWeights(["one", "two"], mode="kendall")

    weights.total(terms(one=1.0)).backward()

    assert weights.log_variances.grad.tolist() == [0, 0]  # at s = ln 1, and not asked


@pytest.mark.parametrize("mode", ["fixed", "kendall", "dwa"])
def test_state_goes_through_json_and_back(mode):
    first, second = (TermWeights(["one", "two"], mode=mode) for _ in range(2))
    for value in (3.0, 2.0, 1.5):
        first.total(terms(one=value, two=1.0))
        first.close_period()
    first.total(terms(one=1.0, two=1.0))
    with torch.no_grad():
        first.log_variances += 0.25

    second.restore(json.loads(json.dumps(first.state())))

    assert first.row() == second.row()
    for weights in (first, second):
        weights.close_period()
    totals = [float(weights.total(terms(one=2.0, two=3.0)).detach()) for weights in (first, second)]
    assert totals[0] == totals[1]


def test_unknown_words_are_refused():
    with pytest.raises(UnknownNameError, match="kendall"):
        TermWeights(["one"], mode="kendal")
    with pytest.raises(UnknownNameError, match="one"):
        TermWeights(["one"]).total(terms(ona=1.0))
