"""What a finished run hands over."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml

from delineate.infer.predictor import Predictor
from delineate.learn.checkpoint import Checkpoint, save_checkpoint, weights_facts
from delineate.learn.handover import Story, hand_over, slimmed, write_card
from delineate.models import build_model

STORY = Story(
    purpose="Finds balls: bright ones.",
    licence="CC0-1.0",
    command="delineate train balls --out RUN --steps 3",
    training_cases=["case0", "case1"],
    validation="Fold 0: 2 cases.",
    steps=3,
    minutes=0.1,
)


@pytest.fixture
def run(tmp_path, plan):
    torch.manual_seed(0)
    weights = build_model("unet", 1, 2, 3, **plan.model_options).state_dict()
    plan.save(tmp_path / "plan.yaml")
    facts = weights_facts(plan, weights)
    save_checkpoint(tmp_path / "best.safetensors", Checkpoint(tensors=weights, facts=facts))
    return tmp_path


def test_bundle_holds_weights_scores_and_card(run, plan, make_case):
    cases = [make_case(2), make_case(3)]

    board = hand_over(run, plan, cases, 2, STORY, device="cpu")

    assert (run / "weights.safetensors").stat().st_size < (run / "best.safetensors").stat().st_size
    assert json.loads((run / "metrics.json").read_text())["num_cases"] == 2
    assert len((run / "scores.csv").read_text().splitlines()) == 3
    assert board.find("ball", "dice") is not None


def test_slim_weights_answer_the_same(plan):
    weights = build_model("unet", 1, 2, 3, **plan.model_options).state_dict()
    weights["up.0.weight"][0, 0, 0, 0, 0] = 1e6

    slim = slimmed(weights)

    assert slim["up.0.weight"].dtype == torch.float32  # float16 ends at 65504
    assert slim["up.1.weight"].dtype == torch.float16
    assert slim["encoder.0.0.1.running_var"].dtype == torch.float32
    assert torch.allclose(slim["up.1.weight"].float(), weights["up.1.weight"], rtol=1e-3, atol=1e-5)


def test_without_unseen_cases_no_score_is_claimed(run, plan):
    (run / "metrics.json").write_text('{"calibration": {"temperature": 3.0}}')  # an earlier run's

    assert hand_over(run, plan, [], 0, STORY, device="cpu") is None
    assert not (run / "metrics.json").exists()
    assert "None: every case trained." in (run / "card.md").read_text()


def test_card_begins_with_a_head_that_yaml_reads_and_names_every_training_case(plan):
    text = write_card(plan, STORY, None)

    head = yaml.safe_load(text.split("---")[1])
    assert head == {"purpose": STORY.purpose, "licence": "CC0-1.0"}
    assert "case0, case1" in text
    assert STORY.command in text


def test_case_that_cannot_be_scored_is_named_not_hidden(run, plan, make_case):

    from delineate.core.image import Image

    bad = make_case(3)
    constant = Image.of(np.zeros_like(bad.image.array), bad.image.geometry, ("MR",))

    board = hand_over(
        run, plan, [make_case(2), replace(bad, image=constant)], 2, STORY, device="cpu"
    )

    assert [failure.case for failure in board.failures] == ["case3"]


def test_temperature_of_unseen_cases_is_kept_told_and_used_by_the_bundle(run, plan, make_case):
    cases = [make_case(2), make_case(3)]

    hand_over(run, plan, cases, 2, STORY, device="cpu")

    kept = json.loads((run / "metrics.json").read_text())["calibration"]
    predictor = Predictor.load(run, device="cpu")
    tempered = predictor.predict(cases[0], probabilities=True)
    plain = replace(predictor, temperature=1.0).predict(cases[0], probabilities=True)
    assert set(kept) == {"temperature", "ece", "ece_tempered", "num_voxels"}
    assert kept["num_voxels"] == 2 * 12 * 14 * 16
    assert 0 <= kept["ece_tempered"] <= 1
    assert kept["ece_tempered"] != kept["ece"]
    assert predictor.temperature == kept["temperature"] != 1.0
    assert f"divided by {kept['temperature']:.3f}" in (run / "card.md").read_text()
    assert np.array_equal(tempered.mask.array, plain.mask.array)
    assert not np.allclose(tempered.probabilities, plain.probabilities, atol=0.01)
