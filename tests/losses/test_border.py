"""U-Net's border weights against its formula in loops."""

import math

import numpy as np
import pytest
import torch

from delineate.losses.border import border_ce_loss, unet_border_weight
from delineate.losses.pixel import cross_entropy_loss


def slow(ids, border_weight, sigma):
    weights = np.ones(ids.shape)
    for place in np.argwhere(ids == 0):
        gaps = sorted(
            np.linalg.norm(np.argwhere(ids == number) - place, axis=1).min()
            for number in np.unique(ids[ids > 0])
        )
        if len(gaps) > 1:
            gap = gaps[0] + gaps[1]
            weights[tuple(place)] += border_weight * math.exp(-(gap**2) / (2 * sigma**2))
    return weights


@pytest.mark.parametrize("sigma", [1.0, 2.5])
@pytest.mark.parametrize("shape", [(22, 19), (8, 9, 10)])
def test_weights_follow_the_formula(sigma, shape):
    rng = np.random.default_rng(1)
    ids = np.zeros(shape, int)
    for number in (2, 5, 7, 40):
        low = [rng.integers(0, side - 3) for side in shape]
        box = tuple(slice(start, start + 3) for start in low)
        ids[box] = np.where(ids[box] == 0, number, ids[box])

    weights = unet_border_weight(ids, border_weight=10, sigma=sigma)

    assert np.allclose(weights, slow(ids, 10, sigma), atol=1e-3)


def test_gap_of_one_pixel_has_the_weight_that_one_computes():
    ids = np.array([[1, 1, 0, 2, 2]])

    weights = unet_border_weight(ids)

    assert weights[0].tolist() == pytest.approx([1, 1, 1 + 10 * math.exp(-4 / 50), 1, 1])


def test_mask_has_its_connected_parts_as_objects():
    mask = np.array([[1, 1, 0, 1, 1]], bool)

    assert np.array_equal(unet_border_weight(mask), unet_border_weight(mask * [[1, 1, 0, 2, 2]]))


@pytest.mark.parametrize(
    "ids", [np.zeros((3, 4), int), np.ones((3, 4), int), -np.ones((3, 4), int)]
)
def test_no_gap_weighs_one(ids):
    assert np.array_equal(unet_border_weight(ids), np.ones((3, 4)))


@pytest.mark.parametrize("kind", ["classes", "layers"])
def test_border_weight_zero_is_cross_entropy(kind):
    logits = torch.randn(2, 3, 6, 7)
    shape = (2, 6, 7) if kind == "classes" else (2, 3, 6, 7)
    target = torch.randint(0, 2, shape)

    loss = border_ce_loss(logits, target, border_weight=0)

    assert float(loss) == pytest.approx(float(cross_entropy_loss(logits, target)), abs=1e-6)


def test_bridge_between_two_objects_costs_more_than_the_same_error_elsewhere():
    target = torch.zeros(1, 9, 24, dtype=torch.long)
    target[:, 2:7, 2:7] = 1
    target[:, 2:7, 8:13] = 1
    right = (torch.stack([1 - target, target], dim=1) * 2.0 - 1) * 5
    bridge, elsewhere = right.clone(), right.clone()
    bridge[..., 4, 7] *= -1
    elsewhere[..., 4, 22] *= -1

    costs = [float(border_ce_loss(logits, target)) for logits in (bridge, elsewhere)]

    assert costs[0] > 5 * costs[1]
