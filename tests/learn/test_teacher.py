"""The teacher of images without labels."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from delineate.core.errors import PlanError
from delineate.learn.objective import read_objective
from delineate.learn.teacher import DECAY, Teacher, disagreement, ramp, threshold
from delineate.models.base import Answer
from delineate.models.uncertainty import entropy, probabilities


class Painter(nn.Module):
    """Logits are the image times a weight, with dropout before."""

    def __init__(self, weight=2.0, dropout=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))
        self.register_buffer("seen", torch.tensor(0))
        self.norm = nn.BatchNorm2d(2, affine=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, image):
        return [self.dropout(image) * self.weight]


def test_ramp_and_threshold_are_those_of_the_papers():
    found = [(ramp(share), threshold(share)) for share in (0.0, 0.5, 1.0, 1.2)]

    assert found[0] == pytest.approx((math.exp(-5), 0.75 + 0.25 * math.exp(-5)))
    assert found[1] == pytest.approx((math.exp(-1.25), 0.75 + 0.25 * math.exp(-1.25)))
    assert found[2:] == [(1.0, 1.0)] * 2


def test_teacher_follows_with_the_decay_of_its_paper():
    model = Painter(2.0)
    teacher = Teacher(model, "exclusive")
    wanted = 2.0

    for step, weight in enumerate((3.0, 5.0, 4.0, 8.0)):
        model.weight.data.fill_(weight)
        model.seen.fill_(step)
        teacher.follow(model, step)
        decay = min(1 - 1 / (step + 1), 0.99)
        wanted = decay * wanted + (1 - decay) * weight

    assert teacher.model.weight.item() == pytest.approx(wanted)
    assert wanted == pytest.approx((3 + 5 + 4 + 8) / 4)  # at first it is the mean of all
    assert teacher.model.seen == 3


def test_teacher_never_moves_faster_than_its_largest_decay_allows():
    model = Painter(0.0)
    teacher = Teacher(model, "exclusive")
    model.weight.data.fill_(1.0)

    teacher.follow(model, 10_000)

    assert teacher.model.weight.item() == pytest.approx(1 - DECAY)


def test_disagreement_is_the_mean_over_sure_voxels_alone():
    torch.manual_seed(0)
    logits, taught = torch.randn(1, 3, 4, 5), torch.rand(1, 3, 4, 5)
    is_sure = torch.rand(1, 4, 5) < 0.5

    found = disagreement(logits, taught, is_sure, "exclusive")

    squares = [
        sum((logits[0, :, y, x].softmax(0) - taught[0, :, y, x]) ** 2)
        for y in range(4)
        for x in range(5)
        if is_sure[0, y, x]
    ]
    assert found.item() == pytest.approx(float(sum(squares) / len(squares)), rel=1e-5)


def test_nothing_is_asked_where_the_teacher_is_unsure_everywhere():
    logits = torch.randn(1, 2, 3, 3, requires_grad=True)

    cost = disagreement(logits, torch.rand(1, 2, 3, 3), torch.zeros(1, 3, 3).bool(), "exclusive")
    cost.backward()

    assert cost == 0
    assert logits.grad.abs().sum() == 0


def test_offsets_and_types_count_only_within_what_the_teacher_takes_for_objects():
    torch.manual_seed(0)
    logits, taught = torch.randn(1, 5, 4, 4), torch.rand(1, 5, 4, 4)
    taught[:, 0] = 0.0

    found = disagreement(logits, taught, torch.ones(1, 4, 4).bool(), "instances")

    assert found.item() == pytest.approx(logits[:, 0].sigmoid().square().mean().item())


@pytest.mark.parametrize("kind", ["exclusive", "layers", "instances"])
def test_one_pass_without_noise_says_what_the_network_says(kind, monkeypatch):
    monkeypatch.setattr("delineate.learn.teacher.NOISE", 0.0)
    torch.manual_seed(0)
    image = torch.randn(2, 5, 6, 6)

    chances, doubt = Teacher(Painter(), kind, passes=1).ask(image, 0)

    assert torch.equal(chances, probabilities(2 * image, kind))
    assert torch.allclose(doubt, entropy(2 * image, kind), atol=1e-5)


def test_noise_is_a_function_of_seed_rank_and_step():
    image = torch.zeros(1, 2, 8, 8)

    def said(seed=0, rank=0, step=3):
        return Teacher(Painter(), "exclusive", seed=seed, rank=rank).ask(image, step)[0]

    assert torch.equal(said(), said())
    assert not torch.equal(said(), said(step=4))
    assert not torch.equal(said(), said(seed=1))
    assert not torch.equal(said(), said(rank=1))


def test_passes_drop_out_but_use_what_training_measured():
    teacher = Teacher(Painter(dropout=0.5).train(), "exclusive")

    assert teacher.model.dropout.training
    assert not teacher.model.norm.training
    assert not any(value.requires_grad for value in teacher.model.parameters())


def test_more_passes_give_a_steadier_answer():
    torch.manual_seed(0)
    image = torch.randn(1, 2, 32, 32)
    exact = (2 * image).softmax(1)

    def error(passes):
        chances, _ = Teacher(Painter(), "exclusive", passes=passes).ask(image, 0)
        return (chances - exact).square().mean()

    assert error(8) < 0.5 * error(1)


def test_coarse_answer_of_a_refining_network_is_compared_on_the_image():
    image = torch.randn(1, 2, 8, 8)
    answer = Answer(logits=[torch.randn(1, 2, 4, 4, requires_grad=True)])
    teacher = Teacher(Painter(), "exclusive")

    cost = teacher.judge(answer, image, 0, 1.0)
    cost.backward()

    assert cost > 0
    assert answer.logits[0].grad.abs().sum() > 0
    assert teacher.row()["consistency"] == pytest.approx(cost.item())


def test_cost_is_scaled_by_the_ramp_and_the_row_is_not():
    image = torch.randn(1, 2, 8, 8)
    logits = [torch.randn(1, 2, 8, 8)]
    teacher = Teacher(Painter(0.1), "exclusive")

    cost = teacher.judge(logits, image, 0, 0.5)
    row = teacher.row()

    assert cost.item() == pytest.approx(ramp(0.5) * row["consistency"])
    assert 0 <= row["sure"] <= 1
    assert teacher.row() == {"consistency": 0.0, "sure": 0.0}


def test_plan_without_consistency_has_no_teacher(plan):
    asked = replace(plan, objective={"consistency": 0.1, "consistency_passes": 3})

    none = Teacher.of(plan, read_objective(plan), Painter(), 0, 0)
    teacher = Teacher.of(asked, read_objective(asked), Painter(), 5, 1)

    assert none is None
    assert (teacher.kind, teacher.passes, teacher.seed, teacher.rank) == ("exclusive", 3, 5, 1)


def test_plan_without_a_pass_is_refused(plan):
    with pytest.raises(PlanError, match="consistency_passes must be 1 or more, not 0"):
        read_objective(replace(plan, objective={"consistency_passes": 0}))
