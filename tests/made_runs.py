"""A run folder as training leaves it, with a small network of random weights, for CT."""

import json

import torch
from safetensors.torch import save_file

from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.models import build_model


def make_ct_run(folder, spacing_mm):
    """Write plan and weights of a model of liver and left kidney, and hand the folder back."""
    plan = Plan(
        dataset="made",
        layout="folder",
        labels=LabelTable.of_names({"liver": 1, "kidney_left": 2}),
        channels=("CT",),
        dims=3,
        canonical=True,
        spacing_mm=spacing_mm,
        normalisation=({"kind": "zscore"},),
        patch=(16, 16, 16),
        batch_size=2,
        model="unet",
        model_options={"features": [4, 8]},
        loss="dice_ce",
    )
    plan.save(folder / "plan.yaml")
    torch.manual_seed(0)
    facts = {"plan_hash": plan.hash(), "weights_hash": "seed 0"}
    weights = build_model("unet", 1, 3, 3, features=[4, 8]).state_dict()
    save_file(weights, folder / "best.safetensors", metadata={"facts": json.dumps(facts)})
    return folder
