"""The run's folder: what is written when, and what goes on from it."""

import json

import pytest
import torch

from delineate.core.errors import PlanError
from delineate.learn.batches import Batches
from delineate.learn.checkpoint import load_checkpoint
from delineate.learn.logbook import NUM_VALIDATIONS, Logbook
from delineate.learn.processes import Processes
from delineate.learn.supervised import Limit, Trainer
from delineate.models import build_model


@pytest.fixture
def drawn():
    return []


@pytest.fixture
def make(store, plan, tmp_path, drawn):
    def build(steps=24, seed=0, ids=("case3",)):
        torch.manual_seed(0)
        model = build_model("unet", 1, 2, 3, **plan.model_options)
        trainer = Trainer(
            plan=plan, model=model, limit=Limit(steps=steps), seed=seed, processes=Processes()
        )
        draw = lambda path, history: drawn.append((path, len(history)))  # noqa: E731
        return trainer, Logbook(tmp_path / "run", store, ids, draw=draw)

    return build


def test_run_is_validated_evenly_and_drawn_each_time(make, store, drawn):
    trainer, logbook = make()

    trainer.run(Batches(store, ["case0"], seed=0), each=logbook.each)
    logbook.close()

    steps = [int(row["step"]) for row in json.loads((logbook.folder / "history.json").read_text())]
    assert steps == list(range(2, 25, 2))
    assert len(drawn) == NUM_VALIDATIONS
    assert list((logbook.folder / "tensorboard").iterdir())


def test_stop_saves_the_step_that_is_done(make, store):
    trainer, logbook = make()
    batches = Batches(store, ["case0"], seed=0)
    for _ in range(3):
        trainer.train_step(batches, 0.1)
    logbook.wants_stop = True

    with pytest.raises(KeyboardInterrupt):
        logbook.each(trainer, 0.01)

    assert load_checkpoint(logbook.folder / "state.safetensors").facts["step"] == 3


def test_best_weights_are_those_of_the_best_score(make, monkeypatch):
    trainer, logbook = make()
    scores = iter([0.5, 0.9, 0.7])
    monkeypatch.setattr("delineate.learn.logbook.validate", lambda *given: {"dice": next(scores)})

    hashes = []
    for turn in range(3):
        trainer.average["heads.0.bias"].fill_(turn)
        logbook.each(trainer, (turn + 1) / NUM_VALIDATIONS)
        path = logbook.folder / "best.safetensors"
        hashes.append(load_checkpoint(path).tensors["heads.0.bias"][0].item())
    logbook.close()

    assert hashes == [0, 1, 1]


def test_new_folder_has_nothing_to_resume(make):
    trainer, logbook = make()

    assert not logbook.resume(trainer)


def test_state_of_another_seed_is_refused(make):
    trainer, logbook = make()
    logbook.save(trainer)
    other, again = make(seed=1)

    with pytest.raises(PlanError, match="another plan or seed"):
        again.resume(other)


def test_resumed_run_does_not_validate_twice(make, store):
    trainer, logbook = make()
    trainer.step, logbook.validated, logbook.best = 10, 5, 0.8
    logbook.save(trainer)
    other, again = make()

    assert again.resume(other)
    assert (again.validated, again.best) == (5, 0.8)
