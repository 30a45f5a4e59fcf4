"""Small plans, live predictors and run folders, made when a test asks for them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.infer.bundle import build_network, num_outputs
from delineate.infer.decoders import Maps


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
        model = build_network(plan)
        facts = {"plan_hash": plan.hash(), "labels": plan.labels.to_dict(), "weights_hash": name}
        save_file(
            model.state_dict(), folder / "best.safetensors", metadata={"facts": json.dumps(facts)}
        )
        return folder

    return make


@pytest.fixture(scope="session")
def make_nuclei():
    """Id maps of ellipses, many of which touch, and the maps that a perfect network gives."""

    def scatter(seed: int, shape: tuple[int, int], num: int, radii=(6, 14)) -> np.ndarray:
        rng = np.random.default_rng(seed)
        ids = np.zeros(shape, np.int32)
        number = 0
        while number < num:
            long, short = rng.uniform(*radii, 2)
            turn, top, left = rng.uniform(0, [np.pi, *shape])
            y, x = np.ogrid[: shape[0], : shape[1]]
            along = (y - top) * np.cos(turn) + (x - left) * np.sin(turn)
            across = (x - left) * np.cos(turn) - (y - top) * np.sin(turn)
            nucleus = (along / long) ** 2 + (across / short) ** 2 <= 1
            is_slim = max(long, short) > 2 * min(long, short)
            if is_slim or nucleus.sum() < 40 or (ids[nucleus] > 0).mean() > 0.05:
                continue
            number += 1
            ids[nucleus & (ids == 0)] = number
        return ids

    return scatter


@pytest.fixture(scope="session")
def true_maps():
    """Maps of an id map: offsets to the centre, or the place within the object from -1 to 1."""

    def make(ids: np.ndarray, *, is_hv: bool = False) -> Maps:
        offsets = np.zeros((2, *ids.shape), np.float32)
        for number in range(1, ids.max() + 1):
            places = np.nonzero(ids == number)
            for axis, along in enumerate(places):
                away = along.mean() - along
                if is_hv:
                    scale = np.where(away > 0, away.max(), -away.min())
                    away = -away / np.maximum(scale, 1e-6)
                offsets[(axis, *places)] = away
        types = np.stack([ids % 2 == kind for kind in range(2)]).astype(np.float32)
        return Maps(foreground=(ids > 0).astype(np.float32), vectors=offsets, types=types)

    return make


@pytest.fixture(scope="session")
def quality():
    """Panoptic quality of an id map against the truth, written anew."""

    def judge(truth: np.ndarray, answer: np.ndarray) -> float:
        pairs, counts = np.unique(
            np.stack([truth.ravel(), answer.ravel()]), axis=1, return_counts=True
        )
        mine, theirs = np.bincount(answer.ravel()), np.bincount(truth.ravel())
        total, num_hits = 0.0, 0
        for (one, other), both in zip(pairs.T.tolist(), counts.tolist(), strict=True):
            overlap = both / (theirs[one] + mine[other] - both)
            if one and other and overlap > 0.5:
                total, num_hits = total + overlap, num_hits + 1
        objects = np.count_nonzero(theirs[1:]) + np.count_nonzero(mine[1:])
        return total / (objects / 2) if objects else 1.0

    return judge


@pytest.fixture
def nuclei_plan(make_plan) -> Plan:
    """Objects of two types in pictures of 0.25 um to the pixel."""
    return make_plan(
        labels=LabelTable.of_names({"one": 1, "other": 2}),
        channels=("red", "green", "blue"),
        dims=2,
        canonical=False,
        spacing_mm=(0.00025, 0.00025),
        normalisation=({"kind": "range", "low": 0.0, "high": 255.0},) * 3,
        patch=(32, 32),
        task="instances",
        loss="nuclei",
    )
