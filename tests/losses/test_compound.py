"""Sums of losses and of scales."""

import pytest
import torch

from delineate.losses import get_loss
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


SUMS = {
    "dice_ce": {"cross_entropy": 1.0, "dice": 1.0},
    "tversky_ce": {"cross_entropy": 1.0, "tversky": 1.0},
    "focal_tversky_ce": {"cross_entropy": 1.0, "focal_tversky": 1.0},
    "dice_focal": {"dice": 1.0, "focal": 1.0},
    "bce_dice_lovasz": {"cross_entropy": 0.5, "dice": 0.5, "lovasz": 1.0},
    "lovasz_ce": {"cross_entropy": 0.8, "lovasz": 0.2},
}


@pytest.mark.parametrize("name", SUMS)
def test_compound_is_its_stated_sum_with_class_weights_in_every_term(name):
    logits, target = sample()
    weights = {"class_weights": [0.5, 2.0, 1.0]}

    mine = get_loss(name, **weights)(logits, target)

    parts = SUMS[name].items()
    total = sum(share * float(get_loss(part, **weights)(logits, target)) for part, share in parts)
    assert float(mine) == pytest.approx(total, rel=1e-6)


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
