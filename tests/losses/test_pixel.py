"""Cross-entropy against torch's own."""

import pytest
import torch
from torch.nn import functional

from delineate.losses.pixel import cross_entropy_loss


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
