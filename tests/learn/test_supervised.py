"""The loop: it learns, stops in time, and goes on bit by bit."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from delineate.learn.batches import Batches
from delineate.learn.checkpoint import hash_tensors
from delineate.learn.processes import Processes
from delineate.learn.supervised import Limit, Trainer, schedule
from delineate.models import build_model

IDS = [f"case{number}" for number in range(4)]


def make_trainer(plan, steps=6):
    torch.manual_seed(0)
    model = build_model("unet", 1, 2, 3, **plan.model_options)
    return Trainer(plan=plan, model=model, limit=Limit(steps=steps), seed=0, processes=Processes())


def nothing(trainer, share):
    del trainer, share


def test_loss_falls_on_a_task_that_can_be_learnt(store, plan):
    trainer = make_trainer(plan, steps=40)

    trainer.run(Batches(store, IDS, seed=0), each=nothing)

    assert sum(trainer.recent[-5:]) < 0.7 * sum(trainer.recent[:5])


def test_resumed_run_ends_with_the_same_bits(store, plan):
    batches = Batches(store, IDS, seed=0)
    straight = make_trainer(plan)
    straight.run(batches, each=nothing)
    broken = make_trainer(plan)
    for _ in range(3):
        broken.train_step(batches, broken.limit.progress(broken.step, 0))
    tensors, facts = broken.state()
    tensors = {name: value.clone().contiguous() for name, value in tensors.items()}

    resumed = make_trainer(plan)
    resumed.restore(tensors, facts)
    resumed.run(batches, each=nothing)

    assert hash_tensors(resumed.average) == hash_tensors(straight.average)
    assert hash_tensors(resumed.model.state_dict()) == hash_tensors(straight.model.state_dict())


@pytest.mark.parametrize("terms", ["fixed", "kendall", "dwa"])
def test_resumed_run_of_a_network_that_refines_itself_ends_with_the_same_bits(store, plan, terms):
    objective = {"balance": "dynamic", "adaptive_tversky": True, "terms": terms}
    options = {"depths": [1, 1, 1, 1], "strides": [[2] * 3, [2] * 3, [1] * 3, [1] * 3]}
    ours = replace(
        plan, model="medsegformer", model_options=options, loss="tversky_ce", objective=objective
    )

    def make():
        torch.manual_seed(0)
        model = build_model("medsegformer", 1, 2, 3, **options, drop_path=0.0, dropout=0.0)
        limit = Limit(steps=6)
        presence = np.ones((4, 1), bool)
        return Trainer(
            plan=ours, model=model, limit=limit, seed=0, processes=Processes(), presence=presence
        )

    batches = Batches(store, IDS, seed=0)
    straight, broken, resumed = make(), make(), make()
    for step in range(4):
        torch.manual_seed(step)  # chance within a network is not part of a run's state
        straight.train_step(batches, step / 4)
    for step in range(2):
        torch.manual_seed(step)
        broken.train_step(batches, step / 4)
    tensors, facts = broken.state()
    resumed.restore({k: v.clone() for k, v in tensors.items()}, json.loads(json.dumps(facts)))
    for step in range(2, 4):
        torch.manual_seed(step)
        resumed.train_step(batches, step / 4)

    assert hash_tensors(resumed.average) == hash_tensors(straight.average)
    assert resumed.objective.row() == straight.objective.row()
    assert resumed.objective.row()


def test_loss_that_is_not_finite_skips_the_step(store, plan):
    trainer = make_trainer(plan)
    before = hash_tensors(dict(trainer.model.named_parameters()))
    trainer.objective.loss = lambda logits, target: logits.sum() * float("nan")

    trainer.train_step(Batches(store, IDS, seed=0), 0.5)

    assert trainer.skipped == 1
    assert hash_tensors(dict(trainer.model.named_parameters())) == before


def test_average_follows_weights_and_buffers(store, plan):
    trainer = make_trainer(plan)
    trainer.run(Batches(store, IDS, seed=0), each=nothing)

    moved = [name for name in trainer.average if name.endswith("running_mean")]

    assert moved
    assert all(trainer.average[name].abs().sum() > 0 for name in moved)


def test_time_limit_ends_the_run(store, plan):
    trainer = make_trainer(plan)
    trainer.limit = Limit(seconds=0.3)

    trainer.run(Batches(store, IDS, seed=0), each=nothing)

    assert trainer.step >= 1
    assert trainer.seconds >= 0.3


def test_schedule_rises_then_falls_to_nearly_nothing():
    rates = [schedule(share / 100, 0.1) for share in range(101)]

    assert rates[10] == pytest.approx(1.0)
    assert all(later >= before for before, later in pairwise(rates[:11]))
    assert all(later <= before for before, later in pairwise(rates[10:]))
    assert 0 < rates[-1] < 0.01
