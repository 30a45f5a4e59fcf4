"""Weights on disk: whole, named by hash, and refused when damaged."""

import pytest
import torch

from delineate.core.errors import PlanError
from delineate.learn.checkpoint import Checkpoint, hash_tensors, load_checkpoint, save_checkpoint


def test_tensors_and_facts_come_back(tmp_path):
    tensors = {"a": torch.randn(3, 4)[:, ::2], "b": torch.tensor(7), "c": torch.ones(2).bfloat16()}

    save_checkpoint(tmp_path / "x.safetensors", Checkpoint(tensors=tensors, facts={"step": 3}))
    loaded = load_checkpoint(tmp_path / "x.safetensors")

    assert loaded.facts == {"step": 3}
    assert all(torch.equal(loaded.tensors[name], value) for name, value in tensors.items())


def test_tied_tensors_are_written_apart(tmp_path):
    tied = torch.ones(3)

    save_checkpoint(
        tmp_path / "x.safetensors", Checkpoint(tensors={"a": tied, "b": tied}, facts={})
    )

    assert set(load_checkpoint(tmp_path / "x.safetensors").tensors) == {"a", "b"}


@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_damaged_or_absent_file_is_one_sentence(tmp_path, content):
    path = tmp_path / "x.safetensors"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(PlanError, match=r"x\.safetensors cannot be read as weights"):
        load_checkpoint(path)


def test_hash_sees_every_bit_and_no_order():
    one = {"a": torch.zeros(2), "b": torch.ones(2)}
    same = {"b": torch.ones(2), "a": torch.zeros(2)}
    other = {"a": torch.tensor([0.0, -0.0]), "b": torch.ones(2)}

    assert hash_tensors(one) == hash_tensors(same)
    assert hash_tensors(one) != hash_tensors(other)
