"""What training minimises."""

from dataclasses import replace

import pytest
import torch

from delineate.learn.objective import Objective, _at
from delineate.losses import get_loss
from delineate.losses.compound import deep_supervision
from delineate.models.base import Answer, Points


@pytest.fixture
def target():
    return torch.randint(0, 3, (2, 8, 12), generator=torch.Generator().manual_seed(0))


def test_plain_logits_are_judged_under_deep_supervision(plan, target):
    logits = [torch.randn(2, 3, 8, 12), torch.randn(2, 3, 4, 6)]

    judged = Objective(plan=plan).judge(logits, target)

    loss = get_loss(plan.loss, **plan.loss_options)
    assert float(judged.loss) == pytest.approx(float(deep_supervision(logits, target, loss)))


def test_refined_logits_are_judged_on_the_finest_grid_and_at_points(plan, target):
    fine = torch.nn.functional.one_hot(target, 3).movedim(-1, 1) * 40.0 - 20
    places = torch.arange(96).expand(2, -1)
    perfect = Points(places, fine.flatten(2), (8, 12))
    wrong = Points(places, -fine.flatten(2), (8, 12))
    objective = Objective(plan=plan)

    good = objective.judge(Answer([fine, fine], None, (perfect,)), target)
    bad = objective.judge(Answer([fine, fine], None, (wrong,)), target)

    assert float(good.loss) < 1e-3
    assert bad.terms["points"] > 20
    assert bad.terms["grids"] == pytest.approx(good.terms["grids"])


def test_points_of_a_coarse_grid_meet_the_label_in_their_middle():
    target = torch.arange(24).reshape(1, 4, 6)
    points = Points(torch.tensor([[0, 5]]), torch.zeros(1, 2, 2), (2, 3))

    assert _at(target, points).tolist() == [[7, 23]]


def test_points_beyond_the_image_are_ignored():
    target = torch.arange(9).reshape(1, 3, 3)
    points = Points(torch.tensor([[0, 3, 15]]), torch.zeros(1, 2, 3), (4, 4))

    assert _at(target, points).tolist() == [[0, -1, -1]]


def test_objects_are_judged_at_points_without_neighbours(plan):
    ours = replace(plan, task="instances", loss="nuclei", loss_options={})
    target = torch.rand(2, 4, 8, 8).round()
    logits = torch.randn(2, 5, 8, 8, requires_grad=True)
    points = Points(torch.arange(64).expand(2, -1), logits.flatten(2), (8, 8))

    judged = Objective(plan=ours).judge(Answer([logits], None, (points,)), target)
    judged.loss.backward()

    assert torch.isfinite(logits.grad).all()
    assert judged.terms["points"] > 0
