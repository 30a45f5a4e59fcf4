"""The loop: it learns, stops in time, and goes on bit by bit."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from delineate.core.errors import PlanError
from delineate.core.labels import LabelTable
from delineate.learn.batches import Batches
from delineate.learn.checkpoint import hash_tensors
from delineate.learn.processes import Processes
from delineate.learn.store import Store
from delineate.learn.supervised import Limit, Trainer
from delineate.learn.unlabelled import Unlabelled
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


SEMI = {"consistency": 0.1}


def make_semi(plan, store, model=None, steps=6):
    torch.manual_seed(0)
    model = model or build_model("unet", 1, 2, 3, **plan.model_options)
    unlabelled = Unlabelled(store, IDS[2:]).batches(seed=0)
    return Trainer(
        plan=plan, model=model, limit=Limit(steps=steps), seed=0, processes=Processes(),
        unlabelled=unlabelled,
    )  # fmt: skip


def test_images_without_labels_change_nothing_at_weight_0(store, plan):
    batches = Batches(store, IDS[:2], seed=0)
    plain, zero = make_trainer(plan), make_semi(replace(plan, objective={"consistency": 0}), store)

    plain.run(batches, each=nothing)
    zero.run(batches, each=nothing)

    assert hash_tensors(plain.average) == hash_tensors(zero.average)
    assert zero.teacher is None


def test_images_without_labels_change_what_is_learnt_and_stand_in_the_history(store, plan):
    batches = Batches(store, IDS[:2], seed=0)
    plain, semi = make_trainer(plan), make_semi(replace(plan, objective=SEMI), store)

    plain.run(batches, each=nothing)
    semi.run(batches, each=nothing)
    semi.note()

    assert hash_tensors(plain.average) != hash_tensors(semi.average)
    assert semi.history[0]["consistency"] > 0
    assert 0 < semi.history[0]["sure"] <= 1


def test_consistency_without_images_says_what_to_do(store, plan):
    trainer = make_trainer(replace(plan, objective=SEMI))

    with pytest.raises(PlanError, match="--unlabelled"):
        trainer.run(Batches(store, IDS, seed=0), each=nothing)


@pytest.mark.parametrize("terms", ["fixed", "kendall"])
@pytest.mark.parametrize("name", ["unet", "medsegformer"])
def test_resumed_run_with_a_teacher_ends_with_the_same_bits(store, plan, name, terms):
    options = plan.model_options
    if name == "medsegformer":
        options = {
            "depths": [1, 1, 1, 1], "strides": [[2] * 3, [2] * 3, [1] * 3, [1] * 3],
            "dropout": 0.2, "drop_path": 0.2,
        }  # fmt: skip
    ours = replace(plan, model=name, model_options=options, objective={**SEMI, "terms": terms})

    def make():
        torch.manual_seed(0)
        return make_semi(ours, store, build_model(name, 1, 2, 3, **options), steps=4)

    batches = Batches(store, IDS[:2], seed=0)
    straight = make()
    straight.run(batches, each=nothing)
    straight.note()
    broken = make()
    for _ in range(2):
        broken.train_step(batches, broken.limit.progress(broken.step, 0))
    tensors, facts = broken.state()
    tensors = {key: value.clone().contiguous() for key, value in tensors.items()}

    resumed = make()
    torch.rand(5)  # whatever happened between
    resumed.restore(tensors, json.loads(json.dumps(facts)))
    resumed.run(batches, each=nothing)
    resumed.note()

    assert hash_tensors(resumed.average) == hash_tensors(straight.average)
    theirs = straight.teacher.model.state_dict()
    assert hash_tensors(resumed.teacher.model.state_dict()) == hash_tensors(theirs)
    assert {**resumed.history[0], "seconds": 0} == {**straight.history[0], "seconds": 0}


def test_teacher_of_objects_is_heeded(tissue_store, tissue_plan):
    ours = replace(tissue_plan, objective=SEMI)
    model = build_model("unet", 3, 5, 2, **tissue_plan.model_options)
    trainer = Trainer(
        plan=ours, model=model, limit=Limit(steps=3), seed=0, processes=Processes(),
        unlabelled=Unlabelled(tissue_store, ["tile2", "tile3"]).batches(seed=0),
    )  # fmt: skip

    trainer.train_step(Batches(tissue_store, ["tile0", "tile1"], seed=0), 0.99)
    trainer.note()

    assert trainer.teacher.kind == "instances"
    assert trainer.history[0]["consistency"] > 0


def test_teacher_of_overlapping_layers_is_heeded(tmp_path, make_case, plan):
    table = LabelTable.of_names({"ball": [1, 2], "core": [2]})
    layered = replace(plan, labels=table, objective=SEMI)
    store = Store(tmp_path / "layers", layered)
    store.fill((replace(make_case(number), labels=table) for number in range(4)), 4)
    trainer = make_semi(layered, store, build_model("unet", 1, 2, 3, **plan.model_options))

    trainer.train_step(Batches(store, IDS[:2], seed=0), 0.99)
    trainer.note()

    assert trainer.teacher.kind == "layers"
    assert trainer.history[0]["consistency"] > 0
