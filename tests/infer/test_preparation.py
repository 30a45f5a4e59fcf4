"""The way to the network's grid and back."""

import numpy as np
import pytest

from delineate.core.geometry import Geometry
from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.infer.preparation import prepare_image, prepare_mask, restore_labels, working_shape

LABELS = LabelTable.of_names({"a": 1, "b": 5}, ignore=9)


def make_plan(**changes):
    values = dict(
        dataset="made",
        layout="folder",
        labels=LABELS,
        channels=("MR",),
        dims=3,
        canonical=True,
        spacing_mm=(2.0, 1.0, 1.0),
        normalisation=({"kind": "zscore"},),
        patch=(8, 8, 8),
        batch_size=1,
        model="unet",
        model_options={},
        loss="dice_ce",
    )
    return Plan(**{**values, **changes})


def oblique(shape, spacing):
    grid = Geometry.of_spacing(shape, spacing)
    turned = grid.affine.copy()
    turned[:3, :3] = np.array([[0, -1, 0], [0, 0, 1], [1, 0, 0]]) @ turned[:3, :3]
    return Geometry(shape=shape, affine=turned)


def test_labels_come_back_to_the_native_grid_exactly():
    rng = np.random.default_rng(0)
    array = rng.integers(0, 3, (4, 5, 6))
    grid = oblique((4, 5, 6), (1.0, 1.0, 1.0))
    plan = make_plan(spacing_mm=(1.0, 1.0, 1.0))

    prepared = prepare_image(Image.of(array[None].astype(np.float32), grid, ("MR",)), plan)

    assert prepared.array.shape[1:] == prepared.canonical_shape
    turned = prepare_mask(Mask.of(array * 0 + np.array([0, 1, 5])[array], grid), LABELS, plan)
    assert np.array_equal(restore_labels(turned[0], prepared), array)


def test_working_shape_follows_the_spacing():
    grid = Geometry.of_spacing((10, 20, 30), (4.0, 0.5, 1.0))

    assert working_shape(grid, make_plan()) == (20, 10, 30)


def test_pixels_without_millimetres_keep_their_grid():
    assert working_shape(Geometry.of_spacing((3, 7, 9)), make_plan()) == (3, 7, 9)


def test_ids_become_places_and_ignored_voxels_minus_one():
    array = np.array([[[0, 1, 5, 9]]])
    grid = Geometry.of_spacing(array.shape, (2.0, 1.0, 1.0))

    out = prepare_mask(Mask.of(array, grid), LABELS, make_plan())

    assert out.tolist() == [[[[0, 1, 2, -1]]]]


def test_nested_regions_become_layers():
    table = LabelTable.of_names({"whole": [1, 2], "core": [2]}, ignore=3)
    array = np.array([[[0, 1, 2, 3]]])
    grid = Geometry.of_spacing(array.shape, (2.0, 1.0, 1.0))

    out = prepare_mask(Mask.of(array, grid), table, make_plan(labels=table))

    assert out[:, 0, 0].tolist() == [[0, 1, 1, -1], [0, 0, 1, -1]]


@pytest.mark.parametrize("is_lazy", [True, False])
def test_image_and_mask_stay_aligned(is_lazy):
    array = np.zeros((6, 12, 12), np.int16)
    array[2:4, 3:9, 2:7] = 1
    grid = oblique(array.shape, (3.0, 0.7, 1.4))
    plan = make_plan()

    image = Image(geometry=grid, channels=("MR",), load=lambda: array[None].astype(np.float32))
    inside = prepare_image(image, plan).array[0] > 0.5
    truth = prepare_mask(Mask.of(array, grid), LABELS, plan)[0] == 1

    assert 2 * (inside & truth).sum() / (inside.sum() + truth.sum()) > 0.85
