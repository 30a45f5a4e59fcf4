"""Weights of classes, with numbers computed by hand."""

import json

import numpy as np
import pytest
import torch

from delineate.core.errors import PlanError, UnknownNameError
from delineate.learn.balance import (
    ClassBalance,
    bound,
    effective_number,
    performance_weights,
    tversky_weights,
)
from delineate.losses import get_loss
from delineate.losses.overlap import soft_counts


def counts(hit, extra, missed):
    return [torch.tensor(values, dtype=torch.float32) for values in (hit, extra, missed)]


def balance(**options):
    return ClassBalance(
        **{"names": ("background", "liver", "tumour"), "counts": (100, 100, 100), **options}
    )


def test_effective_numbers_are_those_of_the_formula():
    weights = effective_number([1, 10, 1000], beta=0.9)

    raw = np.array([1, 0.1 / (1 - 0.9**10), 0.1])  # 1, 0.153534, 0.1
    assert np.allclose(weights, raw / raw.mean())


def test_pixels_as_counts_would_weigh_all_alike():
    assert np.allclose(effective_number([10**6, 10**8]), 1)


def test_unseen_class_counts_as_seen_once():
    assert np.array_equal(effective_number([0, 50]), effective_number([1, 50]))


@pytest.mark.parametrize("weights", [[1, 1, 1], [1e-9, 1, 3], [0.2, 5, 0.3], [1, 1e6, 2]])
def test_bounded_weights_have_mean_one_and_keep_their_order(weights):
    cut = bound(np.array(weights, dtype=float))

    assert cut.mean() == pytest.approx(1, abs=1e-9)
    assert cut.min() >= 0.2
    assert cut.max() <= 5
    assert (np.argsort(cut, kind="stable") == np.argsort(weights, kind="stable")).all()


def test_what_is_within_the_range_is_only_scaled():
    assert np.allclose(bound(np.array([2.0, 4.0])), [2 / 3, 4 / 3])


def test_class_that_is_done_badly_weighs_more():
    weights = performance_weights(np.ones(2), np.array([0.9, 0.3]))

    # Factors 0.2 and 0.8, mean 0.5.
    assert np.allclose(weights, [0.4, 1.6])


def test_class_not_met_yet_weighs_as_the_mean_of_the_others():
    weights = performance_weights(np.ones(3), np.array([0.9, 0.3, np.nan]), kappa=2)

    raw = np.array([0.04, 0.64, 0.34])
    assert np.allclose(weights, bound(raw))


def test_nothing_met_yet_leaves_the_prior():
    assert np.allclose(performance_weights(np.array([0.5, 1.5]), np.full(2, np.nan)), [0.5, 1.5])


def test_misses_weigh_their_share_of_errors_within_bounds():
    alpha, beta = tversky_weights(np.array([40.0, 99.0, 0.0, 1.0]), np.array([60.0, 1, 0, 99]))

    assert np.allclose(beta, [0.6, 0.3, 0.7, 0.8])
    assert np.allclose(alpha + beta, 1)


def test_running_dice_follows_its_decay_and_only_where_the_class_is_present():
    scales = balance(decay=0.5)
    scales.update(*counts([8, 4, 0], [1, 4, 3], [1, 4, 0]))  # Dice 16/18 and 1/2; no tumour
    scales.update(*counts([8, 1, 1], [0, 0, 0], [0, 0, 6]))  # 1, 1, 1/4

    assert scales.dice == pytest.approx([(16 / 18 + 1) / 2, 0.75, 0.25])
    assert scales.extra == pytest.approx([0.5, 2, 0])
    assert scales.missed == pytest.approx([0.5, 2, 6])
    assert scales.met == [2, 2, 1]


def test_prior_rules_until_an_epoch_is_over():
    scales = balance(begin=2, counts=(100, 100, 5))
    prior = torch.tensor(bound(effective_number((100, 100, 5))), dtype=torch.float32)

    scales.update(*counts([8, 1, 1], [0, 0, 0], [0, 8, 0]))
    before = scales.options()["class_weights"]
    scales.update(*counts([8, 1, 1], [0, 0, 0], [0, 8, 0]))
    after = scales.options()["class_weights"]

    assert torch.allclose(before, prior)
    assert after[1] > before[1]
    assert float(after.mean()) == pytest.approx(1, abs=1e-6)


def test_static_weights_stay_and_none_gives_none():
    static, none = balance(mode="static", counts=(100, 100, 5)), balance(mode="none")
    first = static.options()["class_weights"]

    for scales in (static, none):
        scales.update(*counts([8, 1, 1], [0, 0, 0], [0, 8, 0]))

    assert torch.equal(static.options()["class_weights"], first)
    assert first[2] > first[0]
    assert none.options() == {}
    assert none.row() == {}


def test_adaptive_tversky_gives_alpha_and_beta_that_the_loss_takes():
    scales = balance(mode="none", adaptive=True)
    scales.update(*counts([8, 4, 1], [3, 1, 0], [1, 9, 0]))
    logits, target = torch.randn(1, 3, 4, 4), torch.randint(0, 3, (1, 4, 4))

    options = scales.options()

    assert options["beta"].tolist() == pytest.approx([0.3, 0.8, 0.7])
    assert torch.isfinite(get_loss("tversky_ce")(logits, target, **options))


def test_broken_step_teaches_nothing():
    scales = balance()
    scales.update(*counts([8, 4, 1], [3, 1, 0], [1, 9, 0]))
    before = list(scales.dice)

    scales.update(*counts([float("nan")] * 3, [1, 1, 1], [1, 1, 1]))

    assert scales.dice == before


def test_validation_can_speak_instead_of_training_crops():
    scales = balance()
    scales.observe([0.9, 0.3, float("nan")])

    assert scales.dice == [0.9, 0.3, 0.0]
    assert scales.met == [1, 1, 0]


def test_state_goes_through_json_and_back():
    first, second = balance(adaptive=True), balance(adaptive=True)
    first.update(*counts([8, 4, 1], [3, 1, 0], [1, 9, 0]))

    second.restore(json.loads(json.dumps(first.state())))
    for scales in (first, second):
        scales.update(*counts([1, 4, 2], [3, 1, 3], [1, 2, 0]))

    assert first.row() == second.row()
    assert set(first.row()) == {
        f"{option} {name}"
        for option in ("class_weights", "beta")
        for name in ("background", "liver", "tumour")
    }


def test_weights_move_to_the_class_that_a_network_misses():
    torch.manual_seed(0)
    target = torch.zeros(1, 16, 16, dtype=torch.long)
    target[:, :8, :8], target[:, 14:, 14:] = 1, 2
    logits = torch.nn.functional.one_hot(target.clamp_max(1), 3).movedim(-1, 1) * 8.0
    scales = balance()

    for _ in range(5):
        scales.update(*soft_counts(logits, target))

    weights = scales.options()["class_weights"]
    assert weights[2] > 3 * weights[1]


def test_wrong_words_and_numbers_are_refused():
    with pytest.raises(UnknownNameError, match="dynamic"):
        balance(mode="dynamical")
    with pytest.raises(PlanError, match="3 numbers"):
        balance(counts=(1, 2))
