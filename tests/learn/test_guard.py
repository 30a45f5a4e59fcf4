"""The watch over losses: what it lets pass, what it skips, and when it ends a run."""

import json

import pytest
import torch

from delineate.core.errors import TrainingError
from delineate.learn.batches import Batch
from delineate.learn.checkpoint import load_checkpoint
from delineate.learn.guard import Guard

BATCH = Batch(image=torch.full((2, 1, 4, 4), float("inf")), target=torch.ones(2, 4, 4).long())
BROKEN = float("nan")


def test_finite_numbers_pass_and_others_are_counted(tmp_path):
    guard = Guard(tmp_path)

    passed = [guard.check(value, BATCH, step) for step, value in enumerate((1.0, BROKEN, 2.0))]

    assert passed == [True, False, True]
    assert guard.skipped == 1
    assert list(tmp_path.iterdir()) == []


def test_tensors_of_any_kind_are_looked_at(tmp_path):
    guard = Guard(tmp_path)

    assert guard.check(torch.tensor(1.0, dtype=torch.bfloat16), BATCH, 0)
    assert not guard.check(torch.tensor(float("-inf")), BATCH, 1)


def test_tenth_in_a_row_keeps_the_batch_and_stops(tmp_path):
    guard = Guard(tmp_path / "run", rank=1)
    for step in range(9):
        guard.check(BROKEN, BATCH, step)

    with pytest.raises(TrainingError, match=r"step 9.*not_finite_step9_rank1\.safetensors"):
        guard.check(BROKEN, BATCH, 9)

    kept = load_checkpoint(tmp_path / "run" / "not_finite_step9_rank1.safetensors")
    assert torch.equal(kept.tensors["image"], BATCH.image)
    assert torch.equal(kept.tensors["target"], BATCH.target)
    assert kept.facts["step"] == 9


def test_one_good_step_begins_the_count_anew(tmp_path):
    guard = Guard(tmp_path, patience=3)

    for step, value in enumerate([BROKEN, BROKEN, 1.0, BROKEN, BROKEN]):
        guard.check(value, BATCH, step)

    assert guard.skipped == 4
    assert guard.in_row == 2


def test_count_survives_a_restart(tmp_path):
    first, second = Guard(tmp_path, patience=3), Guard(tmp_path, patience=3)
    for step in range(2):
        first.check(BROKEN, BATCH, step)

    second.restore(json.loads(json.dumps(first.state())))

    with pytest.raises(TrainingError, match="3 steps in a row"):
        second.check(BROKEN, BATCH, 2)
