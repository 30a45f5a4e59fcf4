"""The unified focal loss: its limits."""

import pytest
import torch

from delineate.losses.overlap import tversky_loss
from delineate.losses.pixel import cross_entropy_loss
from delineate.losses.unified_focal import unified_focal_loss


@pytest.mark.parametrize("kind", ["classes", "layers"])
def test_nothing_let_go_and_even_weights_are_half_cross_entropy_and_dice(kind):
    logits = torch.randn(2, 3, 6, 7)
    shape = (2, 6, 7) if kind == "classes" else (2, 3, 6, 7)
    target = torch.randint(0, 2, shape)

    loss = unified_focal_loss(logits, target, gamma=0, delta=0.5, balance=0.4)

    overlap = tversky_loss(logits, target, alpha=0.5, beta=0.5, background=True)
    expected = 0.4 * 0.5 * cross_entropy_loss(logits, target) + 0.6 * overlap
    assert float(loss) == pytest.approx(float(expected), abs=1e-6)


def test_easy_background_is_let_go_and_easy_foreground_is_not():
    logits = torch.tensor([2.0, 0.0]).reshape(1, 2, 1)  # chances 0.880797 and 0.119203
    options = {"balance": 1.0, "delta": 0.6, "gamma": 0.5}

    background = unified_focal_loss(logits, torch.tensor([[0]]), **options)
    foreground = unified_focal_loss(-logits, torch.tensor([[1]]), **options)

    assert float(background) == pytest.approx(0.4 * 0.119203**0.5 * 0.126928, abs=1e-5)
    assert float(foreground) == pytest.approx(0.6 * 0.126928, abs=1e-5)


@pytest.mark.parametrize("kind", ["classes", "layers"])
def test_foreground_is_raised_to_a_power_and_background_is_not(kind):
    logits = torch.randn(2, 3, 6, 7)
    shape = (2, 6, 7) if kind == "classes" else (2, 3, 6, 7)
    target = torch.randint(0, 2, shape)

    loss = unified_focal_loss(logits, target, balance=0.0, delta=0.7, gamma=0.4)

    options = {"alpha": 0.3, "beta": 0.7, "background": True}
    powers = [1.0 if kind == "classes" else 0.6, 0.6, 0.6]
    costs = [
        float(tversky_loss(logits, target, class_weights=[k == 0, k == 1, k == 2], **options))
        ** power
        for k, power in enumerate(powers)
    ]
    assert float(loss) == pytest.approx(sum(costs) / 3, abs=1e-6)
