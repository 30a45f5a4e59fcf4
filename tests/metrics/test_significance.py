from itertools import product

import numpy as np
import pytest

from delineate.metrics.significance import bootstrap_p, holm, signed_rank

NAN = float("nan")


def test_signed_rank_agrees_with_every_assignment_of_signs():
    values = np.array([0.5, -0.1, 0.3, 0.7, 0.2, -0.05, 0.9])
    ranks = np.abs(values).argsort().argsort() + 1
    seen = ranks[values > 0].sum()
    sums = [sum(r for r, up in zip(ranks, ups, strict=True) if up)
            for ups in product((0, 1), repeat=7)]  # fmt: skip

    expected = 2 * np.mean([total >= seen for total in sums])

    assert signed_rank(values) == pytest.approx(expected)


def test_holm_is_that_of_the_hand():
    corrected = holm([0.01, 0.04, NAN, 0.03])

    assert corrected[:2] + corrected[3:] == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(corrected[2])


def test_p_of_the_bootstrap_counts_the_rarer_side_twice():
    assert bootstrap_p(np.array([1.0, 2.0, 3.0, -1.0])) == pytest.approx(2 * 2 / 5)
    assert bootstrap_p(np.zeros(9)) == 1
    assert np.isnan(bootstrap_p(np.zeros(0)))


def test_nothing_to_rank_has_no_p():
    assert np.isnan(signed_rank(np.zeros(0)))
    assert signed_rank(np.zeros(3)) == 1
