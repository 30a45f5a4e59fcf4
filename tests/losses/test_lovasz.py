"""The Lovász extension against its definition by sets, and against the Jaccard index itself."""

from itertools import product

import numpy as np
import pytest
import torch

from delineate.losses.lovasz import jaccard_gains, lovasz_loss


def jaccard_loss(wrong, truth):
    """One minus the Jaccard index if the pixels of a set are the wrong ones."""
    answer = [bool(known) != (place in wrong) for place, known in enumerate(truth)]
    union = sum(mine or bool(known) for mine, known in zip(answer, truth, strict=True))
    both = sum(mine and bool(known) for mine, known in zip(answer, truth, strict=True))
    return 1 - both / union if union else 0.0


def slow_extension(errors, truth):
    """Sum errors, largest first, by how much the loss of the set grows: definition 1."""
    order = sorted(range(len(errors)), key=lambda place: -errors[place])
    total, wrong = 0.0, set()
    for place in order:
        before = jaccard_loss(wrong, truth)
        wrong = wrong | {place}
        total += errors[place] * (jaccard_loss(wrong, truth) - before)
    return total


@pytest.mark.parametrize("seed", range(5))
def test_classes_equal_the_slow_definition(seed):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    target = torch.randint(-1, 3, (2, 4, 5), generator=generator)
    chances, known = logits.softmax(1).movedim(1, 0)[:, target >= 0], target[target >= 0]

    costs = [
        slow_extension((chances[k] - (known == k).double()).abs().tolist(), (known == k).tolist())
        for k in range(3)
    ]

    assert float(lovasz_loss(logits, target)) == pytest.approx(np.mean(costs), abs=1e-9)


def test_layers_equal_the_slow_definition():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 2, 3, 4, generator=generator, dtype=torch.float64)
    target = torch.randint(0, 2, (1, 2, 3, 4), generator=generator)

    costs = [
        slow_extension(
            (logits[:, k].sigmoid() - target[:, k]).abs().flatten().tolist(),
            target[:, k].flatten().tolist(),
        )
        for k in range(2)
    ]

    assert float(lovasz_loss(logits, target)) == pytest.approx(np.mean(costs), abs=1e-9)


def test_decided_answers_cost_their_jaccard_loss():
    truth = [1, 1, 0, 0]

    for answer in product((0, 1), repeat=4):
        logits = (torch.tensor(answer, dtype=torch.float64) * 2 - 1).reshape(1, 1, 2, 2) * 50
        wrong = {place for place in range(4) if answer[place] != truth[place]}

        loss = lovasz_loss(logits, torch.tensor(truth).reshape(1, 1, 2, 2))

        assert float(loss) == pytest.approx(jaccard_loss(wrong, truth), abs=1e-9)


def test_gains_add_up_to_one():
    truth = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])

    gains = jaccard_gains(truth)

    assert (gains >= 0).all()
    assert gains.sum(1).tolist() == pytest.approx([1, 1])


def test_absent_layer_is_left_out_or_costs_its_largest_error():
    logits, target = torch.tensor([0.0, 2.0]).reshape(1, 1, 2), torch.zeros(1, 1, 2).long()

    assert float(lovasz_loss(logits, target)) == 0
    assert float(lovasz_loss(logits, target, absent="keep")) == pytest.approx(0.880797, abs=1e-5)
