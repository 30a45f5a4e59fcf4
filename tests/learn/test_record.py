"""What a run writes of itself."""

import json

import torch

from delineate.learn.record import Record


def test_record_names_cases_in_order_and_the_machine(tmp_path):
    record = Record(
        dataset="balls", fold="0", seed=3, budget="5m", training=["b", "a"], validation=["c"]
    )

    record.save(tmp_path / "run.json")

    facts = json.loads((tmp_path / "run.json").read_text())
    assert facts["training_cases"] == ["a", "b"]
    assert facts["validation_cases"] == ["c"]
    assert (facts["seed"], facts["budget"]) == (3, "5m")
    assert facts["environment"]["torch"] == torch.__version__


def test_images_without_labels_are_named_where_there_are_any(tmp_path):
    facts = {"dataset": "d", "fold": "0", "seed": 0, "budget": "1m"}
    ids = {"training": ["a"], "validation": ["b"]}

    Record(**facts, **ids, unlabelled=["y", "x"]).save(tmp_path / "with.json")
    Record(**facts, **ids).save(tmp_path / "without.json")

    assert json.loads((tmp_path / "with.json").read_text())["unlabelled_images"] == ["x", "y"]
    assert "unlabelled_images" not in json.loads((tmp_path / "without.json").read_text())
