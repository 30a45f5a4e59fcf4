"""Small plans, live predictors and run folders, made when a test asks for them."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.infer.bundle import num_outputs
from delineate.models import build_model


class Threshold(nn.Module):
    """Answers bright voxels with label k for intensities near k; so truth is known."""

    def __init__(self, num_outputs: int, *, is_exclusive: bool) -> None:
        super().__init__()
        self.levels = torch.arange(num_outputs) + (0 if is_exclusive else 1)
        self.is_exclusive = is_exclusive
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, image):
        self.shapes.append(tuple(image.shape))
        levels = self.levels.view(1, -1, *[1] * (image.ndim - 2))
        distance = (image[:, :1] - levels).abs()
        return [-10 * distance if self.is_exclusive else 5 - 10 * distance]


@pytest.fixture
def make_plan():
    def make(**changes) -> Plan:
        values = {
            "dataset": "made",
            "layout": "folder",
            "labels": LabelTable.of_names({"front": 1, "back": 2}),
            "channels": ("MR",),
            "dims": 3,
            "canonical": True,
            "spacing_mm": (1.0, 1.0, 1.0),
            "normalisation": ({"kind": "range", "low": 0, "high": 1},) * 9,
            "patch": (16, 16, 16),
            "batch_size": 2,
            "model": "unet",
            "model_options": {"features": [4, 8]},
            "loss": "dice_ce",
            "bf16": False,
        }
        values.update(changes)
        values["normalisation"] = values["normalisation"][: len(values["channels"])]
        return Plan(**values)

    return make


@pytest.fixture
def make_predictor(make_plan):
    def make(**changes):
        from delineate.infer.predictor import Predictor

        plan = make_plan(**changes)
        model = Threshold(num_outputs(plan), is_exclusive=plan.labels.is_exclusive)
        return Predictor(plan=plan, model=model, name="threshold")

    return make


@pytest.fixture
def make_run(tmp_path, make_plan):
    def make(name: str = "run", **changes) -> Path:
        plan = make_plan(**changes)
        folder = tmp_path / name
        folder.mkdir()
        plan.save(folder / "plan.yaml")
        torch.manual_seed(0)
        model = build_model(
            plan.model, len(plan.channels), num_outputs(plan), plan.dims, **plan.model_options
        )
        facts = {"plan_hash": plan.hash(), "labels": plan.labels.to_dict(), "weights_hash": name}
        save_file(
            model.state_dict(), folder / "best.safetensors", metadata={"facts": json.dumps(facts)}
        )
        return folder

    return make
