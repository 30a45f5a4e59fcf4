"""Sums of losses and of scales."""

import pytest
import torch

from delineate.losses.compound import deep_supervision, dice_ce_loss, tversky_ce_loss
from delineate.losses.overlap import dice_loss, tversky_loss
from delineate.losses.pixel import cross_entropy_loss


def sample():
    return torch.randn(1, 3, 8, 9), torch.randint(0, 3, (1, 8, 9))


def test_compound_is_the_sum_of_its_parts():
    logits, target = sample()

    with_dice = cross_entropy_loss(logits, target) + 2 * dice_loss(logits, target)
    with_tversky = cross_entropy_loss(logits, target) + tversky_loss(logits, target)

    assert float(dice_ce_loss(logits, target, dice_weight=2)) == pytest.approx(float(with_dice))
    assert float(tversky_ce_loss(logits, target)) == pytest.approx(float(with_tversky))


def test_one_scale_is_the_loss_itself():
    logits, target = sample()

    assert float(deep_supervision([logits], target, dice_loss)) == pytest.approx(
        float(dice_loss(logits, target))
    )


def test_scales_are_weighed_by_halves_and_match_odd_sizes():
    logits, target = sample()
    coarse = torch.randn(1, 3, 4, 5)
    shrunk = target[:, 1::2][:, :, [1, 3, 5, 7, 8]]

    total = deep_supervision([logits, coarse], target, dice_loss)

    expected = (dice_loss(logits, target) + 0.5 * dice_loss(coarse, shrunk)) / 1.5
    assert float(total) == pytest.approx(float(expected))
