"""Small cases with a bright ball each, and a plan that trains on them in seconds."""

import numpy as np
import pytest

from delineate.core.case import Case
from delineate.core.geometry import Geometry
from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.learn.store import Store

BALL = LabelTable.of_names({"ball": 1})


def build_case(number: int, shape=(12, 14, 16), labels=BALL) -> Case:
    rng = np.random.default_rng(number)
    grid = np.stack(np.meshgrid(*[np.arange(size) for size in shape], indexing="ij"), -1)
    centre = np.array(shape) * rng.uniform(0.4, 0.6, len(shape))
    inside = np.linalg.norm(grid - centre, axis=-1) < 0.28 * min(shape)
    image = rng.normal(0, 0.3, shape) + 2 * inside
    geometry = Geometry.of_spacing(shape, [1.0] * len(shape))
    return Case(
        id=f"case{number}",
        patient=f"case{number}",
        image=Image.of(image[None].astype(np.float32), geometry, ("MR",)),
        mask=Mask.of(inside.astype(np.uint8), geometry),
        labels=labels,
    )


@pytest.fixture
def make_case():
    return build_case


@pytest.fixture
def plan() -> Plan:
    return Plan(
        dataset="balls",
        layout="phantoms",
        labels=BALL,
        channels=("MR",),
        dims=3,
        canonical=True,
        spacing_mm=(1.0, 1.0, 1.0),
        normalisation=({"kind": "zscore"},),
        patch=(8, 8, 8),
        batch_size=2,
        model="unet",
        model_options={"features": [4, 8, 8]},
        loss="dice_ce",
        learning_rate=0.01,
        bf16=False,
        ema=0.9,
        augmentation={
            "rotate_degrees": [15.0, 15.0, 15.0],
            "scale": [0.8, 1.25],
            "mirror_axes": [2],
            "translate": 0.05,
            "elastic": {"probability": 0.5, "sigma": 4, "magnitude": 0.5},
            "gamma": [0.7, 1.5],
            "brightness": 0.1,
            "contrast": [0.8, 1.2],
            "noise": 0.1,
            "blur": [0, 1],
            "lowres": 0.3,
            "bias_field": 0.2,
        },
    )


@pytest.fixture
def store(tmp_path, plan) -> Store:
    store = Store(tmp_path / "cache", plan)
    store.fill((build_case(number) for number in range(4)), 4)
    return store
