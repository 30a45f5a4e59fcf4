"""Objects found while training goes on."""

import pytest
import torch

from delineate.learn.checkpoint import hash_tensors
from delineate.learn.rehearsal import validate_objects
from delineate.learn.targets import make_targets
from delineate.learn.validation import validate
from delineate.models import build_model


class Oracle(torch.nn.Module):
    """Answers with the truth of the prepared case whose image it sees."""

    def __init__(self, store, ids):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))
        self.answers = {}
        for case in map(store.get, ids):
            labels = torch.from_numpy(case.labels.astype("int64"))
            target = make_targets(labels[:1], labels[1:].float())
            logits = torch.zeros(1, 5, *labels.shape[1:])
            logits[:, 0] = 20 * target[:, 0] - 10
            logits[:, 1:3] = target[:, 1:3]
            self.answers[float(case.image.astype("float32").sum())] = logits

    def forward(self, image):
        return [self.answers[float(image.numpy().sum())] * self.scale]


def test_truth_itself_scores_nearly_one(tissue_store):
    ids = ["tile0", "tile1"]
    model = Oracle(tissue_store, ids)

    scores = validate(model, model.state_dict(), tissue_store, ids)

    assert scores["dice"] == pytest.approx(1, abs=0.02)
    assert scores["aji"] > 0.95
    assert scores["pq"] > 0.95


def test_network_is_left_alone_and_weights_are_those_given(tissue_store, tissue_plan):
    model = build_model("unet", 3, 5, 2, **tissue_plan.model_options)
    before = hash_tensors(model.state_dict())
    weights = {name: torch.zeros_like(value) for name, value in model.state_dict().items()}

    scores = validate_objects(model, weights, tissue_store, ["tile0"])

    assert set(scores) == {"dice", "aji", "pq"}
    assert hash_tensors(model.state_dict()) == before
    assert model.training
