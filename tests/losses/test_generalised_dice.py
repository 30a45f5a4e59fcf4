"""Generalised Dice against its formula."""

import pytest
import torch

from delineate.core.errors import UnknownNameError
from delineate.losses.generalised_dice import generalised_dice_loss

TARGET = torch.tensor([[[0, 0, 0, 0], [0, 0, 1, 1]]])


def test_weights_are_squares_of_sizes():
    logits = torch.zeros(1, 2, 2, 4)  # all chances are a half

    loss = generalised_dice_loss(logits, TARGET, smooth=1e-12)

    # Sizes 6 and 2, so weights 1/36 and 1/4; hits 3 and 1; sums 4 + 6 and 4 + 2.
    expected = 1 - 2 * (3 / 36 + 1 / 4) / (10 / 36 + 6 / 4)
    assert float(loss) == pytest.approx(expected, abs=1e-6)


def test_absent_class_takes_the_largest_weight_or_none():
    logits = torch.zeros(1, 3, 2, 4)  # all chances are a third

    kept = generalised_dice_loss(logits, TARGET, weighting="simple", smooth=1e-12)
    skipped = generalised_dice_loss(logits, TARGET, weighting="simple", smooth=1e-12, absent="skip")

    hit = 2 * (2 / 6 + (2 / 3) / 2)
    size = (8 / 3 + 6) / 6 + (8 / 3 + 2) / 2
    assert float(skipped) == pytest.approx(1 - hit / size, abs=1e-6)
    assert float(kept) == pytest.approx(1 - hit / (size + (8 / 3) / 2), abs=1e-6)


def test_rare_class_pulls_harder_than_in_plain_sums():
    target = torch.zeros(1, 16, 16, dtype=torch.long)
    target[:, :2, :2] = 1
    logits = torch.zeros(1, 2, 16, 16, requires_grad=True)
    pulls = {}

    for weighting in ("square", "uniform"):
        loss = generalised_dice_loss(logits, target, weighting=weighting)
        pulls[weighting] = torch.autograd.grad(loss, logits)[0][0, 1, :2, :2].abs().sum()

    assert pulls["square"] > 2 * pulls["uniform"]


def test_unknown_weighting_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="'square'"):
        generalised_dice_loss(torch.zeros(1, 2, 2, 4), TARGET, weighting="squared")
