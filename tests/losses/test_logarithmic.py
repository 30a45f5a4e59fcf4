"""Logarithms of overlap against their definitions."""

import math

import pytest
import torch

from delineate.losses.logarithmic import log_dice_loss, log_jaccard_loss
from delineate.losses.overlap import dice_loss, tversky_loss


def sample():
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(2, 3, 6, 7, generator=generator)
    return logits, torch.randint(0, 3, (2, 6, 7), generator=generator)


def test_log_dice_is_a_power_of_the_logarithm_of_dice():
    logits, target = sample()
    scores = [1 - dice_loss(logits, target, class_weights=[0, k == 1, k == 2]) for k in (1, 2)]

    loss = log_dice_loss(logits, target, exponent=0.3)

    expected = sum((-math.log(float(score))) ** 0.3 for score in scores) / 2
    assert float(loss) == pytest.approx(expected, abs=1e-6)


def test_log_jaccard_is_minus_the_logarithm_of_jaccard():
    logits, target = sample()
    options = {"alpha": 1, "beta": 1}
    scores = [
        1 - tversky_loss(logits, target, class_weights=[0, k == 1, k == 2], **options)
        for k in (1, 2)
    ]

    loss = log_jaccard_loss(logits, target)

    expected = -sum(math.log(float(score)) for score in scores) / 2
    assert float(loss) == pytest.approx(expected, abs=1e-6)


def test_missed_class_is_pulled_harder_than_by_dice():
    target = torch.zeros(1, 16, 16, dtype=torch.long)
    target[:, :4, :4] = 1
    logits = torch.stack([torch.full((1, 16, 16), 4.0), torch.full((1, 16, 16), -4.0)], dim=1)
    logits.requires_grad_()

    pulls = [
        torch.autograd.grad(loss(logits, target), logits)[0].norm()
        for loss in (log_jaccard_loss, dice_loss)
    ]

    assert pulls[0] > 3 * pulls[1]


@pytest.mark.parametrize("loss", [log_dice_loss, log_jaccard_loss])
def test_absent_class_is_pushed_away_or_left_out(loss):
    logits, target = sample()
    target[target == 2] = 0

    kept, skipped = loss(logits, target), loss(logits, target, absent="skip")

    assert float(skipped) == pytest.approx(float(loss(logits, target, class_weights=[0, 1, 0])))
    assert float(kept) > float(skipped)
