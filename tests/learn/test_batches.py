"""Batches: what they hold, and that they depend on seed and step alone."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from delineate.core.labels import LabelTable
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
