"""Losses with learned noise: limits, seeds, and what noise is good for."""

import pytest
import torch

from delineate.core.errors import ShapeError
from delineate.losses.aleatoric import aleatoric_loss, noisy_regression_loss
from delineate.losses.pixel import cross_entropy_loss


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def sample(kind="classes"):
    logits = torch.randn(2, 3, 6, 7, generator=seeded(1))
    shape = (2, 6, 7) if kind == "classes" else (2, 3, 6, 7)
    return logits, torch.randint(-1, 2, shape, generator=seeded(2))


@pytest.mark.parametrize("kind", ["classes", "layers"])
def test_no_noise_is_cross_entropy(kind):
    logits, target = sample(kind)

    loss = aleatoric_loss(logits, torch.full_like(logits, -99), target, generator=seeded())

    # The variance is cut at exp(-7), so a little noise is left.
    assert float(loss) == pytest.approx(float(cross_entropy_loss(logits, target)), abs=0.02)


def test_many_draws_come_near_the_integral():
    logits = torch.zeros(1, 1, 1)  # one layer, one voxel
    target = torch.ones(1, 1, 1).long()
    nodes = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    bell = torch.exp(-(nodes**2) / 2)
    chance = float((bell * (nodes * 2 + 1).sigmoid()).sum() / bell.sum())

    loss = aleatoric_loss(
        logits + 1, torch.full((1, 1, 1), 4.0).log(), target, samples=20000, generator=seeded()
    )

    assert float(loss) == pytest.approx(-torch.tensor(chance).log().item(), abs=0.01)


def test_same_seed_same_loss():
    logits, target = sample()
    noise = torch.zeros(2, 1, 6, 7)

    first, second = (
        float(aleatoric_loss(logits, noise, target, generator=seeded(3))) for _ in range(2)
    )

    assert first == second


def test_noise_is_raised_where_the_truth_is_wrong_and_lowered_where_right():
    logits = torch.tensor([4.0, -4.0]).reshape(1, 2, 1).repeat(1, 1, 2)
    target = torch.tensor([[1, 0]])  # the first voxel is mislabelled
    noise = torch.zeros(1, 1, 2, requires_grad=True)

    aleatoric_loss(logits, noise, target, samples=64, generator=seeded()).backward()

    assert noise.grad[0, 0, 0] < 0
    assert noise.grad[0, 0, 1] > 0


def test_gradient_is_that_of_differences():
    logits, target = (part[:1, ..., :3] for part in sample())
    noise = torch.randn(1, 3, 6, 3, generator=seeded(4), dtype=torch.float64, requires_grad=True)

    def cost(scores, spread):
        return aleatoric_loss(scores, spread, target, samples=3, generator=seeded(5))

    assert torch.autograd.gradcheck(cost, (logits.double().requires_grad_(), noise))


def test_ignored_voxels_change_nothing():
    logits, target = sample()
    other = torch.where((target == -1)[:, None], 7.0, logits)
    noise = torch.zeros_like(logits)

    costs = [aleatoric_loss(entry, noise, target, generator=seeded()) for entry in (logits, other)]

    assert float(costs[0]) == pytest.approx(float(costs[1]), abs=1e-7)
    assert float(aleatoric_loss(logits, noise, torch.full_like(target, -1))) == 0


def test_bfloat16_is_close_to_float32():
    logits, target = sample()
    noise = torch.zeros_like(logits)

    exact, rough = (
        float(aleatoric_loss(entry, noise.to(entry), target, generator=seeded()))
        for entry in (logits, logits.bfloat16())
    )

    assert rough == pytest.approx(exact, rel=0.01)


def test_regression_is_least_where_the_variance_is_the_squared_error():
    error = 0.8
    costs = {}

    for spread in torch.linspace(-3, 2, 51).tolist():
        number = torch.full((1, 1, 1), spread)
        costs[spread] = float(
            noisy_regression_loss(torch.zeros(1, 1, 1), number, torch.full((1, 1, 1), error))
        )

    best = min(costs, key=costs.get)
    assert best == pytest.approx(2 * torch.tensor(error).log().item(), abs=0.06)


def test_regression_by_hand_with_and_without_heavy_tails():
    zero, number = torch.zeros(1, 1, 2), torch.tensor([2.0, 100.0]).reshape(1, 1, 2)
    known = torch.tensor([True, False]).reshape(1, 1, 2)

    normal = noisy_regression_loss(zero, zero + 1, number, valid=known)
    heavy = noisy_regression_loss(zero, zero + 1, number, valid=known, heavy_tails=True)

    assert float(normal) == pytest.approx((4 * 0.3678794 + 1) / 2, abs=1e-5)
    assert float(heavy) == pytest.approx(2 * 0.3678794 + 1, abs=1e-5)


def test_noise_of_another_shape_is_refused():
    logits, target = sample()

    with pytest.raises(ShapeError, match="log_variance"):
        aleatoric_loss(logits, torch.zeros(2, 2, 6, 7), target)
