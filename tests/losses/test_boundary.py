"""Losses of the border, by hand on a line of voxels."""

import math

import pytest
import torch

from delineate.losses.boundary import boundary_ce_loss, boundary_loss
from delineate.losses.pixel import cross_entropy_loss

LINE = torch.tensor([[0, 0, 1, 1, 0]])
DISTANCES = [2, 1, -1, -1, 1]


def test_boundary_is_chance_times_signed_distance():
    logits = torch.randn(1, 2, 5)
    chances = logits.softmax(1)[0, 1].tolist()

    loss = boundary_loss(logits, LINE, clip=20)

    expected = sum(p * d / 20 for p, d in zip(chances, DISTANCES, strict=True)) / 5
    assert float(loss) == pytest.approx(expected, abs=1e-6)


def test_far_is_cut_and_spacing_counts():
    logits = torch.zeros(1, 2, 5)  # all chances are a half

    near = boundary_loss(logits, LINE, clip=1)
    apart = boundary_loss(logits, LINE, clip=20, spacing=[3.0])

    assert float(near) == pytest.approx(0.5 * (1 + 1 - 1 - 1 + 1) / 5, abs=1e-6)
    assert float(apart) == pytest.approx(0.5 * 3 * sum(DISTANCES) / 20 / 5, abs=1e-6)


def test_class_that_an_image_lacks_is_far_or_nothing():
    logits, target = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4).long()

    assert float(boundary_loss(logits, target)) == pytest.approx(0.5)
    assert float(boundary_loss(logits, target, absent="skip")) == 0


def test_truth_is_the_answer_that_costs_least():
    target = torch.zeros(1, 16, 16, dtype=torch.long)
    target[:, 4:12, 5:11] = 1
    costs = {}

    for shift in (-2, -1, 0, 1, 2):
        scores = (target.roll(shift, 1) * 2.0 - 1) * 20
        costs[shift] = float(boundary_loss(torch.stack([-scores, scores], dim=1), target))

    assert min(costs, key=costs.get) == 0


def test_weighing_borders_not_at_all_is_cross_entropy():
    logits, target = torch.randn(2, 3, 6, 7), torch.randint(0, 3, (2, 6, 7))

    loss = boundary_ce_loss(logits, target, strength=0)

    assert float(loss) == pytest.approx(float(cross_entropy_loss(logits, target)), abs=1e-6)


def test_weights_fall_as_a_bell_from_the_border():
    logits = torch.randn(1, 2, 5)
    costs = torch.nn.functional.cross_entropy(logits, LINE, reduction="none")[0].tolist()
    weights = [1 + 4 * math.exp(-(d**2) / 18) for d in DISTANCES]

    loss = boundary_ce_loss(logits, LINE, strength=4, sigma=3)

    total = sum(cost * weight for cost, weight in zip(costs, weights, strict=True))
    assert float(loss) == pytest.approx(total / sum(weights), abs=1e-6)


def test_band_counts_nothing_beyond_it():
    target = torch.zeros(1, 12, 12, dtype=torch.long)
    target[:, :, 6:] = 1
    logits = torch.randn(1, 2, 12, 12)

    loss = boundary_ce_loss(logits, target, band=3)

    inside = cross_entropy_loss(logits[..., 3:9], target[..., 3:9])
    assert float(loss) == pytest.approx(float(inside), abs=1e-6)


def test_no_border_is_plain_or_nothing():
    logits, target = torch.randn(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long)

    plain = cross_entropy_loss(logits, target)

    assert float(boundary_ce_loss(logits, target)) == pytest.approx(float(plain))
    assert float(boundary_ce_loss(logits, target, band=3)) == 0


def test_each_layer_has_its_own_border():
    target = torch.zeros(1, 2, 5, dtype=torch.long)
    target[0, 0] = LINE[0]
    logits = torch.zeros(1, 2, 5)
    logits[0, 1] = 9  # the second layer has no border: none of its voxels is in the band

    assert float(boundary_ce_loss(logits, target, band=1)) == pytest.approx(math.log(2))
