"""Every row of `LOSSES` keeps the same contract."""

import pytest
import torch

from delineate.core.errors import ShapeError
from delineate.losses import LOSSES, get_loss

CLASSES = 3


def targets(kind, shape=(2, 8, 9)):
    generator = torch.Generator().manual_seed(0)
    if kind == "classes":
        return torch.randint(0, CLASSES, shape, generator=generator)
    return torch.randint(0, 2, (shape[0], CLASSES, *shape[1:]), generator=generator)


def perfect(target):
    if target.ndim == 3:
        return torch.nn.functional.one_hot(target.clamp_min(0), CLASSES).movedim(-1, 1) * 40.0 - 20
    return target * 40.0 - 20


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("kind", ["classes", "layers"])
def test_perfect_answer_costs_nothing(name, kind):
    target = targets(kind)

    assert 0 <= float(get_loss(name)(perfect(target), target)) < 1e-4


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("kind", ["classes", "layers"])
@pytest.mark.parametrize("fill", [None, 0, 1])
def test_loss_is_positive_and_its_gradient_finite(name, kind, fill):
    target = targets(kind) if fill is None else torch.full_like(targets(kind), fill)
    logits = torch.randn(2, CLASSES, 8, 9, requires_grad=True)

    loss = get_loss(name)(logits, target)
    loss.backward()

    assert float(loss.detach()) > 0
    assert torch.isfinite(logits.grad).all()
    assert logits.grad.abs().sum() > 0


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("kind", ["classes", "layers"])
def test_ignored_pixels_change_nothing(name, kind):
    target = targets(kind)
    target[..., :4] = -1
    logits = torch.randn(2, CLASSES, 8, 9, generator=torch.Generator().manual_seed(1))
    other = logits.clone()
    other[..., :4] = 7 * torch.randn(2, CLASSES, 8, 4, generator=torch.Generator().manual_seed(2))

    loss = get_loss(name)

    assert float(loss(logits, target)) == pytest.approx(float(loss(other, target)), abs=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_all_pixels_ignored_gives_a_finite_loss(name):
    target = torch.full((1, 4, 4), -1)

    assert torch.isfinite(get_loss(name)(torch.randn(1, CLASSES, 4, 4), target))


@pytest.mark.parametrize("name", LOSSES)
def test_bfloat16_is_close_to_float32(name):
    target = targets("classes", (2, 64, 64))
    logits = torch.randn(2, CLASSES, 64, 64, generator=torch.Generator().manual_seed(1))

    exact, rough = (float(get_loss(name)(entry, target)) for entry in (logits, logits.bfloat16()))

    assert rough == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize("name", LOSSES)
def test_disagreeing_shapes_are_refused(name):
    with pytest.raises(ShapeError, match="target"):
        get_loss(name)(torch.randn(1, CLASSES, 4, 4), torch.zeros(1, 4, 5, dtype=torch.long))
