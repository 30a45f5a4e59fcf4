"""Cross-entropy against torch's own."""

import pytest
import torch
from torch.nn import functional

from delineate.losses.pixel import cross_entropy_loss, focal_loss


def test_classes_equal_torch():
    logits, target = torch.randn(2, 4, 5, 6), torch.randint(0, 4, (2, 5, 6))
    target[0, 0] = -1

    expected = functional.cross_entropy(logits, target, ignore_index=-1)

    assert float(cross_entropy_loss(logits, target)) == pytest.approx(float(expected), abs=1e-6)


def test_layers_equal_torch():
    logits, target = torch.randn(2, 4, 5, 6), torch.randint(0, 2, (2, 4, 5, 6))

    expected = functional.binary_cross_entropy_with_logits(logits, target.float())

    assert float(cross_entropy_loss(logits, target)) == pytest.approx(float(expected), abs=1e-6)


def test_smoothing_raises_the_price_of_certainty():
    target = torch.zeros(1, 3, 3, dtype=torch.long)
    logits = torch.stack([torch.full((1, 3, 3), 20.0), torch.zeros(1, 3, 3)], dim=1)

    assert cross_entropy_loss(logits, target, smoothing=0.1) > cross_entropy_loss(logits, target)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_class_weights_are_torch_s(smoothing):
    logits, target = torch.randn(2, 4, 5, 6), torch.randint(0, 4, (2, 5, 6))
    target[0, 0] = -1
    weights = [0.5, 1.0, 2.0, 3.0]

    expected = functional.cross_entropy(
        logits,
        target,
        weight=torch.tensor(weights),
        ignore_index=-1,
        label_smoothing=smoothing,
    )

    mine = cross_entropy_loss(logits, target, class_weights=weights, smoothing=smoothing)
    assert float(mine) == pytest.approx(float(expected), abs=1e-6)


def test_class_weights_of_layers_weigh_layers():
    logits, target = torch.randn(2, 2, 5, 6), torch.randint(0, 2, (2, 2, 5, 6))
    each = [float(cross_entropy_loss(logits[:, i : i + 1], target[:, i : i + 1])) for i in (0, 1)]

    mine = cross_entropy_loss(logits, target, class_weights=torch.tensor([1.0, 3.0]))

    assert float(mine) == pytest.approx((each[0] + 3 * each[1]) / 4, abs=1e-6)


def test_pixel_weights_choose_pixels():
    logits, target = torch.randn(1, 3, 4, 4), torch.randint(0, 3, (1, 4, 4))
    places = torch.zeros(1, 4, 4)
    places[:, :2] = 5

    mine = cross_entropy_loss(logits, target, pixel_weights=places)

    half = cross_entropy_loss(logits[:, :, :2], target[:, :2])
    assert float(mine) == pytest.approx(float(half), abs=1e-6)


@pytest.mark.parametrize("kind", ["classes", "layers"])
def test_gamma_zero_makes_focal_cross_entropy(kind):
    logits = torch.randn(2, 3, 5, 6)
    target = (
        torch.randint(0, 3, (2, 5, 6)) if kind == "classes" else torch.randint(0, 2, (2, 3, 5, 6))
    )
    weights = [1.0, 2.0, 0.5]

    focal = focal_loss(logits, target, gamma=0, class_weights=weights)

    plain = cross_entropy_loss(logits, target, class_weights=weights)
    assert float(focal) == pytest.approx(float(plain), abs=1e-6)


def test_focal_of_one_pixel_is_its_formula():
    logits = torch.tensor([2.0, 0.0]).reshape(1, 2, 1)  # chance of class 1: 0.119203

    loss = focal_loss(logits, torch.ones(1, 1, dtype=torch.long), gamma=2)

    assert float(loss) == pytest.approx(0.880797**2 * 2.126928, abs=1e-5)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_has_a_finite_gradient_where_all_is_right(gamma):
    logits = torch.tensor([50.0, -50.0]).reshape(1, 2, 1).requires_grad_()

    focal_loss(logits, torch.zeros(1, 1, dtype=torch.long), gamma=gamma).backward()

    assert torch.isfinite(logits.grad).all()
