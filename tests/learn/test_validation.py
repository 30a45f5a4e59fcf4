"""Whole-case scores of weights that are not the network's own."""

import torch

from delineate.learn.checkpoint import hash_tensors
from delineate.learn.validation import validate
from delineate.models import build_model


def test_scores_are_of_the_given_weights_and_the_network_is_left_alone(store, plan):
    model = build_model("unet", 1, 2, 3, **plan.model_options)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    weights["heads.0.weight"].zero_()
    weights["heads.0.bias"].copy_(torch.tensor([1.0, 0.0]))
    before = hash_tensors(model.state_dict())

    scores = validate(model, weights, store, ["case0", "case1"])

    assert scores == {"dice": 0.0, "dice ball": 0.0}
    assert hash_tensors(model.state_dict()) == before
    assert model.training


def test_network_that_sees_brightness_scores_high(store, plan):
    class Bright(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(1))

        def forward(self, image):
            return [torch.cat([0 * image, (image - 1) * self.scale], dim=1)]

    model = Bright()

    scores = validate(model, model.state_dict(), store, ["case0", "case1", "case2"])

    assert scores["dice"] > 0.9
