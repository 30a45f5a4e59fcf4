"""Evidence: against torch's Dirichlet distribution, and by hand."""

import math

import pytest
import torch
from torch.distributions import Dirichlet, kl_divergence
from torch.nn.functional import softplus

from delineate.losses.evidential import divergence_from_even, evidential_loss


def test_divergence_is_torch_s():
    strength = torch.rand(2, 4, 3, 3, dtype=torch.float64) * 5 + 0.5
    each = strength.movedim(1, -1)

    expected = kl_divergence(Dirichlet(each), Dirichlet(torch.ones_like(each)))

    assert torch.allclose(divergence_from_even(strength), expected)


def test_likelihood_is_that_of_the_mean_of_the_distribution():
    logits, target = torch.randn(1, 3, 2, 2), torch.randint(0, 3, (1, 2, 2))
    strength = softplus(logits) + 1
    means = strength / strength.sum(1, keepdim=True)

    loss = evidential_loss(logits, target, kl_weight=0)

    expected = -means.gather(1, target[:, None]).log().mean()
    assert float(loss) == pytest.approx(float(expected), abs=1e-6)


def test_expected_risk_is_the_mean_of_draws():
    logits, target = torch.randn(3, 1), torch.tensor([[1]])
    draws = Dirichlet(softplus(logits[:, 0]) + 1).sample((200_000,))

    loss = evidential_loss(logits[None], target, kl_weight=0, risk="expected")

    assert float(loss) == pytest.approx(float(-draws[:, 1].log().mean()), rel=0.02)


def test_evidence_for_the_truth_is_free_and_for_the_rest_is_not():
    right = torch.tensor([9.0, -9.0, -9.0]).reshape(1, 3, 1)
    target = torch.zeros(1, 1, dtype=torch.long)

    free = evidential_loss(right, target, kl_weight=1) - evidential_loss(right, target, kl_weight=0)
    paid = evidential_loss(right, target + 1, kl_weight=1) - evidential_loss(
        right, target + 1, kl_weight=0
    )

    assert float(free) == pytest.approx(0, abs=1e-3)
    assert float(paid) > 1


def test_layer_weighs_evidence_for_and_against():
    logits, target = torch.tensor([2.0]).reshape(1, 1, 1), torch.ones(1, 1, 1).long()
    mine, other = math.log1p(math.exp(2)) + 1, math.log1p(math.exp(-2)) + 1

    loss = evidential_loss(logits, target, kl_weight=0)

    assert float(loss) == pytest.approx(math.log((mine + other) / mine), abs=1e-6)
