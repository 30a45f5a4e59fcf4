"""Batches: what they hold, and that they depend on seed and step alone."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable
from delineate.infer.predictor import Predictor
from delineate.learn.batches import Batches, draw_warp, vary
from delineate.learn.store import Store

IDS = [f"case{number}" for number in range(4)]


def test_batch_is_a_function_of_seed_and_step(store):
    first, second = Batches(store, IDS, seed=1), Batches(store, IDS, seed=1)
    first.draw(0)

    one, two = first.draw(5), second.draw(5)

    assert torch.equal(one.image, two.image)
    assert torch.equal(one.target, two.target)
    assert not torch.equal(one.image, Batches(store, IDS, seed=2).draw(5).image)


def test_shapes_and_values_are_those_of_the_plan(store):
    batch = Batches(store, IDS, seed=0).draw(0)

    assert batch.image.shape == (2, 1, 8, 8, 8)
    assert batch.target.shape == (2, 8, 8, 8)
    assert batch.target.dtype == torch.int64
    assert set(batch.target.unique().tolist()) <= {-1, 0, 1}


def test_processes_share_out_the_cases(store):
    halves = [Batches(store, IDS, seed=0, rank=rank, world_size=2) for rank in (0, 1)]

    seen = Counter(half._case(2 * place + half.rank).id for half in halves for place in range(2))

    assert seen == Counter(IDS)


def test_foreground_patches_hold_the_label(store, plan):
    store.plan = replace(plan, foreground=1.0)
    batches = Batches(store, IDS, seed=0)

    assert all((batches.draw(step).target == 1).any() for step in range(5))


def test_image_and_target_are_warped_alike(store, plan):
    calm = {name: value for name, value in plan.augmentation.items() if name not in {"noise"}}
    store.plan = replace(plan, augmentation=calm, patch=(12, 12, 12))
    batch = Batches(store, IDS, seed=0).draw(3)

    for image, target in zip(batch.image[:, 0], batch.target, strict=True):
        assert image[target == 1].mean() > image[target == 0].mean() + 0.5


def test_slices_of_volumes_feed_a_flat_network(tmp_path, plan, make_case):
    flat = replace(plan, dims=2, patch=(8, 8), foreground=1.0)
    flat = replace(flat, augmentation={"rotate_degrees": [30.0], "scale": [0.9, 1.1]})
    store = Store(tmp_path / "flat", flat)
    store.fill([make_case(0)], 1)

    batch = Batches(store, ["case0"], seed=0).draw(0)

    assert batch.image.shape == (2, 1, 8, 8)
    assert (batch.target == 1).any()


def test_nested_regions_give_layers(tmp_path, plan, make_case):
    table = LabelTable.of_names({"all": [1], "core": [1]})
    nested = replace(plan, labels=replace(table, overlapping=True))
    store = Store(
        tmp_path / "nested", replace(nested, labels=LabelTable.of_names({"w": [1, 2], "c": [1]}))
    )
    store.fill([make_case(0, labels=LabelTable.of_names({"w": [1, 2], "c": [1]}))], 1)

    assert Batches(store, ["case0"], seed=0).draw(0).target.shape == (2, 2, 8, 8, 8)


@pytest.mark.parametrize("dims", [2, 3])
def test_rotation_and_mirror_keep_volume(dims):
    ranges = {"rotate_degrees": [90.0] * dims, "mirror_axes": list(range(dims))}

    for seed in range(10):
        matrix, _ = draw_warp((8,) * dims, ranges, np.random.default_rng(seed))
        assert abs(np.linalg.det(matrix)) == pytest.approx(1)


def test_nothing_asked_for_changes_nothing():
    image = torch.randn(2, 1, 4, 4)

    assert torch.allclose(vary(image, {}, np.random.default_rng(0)), image)


def test_batches_of_tissue_hold_foreground_offsets_and_types(tissue_store):
    batch = Batches(tissue_store, [f"tile{number}" for number in range(4)], seed=0).draw(0)

    assert batch.image.shape == (4, 3, 32, 32)
    assert batch.target.shape == (4, 4, 32, 32)
    assert set(batch.target[:, 0].unique().tolist()) <= {-1.0, 0.0, 1.0}
    assert set(batch.target[:, 3].unique().tolist()) <= {-1.0, 0.0, 1.0}


def test_larger_images_of_tissue_are_drawn_more_often(tmp_path, tissue_plan, make_tissue):
    store = Store(tmp_path, tissue_plan)
    store.fill([make_tissue(0, (40, 40)), make_tissue(1, (120, 120))], 2)
    batches = Batches(store, ["tile0", "tile1"], seed=0)

    drawn = Counter(batches._by_area(np.random.default_rng(seed)).id for seed in range(400))

    assert 300 < drawn["tile1"] < 400


def test_quarter_turns_copy_pixels_and_keep_offsets_true(tissue_store, tissue_plan):
    plan = replace(tissue_plan, augmentation={"quarter_turns": 1.0}, batch_size=8)
    store = tissue_store
    store.plan = plan

    batch = Batches(store, ["tile0", "tile1"], seed=3).draw(0)

    known = {round(float(value), 4) for value in np.unique(store.get("tile0").image)}
    known |= {round(float(value), 4) for value in np.unique(store.get("tile1").image)}
    assert {round(float(value), 4) for value in batch.image.unique()} <= known


def test_turns_without_interpolation_are_all_eight():
    rng = np.random.default_rng(0)

    turns = {draw_warp((8, 8), {"quarter_turns": 1.0}, rng)[0].tobytes() for _ in range(200)}

    assert len({tuple(np.rint(np.frombuffer(turn)).tolist()) for turn in turns}) == 8


def sliced(plan, folder, make_case, *, level, **changes):
    """A store of one volume of noise in two channels whose label lies in one slice alone."""
    case = make_case(0, shape=(9, 16, 12))
    pixels = np.random.default_rng(1).normal(size=(2, 9, 16, 12)).astype(np.float32)
    truth = np.zeros((9, 16, 12), np.uint8)
    truth[level, 4:9, 3:8] = 1
    case = replace(
        case,
        image=Image.of(pixels, case.image.geometry, ("MR", "T2")),
        mask=Mask.of(truth, case.image.geometry),
    )
    values = {
        "dims": 2, "slices": 5, "slice_step": 2, "patch": (16, 12), "foreground": 1.0,
        "channels": ("MR", "T2"), "augmentation": {},
        "normalisation": ({"kind": "range", "low": 0.0, "high": 1.0},) * 2,
    }  # fmt: skip
    store = Store(folder, replace(plan, **{**values, **changes}))
    store.fill([case], 1)
    return store


@pytest.mark.parametrize("level", [0, 4, 8])
def test_patches_of_a_slice_hold_its_neighbours(tmp_path, plan, make_case, level):
    store = sliced(plan, tmp_path, make_case, level=level)
    volume = store.get("case0").image.astype(np.float32)

    batch = Batches(store, ["case0"], seed=0).draw(0)

    places = np.clip(np.arange(level - 4, level + 5, 2), 0, 8)
    expected = np.concatenate([volume[:, place] for place in places])
    assert batch.image.shape == (2, 10, 16, 12)
    assert np.allclose(batch.image[0], expected, atol=1e-6)
    assert np.array_equal(batch.target[0] == 1, store.get("case0").labels[0, level] == 1)


@pytest.mark.parametrize("level", [0, 1, 5, 8])
def test_training_and_prediction_show_a_slice_with_the_same_channels(
    tmp_path, plan, make_case, level
):
    store = sliced(plan, tmp_path, make_case, level=level)
    tiles = []

    class Watching(torch.nn.Module):
        def forward(self, image):
            tiles.extend(image)
            return [image[:, :2]]

    trained = Batches(store, ["case0"], seed=0).draw(0).image[0]
    predictor = Predictor(plan=store.plan, model=Watching())
    list(predictor.logits(store.get("case0").image.astype(np.float32)))

    assert len(tiles) == 9
    assert torch.allclose(trained, tiles[level], atol=1e-6)


def test_slices_are_warped_alike(tmp_path, plan, make_case):
    turns = {name: plan.augmentation[name] for name in ("rotate_degrees", "scale", "elastic")}
    store = sliced(plan, tmp_path, make_case, level=0, augmentation=turns)

    image = Batches(store, ["case0"], seed=0).draw(0).image

    # Below the first slice stands the first slice: three copies, and whatever is done to one
    # is done to all.
    assert torch.equal(image[:, 0:2], image[:, 2:4])
    assert torch.equal(image[:, 0:2], image[:, 4:6])


def test_slices_change_their_tones_alike():
    slice_ = torch.randn(4, 2, 8, 8)
    ranges = {
        "gamma": [0.5, 2.0], "brightness": 0.3, "contrast": [0.5, 2.0], "lowres": 1.0,
        "blur": [0.5, 1.0], "bias_field": 0.3,
    }  # fmt: skip

    for seed in range(8):
        varied = vary(slice_.repeat(1, 5, 1, 1), ranges, np.random.default_rng(seed), slices=5)
        parts = varied.reshape(4, 5, 2, 8, 8)
        assert torch.allclose(parts, parts[:, :1].expand_as(parts), atol=1e-5)
        assert not torch.allclose(parts[:, 0], slice_, atol=0.01)


def test_a_dark_and_a_bright_slice_keep_their_distance():
    dark, bright = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
    image = torch.cat([dark, bright], dim=1)
    ranges = {"contrast": [2.0, 2.0]}

    varied = vary(image, ranges, np.random.default_rng(0), slices=2)

    assert varied[0, 1].mean() - varied[0, 0].mean() == pytest.approx(2.0)


def test_chances_choose_the_cases_of_each_round_and_none_changes_nothing(store):
    plain = Batches(store, IDS, seed=1)
    weighed = Batches(store, IDS, seed=1, chances=np.array([0.75, 0.25, 0.0, 0.0]))

    seen = Counter(weighed._case(number).id for number in range(40))

    assert seen == {"case0": 30, "case1": 10}
    assert Counter(plain._case(number).id for number in range(40)) == dict.fromkeys(IDS, 10)


def test_chances_multiply_areas_where_objects_are_told_apart(tissue_store):
    ids = [f"tile{number}" for number in range(4)]
    plain = Batches(tissue_store, ids, seed=0)

    weighed = Batches(tissue_store, ids, seed=0, chances=np.array([0.5, 0.5, 0.0, 0.0]))

    expected = plain.shares * [1, 1, 0, 0]
    assert np.allclose(weighed.shares, expected / expected.sum())
    assert {weighed._by_area(np.random.default_rng(seed)).id for seed in range(30)} == {
        "tile0",
        "tile1",
    }
