"""Small cases with a bright ball each, and a plan that trains on them in seconds."""

from dataclasses import replace

import numpy as np
import pytest

from delineate.core.case import Case
from delineate.core.geometry import Geometry
from delineate.core.image import Image, Mask
from delineate.core.instances import Instances
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


CELLS = LabelTable.of_names({"round": 1, "long": 2})


def build_tissue(number: int, shape=(72, 80), *, is_typed=True) -> Case:
    """Dark ellipses of two types on pink, some of them touching."""
    rng = np.random.default_rng(number)
    ids, kinds = np.zeros(shape, np.int32), []
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    for _ in range(12):
        y, x = rng.uniform(6, shape[0] - 6), rng.uniform(6, shape[1] - 6)
        kind = int(rng.integers(1, 3))
        a, b = (5, 5) if kind == 1 else (8, 3.5)
        inside = ((rows - y) / a) ** 2 + ((columns - x) / b) ** 2 < 1
        if (ids[inside] > 0).mean() < 0.3:
            kinds.append(kind)
            ids[inside & (ids == 0)] = len(kinds)
    image = np.array([225, 170, 200])[:, None, None] + rng.normal(0, 4, (3, *shape))
    colours = np.array([[0, 0, 0], [-120, -120, -70], [-90, -110, -110]]).T
    image += colours[:, np.array([0, *kinds])[ids]]
    found = Instances(
        ids=ids, types=np.array(kinds if is_typed else [0] * len(kinds), dtype=np.int16)
    )
    geometry = Geometry.of_spacing(shape, (0.00025, 0.00025))
    labels = np.where(ids > 0, 255, 0).astype(np.uint8) if not is_typed else found.label_map()
    return Case(
        id=f"tile{number}",
        patient=f"tile{number}",
        image=Image.of(image.clip(0, 255).astype(np.uint8), geometry, ("red", "green", "blue")),
        mask=Mask.of(labels, geometry),
        labels=replace(CELLS, ignore=255),
        load_instances=lambda: found,
    )


@pytest.fixture
def make_tissue():
    return build_tissue


@pytest.fixture
def tissue_plan() -> Plan:
    return Plan(
        dataset="cells",
        layout="tissue",
        labels=replace(CELLS, ignore=255),
        channels=("red", "green", "blue"),
        dims=2,
        canonical=False,
        spacing_mm=(0.00025, 0.00025),
        normalisation=({"kind": "range", "low": 0.0, "high": 255.0},) * 3,
        patch=(32, 32),
        batch_size=4,
        model="unet",
        model_options={
            "features": [8, 16, 16], "strides": [[2, 2]] * 3, "fine": 8, "deep_supervision": False,
        },
        loss="nuclei",
        learning_rate=0.005,
        bf16=False,
        ema=0.9,
        foreground=0.0,
        task="instances",
        augmentation={"quarter_turns": 0.5, "rotate_degrees": [180.0], "scale": [0.9, 1.1],
                      "stain": {"gain": 0.1, "offset": 0.02, "hue": 0.02}},
    )  # fmt: skip


@pytest.fixture
def tissue_store(tmp_path, tissue_plan) -> Store:
    store = Store(tmp_path / "tissue", tissue_plan)
    store.fill((build_tissue(number, is_typed=number != 2) for number in range(4)), 4)
    return store
