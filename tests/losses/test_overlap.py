"""Dice and Tversky against their definitions."""

import pytest
import torch

from delineate.losses.overlap import dice_loss, soft_counts, tversky_loss


def sample():
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(2, 3, 6, 7, generator=generator)
    return logits, torch.randint(0, 3, (2, 6, 7), generator=generator)


def test_equal_weights_make_tversky_dice():
    logits, target = sample()

    half = tversky_loss(logits, target, alpha=0.5, beta=0.5, smooth=0.5)

    assert float(half) == pytest.approx(float(dice_loss(logits, target, smooth=1.0)), abs=1e-7)


def test_dice_follows_its_formula_written_in_loops():
    logits, target = sample()
    chances = logits.softmax(1)

    scores = []
    for place in (1, 2):
        chance, truth = chances[:, place], (target == place).float()
        scores.append((2 * (chance * truth).sum() + 1) / (chance.sum() + truth.sum() + 1))

    assert float(dice_loss(logits, target)) == pytest.approx(1 - float(sum(scores)) / 2, abs=1e-6)


def test_beta_punishes_misses():
    target = torch.ones(1, 4, 4, dtype=torch.long)
    target[:, :2] = 0
    silent = torch.stack([torch.full((1, 4, 4), 3.0), torch.full((1, 4, 4), -3.0)], dim=1)

    assert tversky_loss(silent, target, beta=0.9) > tversky_loss(silent, target, beta=0.1)


def test_counts_add_up_to_probabilities_and_truth():
    logits, target = sample()

    hit, extra, missed = soft_counts(logits, target)

    assert torch.allclose(hit + extra, logits.softmax(1).sum((0, 2, 3)))
    assert torch.allclose(hit + missed, torch.bincount(target.flatten(), minlength=3).float())


def test_gradient_is_right_to_double_precision():
    logits = torch.randn(1, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    target = torch.randint(0, 3, (1, 3, 3))

    # The loss computes in float32, hence the wide step and tolerance.
    assert torch.autograd.gradcheck(
        lambda value: tversky_loss(value, target).double(), logits, eps=1e-2, atol=5e-3
    )
