"""Every row of `LOSSES` keeps the same contract."""

import pytest
import torch

from delineate.core.errors import ShapeError
from delineate.losses import LOSSES, get_loss

CLASSES = 3
OBJECTS = {"nuclei"}
"""Losses of objects, which have a target of their own."""
NEGATIVE = {"boundary", "dice_boundary"}
"""Losses whose best is below 0."""
NEVER_SURE = {"evidential"}
"""Losses that go on falling as scores grow, since evidence has no end."""
LINES = {"cldice": 0.7, "dice_cldice": 0.9}
"""Losses that ask for centre lines, too, with the share of voxels that they get right."""
BLIND = {("lovasz", "layers", 0), ("cldice", "layers", 1)}
"""Where there is nothing to learn: layers all empty and left out; layers all full, which have no
centre line."""
PAIRS = [
    (name, kind)
    for name in LOSSES
    for kind in (["objects"] if name in OBJECTS else ["classes", "layers"])
]


def targets(kind, shape=(2, 8, 9)):
    generator = torch.Generator().manual_seed(0)
    if kind == "classes":
        return torch.randint(0, CLASSES, shape, generator=generator)
    if kind == "objects":  # foreground, two offsets, place of the type
        inside = torch.randint(0, 2, shape, generator=generator).float()
        offsets = torch.rand(shape[0], 2, *shape[1:], generator=generator) * inside[:, None]
        types = torch.randint(0, 2, shape, generator=generator) * inside - (1 - inside)
        return torch.cat([inside[:, None], offsets, types[:, None]], dim=1)
    return torch.randint(0, 2, (shape[0], CLASSES, *shape[1:]), generator=generator)


def logits_like(target, seed=None):
    generator = torch.Generator().manual_seed(seed) if seed is not None else None
    channels = 5 if target.is_floating_point() else CLASSES
    return torch.randn(len(target), channels, *target.shape[-2:], generator=generator)


def perfect(target):
    if target.is_floating_point():
        types = torch.stack([target[:, 3] == kind for kind in range(2)], dim=1) * 40.0 - 20
        return torch.cat([target[:, :1] * 40 - 20, target[:, 1:3], types], dim=1)
    if target.ndim == 3:
        return torch.nn.functional.one_hot(target.clamp_min(0), CLASSES).movedim(-1, 1) * 40.0 - 20
    return target * 40.0 - 20


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_perfect_answer_costs_nothing(name, kind):
    target = targets(kind)
    sure = perfect(target) * (1e4 if name in NEVER_SURE else 1)

    cost = float(get_loss(name)(sure, target))

    if name in NEGATIVE:
        assert cost < 0
        assert cost < float(get_loss(name)(logits_like(target, 1), target))
    else:
        assert 0 <= cost < 1e-4


@pytest.mark.parametrize(("name", "kind"), PAIRS)
@pytest.mark.parametrize("fill", [None, 0, 1])
def test_loss_pulls_and_its_gradient_is_finite(name, kind, fill):
    target = targets(kind) if fill is None else torch.full_like(targets(kind), fill)
    logits = logits_like(target).requires_grad_()

    loss = get_loss(name)(logits, target)
    loss.backward()

    assert torch.isfinite(logits.grad).all()
    if (name, kind, fill) not in BLIND:
        assert float(loss.detach()) > 0 or name in NEGATIVE
        assert logits.grad.abs().sum() > 0


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_gradient_is_that_of_differences_in_double_precision(name, kind):
    target = targets(kind, (2, 3, 4))
    logits = logits_like(target, 3).double().requires_grad_()

    def cost(values):
        return get_loss(name)(values, target)

    assert cost(logits).dtype == torch.float64
    assert torch.autograd.gradcheck(cost, logits)


@pytest.mark.parametrize(("name", "kind"), [pair for pair in PAIRS if pair[1] != "objects"])
def test_volumes_cost_the_same_from_every_side_and_have_the_right_gradient(name, kind):
    target = targets(kind, (1, 2, 3, 4))
    shape = (1, CLASSES, 2, 3, 4)
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(1)).double()

    loss = get_loss(name)
    turned = loss(logits.transpose(2, 4), target.transpose(-3, -1))

    assert float(loss(logits, target)) == pytest.approx(float(turned), rel=1e-9)
    assert torch.autograd.gradcheck(lambda values: loss(values, target), logits.requires_grad_())


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_ignored_pixels_change_nothing(name, kind):
    target = targets(kind)
    target[..., :4] = -1
    logits = logits_like(target, 1)
    other = logits.clone()
    other[..., :4] = 7 * logits_like(target[..., :4], 2)

    loss = get_loss(name)

    assert float(loss(logits, target)) == pytest.approx(float(loss(other, target)), abs=1e-6)


@pytest.mark.parametrize(("name", "kind"), [pair for pair in PAIRS if pair[1] != "objects"])
def test_going_down_alone_leads_to_the_truth(name, kind):
    ids = torch.zeros(1, 20, 20, dtype=torch.long)
    ids[:, 2:10, 2:10], ids[:, 12:17, 9:18] = 1, 2
    target = ids if kind == "classes" else torch.stack([ids == k for k in range(3)], dim=1).long()
    logits = (logits_like(target, 0) / 2).requires_grad_()
    optimiser = torch.optim.Adam([logits], lr=0.5)

    for _ in range(30):
        optimiser.zero_grad()
        get_loss(name)(logits, target).backward()
        optimiser.step()

    found = logits.argmax(1) if kind == "classes" else (logits > 0).long()
    right = float((found == target).float().mean())
    assert right > LINES.get(name, 0.99)


@pytest.mark.parametrize("name", LOSSES)
def test_all_pixels_ignored_gives_a_finite_loss_without_pull(name):
    target = torch.full((1, 4, 4), -1)
    if name in OBJECTS:
        target = torch.full((1, 4, 4, 4), -1.0)

    logits = logits_like(target).requires_grad_()

    loss = get_loss(name)(logits, target)
    loss.backward()

    assert torch.isfinite(loss)
    assert not logits.grad.any()


@pytest.mark.parametrize("name", LOSSES)
def test_bfloat16_is_close_to_float32(name):
    target = targets("objects" if name in OBJECTS else "classes", (2, 64, 64))
    logits = logits_like(target, 1)

    exact, rough = (float(get_loss(name)(entry, target)) for entry in (logits, logits.bfloat16()))

    assert rough == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize("name", LOSSES)
def test_disagreeing_shapes_are_refused(name):
    with pytest.raises(ShapeError, match="target"):
        get_loss(name)(torch.randn(1, CLASSES, 4, 4), torch.zeros(1, 4, 5, dtype=torch.long))
