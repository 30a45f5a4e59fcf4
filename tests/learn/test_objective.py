"""What training minimises."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from delineate.core.errors import PlanError
from delineate.core.labels import LabelTable
from delineate.learn.objective import Objective, read_objective
from delineate.learn.targets import at_points
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

    assert at_points(target, points).tolist() == [[7, 23]]


def test_points_beyond_the_image_are_ignored():
    target = torch.arange(9).reshape(1, 3, 3)
    points = Points(torch.tensor([[0, 3, 15]]), torch.zeros(1, 2, 3), (4, 4))

    assert at_points(target, points).tolist() == [[0, -1, -1]]


def test_objects_are_judged_at_points_without_neighbours(plan):
    ours = replace(plan, task="instances", loss="nuclei", loss_options={})
    target = torch.rand(2, 4, 8, 8).round()
    logits = torch.randn(2, 5, 8, 8, requires_grad=True)
    points = Points(torch.arange(64).expand(2, -1), logits.flatten(2), (8, 8))

    judged = Objective(plan=ours).judge(Answer([logits], None, (points,)), target)
    judged.loss.backward()

    assert torch.isfinite(logits.grad).all()
    assert judged.terms["points"] > 0


PRESENCE = np.array([[True], [True], [False], [True]])
"""Three of four cases hold the ball."""


def test_plan_that_says_nothing_weighs_nothing(plan, target):
    objective = Objective(plan=plan)

    assert objective.priority(target) is None
    assert objective.row() == {}
    assert not objective.follows_the_run


def test_class_that_is_done_badly_comes_to_weigh_more(plan):
    ours = replace(plan, objective={"balance": "dynamic", "adaptive_tversky": True})
    objective = Objective(plan=replace(ours, loss="tversky_ce"), presence=PRESENCE)
    target = torch.zeros(2, 8, 8, 8, dtype=torch.long)
    target[:, 2:6, 2:6, 2:6] = 1
    missed = torch.stack([torch.ones_like(target), -torch.ones_like(target)], dim=1) * 9.0

    first = objective.row()["class_weights ball"]
    for _ in range(5):
        objective.judge([missed], target)

    assert objective.row()["class_weights ball"] > 1.3 * first
    assert objective.row()["beta ball"] == pytest.approx(0.8)  # all errors are misses
    weights = objective.priority(target)
    assert (weights[target == 1] > weights[target == 0].max()).all()


def test_weights_change_the_loss_that_takes_them_and_leave_others_alone(plan):
    target = torch.zeros(1, 4, 4, 4, dtype=torch.long)
    target[:, 0] = 1
    logits = [torch.randn(1, 2, 4, 4, 4, generator=torch.Generator().manual_seed(0))]

    def cost(loss, balance):
        ours = replace(plan, loss=loss, loss_options={}, objective={"balance": balance})
        return float(Objective(plan=ours, presence=PRESENCE).judge(logits, target).loss)

    assert cost("cross_entropy", "static") != pytest.approx(cost("cross_entropy", "none"))
    assert cost("cldice", "static") == pytest.approx(cost("cldice", "none"))


def test_types_of_objects_are_weighed_by_how_they_are_told_apart(plan):
    labels = LabelTable.of_names({"a": 1, "b": 2})
    ours = replace(plan, task="instances", loss="nuclei", labels=labels, dims=2)
    ours = replace(ours, objective={"balance": "dynamic", "adaptive_tversky": True})
    objective = Objective(plan=ours, presence=np.array([[True, True], [True, False]]))
    target = torch.ones(1, 4, 8, 8)
    target[:, 3, :4] = 0
    logits = torch.zeros(1, 5, 8, 8)
    logits[:, 3] = 5.0  # type a everywhere

    for _ in range(4):
        objective.judge([logits], target)

    row = objective.row()
    assert row["class_weights b"] > 1.5 * row["class_weights a"]
    assert row["beta b"] > row["beta a"]


def test_variance_is_learnt_after_a_tenth_of_the_run(plan):
    target = torch.zeros(1, 4, 4, 4, dtype=torch.long)
    logits = torch.zeros(1, 2, 4, 4, 4)
    variance = torch.zeros(1, 2, 4, 4, 4, requires_grad=True)
    objective = Objective(plan=plan)

    early = objective.judge(Answer([logits], variance), target, 0.05)
    late = objective.judge(Answer([logits], variance), target, 0.5)
    late.loss.backward()

    assert "aleatoric" not in early.terms
    assert late.terms["aleatoric"] > 0
    assert variance.grad.abs().sum() > 0


def test_emphasis_costs_unsure_voxels_once_more_and_rises(plan):
    ours = replace(plan, objective={"emphasis": 1.0})
    target = torch.zeros(1, 4, 4, 4, dtype=torch.long)
    flat = [torch.zeros(1, 2, 4, 4, 4)]

    found = [
        Objective(plan=ours).judge(flat, target, share).terms["emphasis"]
        for share in (0.05, 0.25, 0.9)
    ]

    assert found[0] == 0
    assert found[1] == pytest.approx(found[2] / 2)
    assert found[2] == pytest.approx(np.log(2), abs=1e-6)


def test_state_brings_all_weights_back(plan, target):
    ours = replace(plan, objective={"balance": "dynamic", "terms": "dwa"})
    logits = [torch.randn(2, 2, 8, 12)]
    here, there = (Objective(plan=ours, presence=PRESENCE) for _ in range(2))
    for _ in range(5):
        here.judge(logits, target.clamp_max(1))

    there.restore(json.loads(json.dumps(here.state())))

    assert there.row() == here.row()
    assert there.state() == here.state()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": {"balanced": "dynamic"}}, "balanced"),
        ({"objective": {"emphasis": 1.0}, "task": "instances"}, "regions"),
    ],
)
def test_wrong_options_are_named(plan, changes, message):
    with pytest.raises(PlanError, match=message):
        read_objective(replace(plan, **changes))


def test_weighing_classes_wants_to_know_who_holds_them(plan):
    with pytest.raises(PlanError, match="presence"):
        Objective(plan=replace(plan, objective={"balance": "static"}))
