import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from delineate.infer.window import gaussian, lay_tiles, slide

BACKGROUND = torch.tensor([10.0, 0.0])


def pointwise(tiles: Tensor) -> Tensor:
    """Map intensities to two logits, voxel by voxel."""
    return torch.cat([-tiles, 2 * tiles], dim=1)


def gather(slabs) -> tuple[list[int], Tensor]:
    starts, parts = zip(*slabs, strict=True)
    return list(starts), torch.cat(parts, dim=1)


@pytest.mark.parametrize("max_voxels", [None, 4096])
@pytest.mark.parametrize(
    ("shape", "patch"),
    [
        ((40, 50, 30), (16, 16, 16)),
        ((5, 90, 7), (16, 32, 8)),
        ((1, 100, 120), (1, 32, 64)),
        ((9, 33, 64), (1, 32, 32)),
        ((17, 20, 16), (16, 16, 16)),
    ],
)
@pytest.mark.parametrize("batch", [1, 7])
def test_a_pointwise_network_gives_the_same_with_and_without_tiles(shape, patch, max_voxels, batch):
    image = torch.randn(1, *shape)
    tiling = lay_tiles(shape, patch, overlap=0.5, max_voxels=max_voxels)

    starts, logits = gather(slide(image, tiling, pointwise, background=BACKGROUND, batch=batch))

    assert starts == sorted(set(starts))
    assert torch.allclose(logits, pointwise(image[None])[0], atol=1e-5)


@pytest.mark.parametrize("growth", [None, 10**6])
def test_every_voxel_lies_in_a_tile_and_neighbours_overlap_as_asked(growth):
    for size in range(1, 200, 7):
        tiling = lay_tiles((1, size, 64), (1, 32, 64), overlap=0.5, max_voxels=growth)

        starts, length = tiling.starts[1], tiling.tile[1]

        assert starts[0] == 0
        assert starts[-1] + length == max(size, length)
        assert all(later - first <= length - 16 for first, later in pairwise(starts))


def test_an_axis_of_little_more_than_a_patch_is_one_tile():
    tiling = lay_tiles((41, 50, 36), (32, 48, 40), overlap=0.5)

    assert tiling.num_tiles == 1
    assert tiling.tile == (41, 50, 40)


def test_grown_tiles_compute_less_twice_and_stay_within_their_bound():
    small = lay_tiles((300, 300, 300), (48, 48, 48), overlap=0.5)

    large = lay_tiles((300, 300, 300), (48, 48, 48), overlap=0.5, max_voxels=10**6)

    assert math.prod(large.tile) <= 10**6
    assert large.num_tiles * math.prod(large.tile) < 0.5 * small.num_tiles * math.prod(small.tile)


def test_slices_of_a_volume_go_as_a_batch_and_never_grow_into_each_other():
    seen = []

    def network(tiles: Tensor) -> Tensor:
        seen.append(tiles.shape)
        return pointwise(tiles)

    tiling = lay_tiles((9, 32, 32), (1, 32, 32), overlap=0.5, max_voxels=10**6)
    gather(slide(torch.randn(1, 9, 32, 32), tiling, network, background=BACKGROUND, batch=4))

    assert [shape[0] for shape in seen] == [4, 4, 1]
    assert {shape[2] for shape in seen} == {1}


def test_tiles_of_pure_background_are_not_run():
    image = torch.full((1, 16, 64, 64), -1.0)
    image[:, :, 20:30, 20:30] = 1.0
    num_run = 0

    def network(tiles: Tensor) -> Tensor:
        nonlocal num_run
        num_run += len(tiles)
        return pointwise(tiles)

    tiling = lay_tiles((16, 64, 64), (16, 16, 16), overlap=0.5)
    _, logits = gather(slide(image, tiling, network, background=BACKGROUND, batch=2))

    assert 0 < num_run < tiling.num_tiles / 3
    assert torch.equal(logits[:, 0, 60, 60], BACKGROUND)
    assert torch.allclose(logits[:, 3, 25, 25], torch.tensor([-1.0, 2.0]))


def test_an_image_of_pure_background_is_answered_without_the_network():
    tiling = lay_tiles((40, 40, 40), (16, 16, 16), overlap=0.5)

    _, logits = gather(
        slide(torch.zeros(1, 40, 40, 40), tiling, pointwise, background=BACKGROUND, batch=2)
    )

    assert logits.shape == (2, 40, 40, 40)
    assert torch.equal(logits[:, 5, 5, 5], BACKGROUND)


def test_a_band_too_large_for_single_precision_sums_in_half(monkeypatch):
    monkeypatch.setattr("delineate.infer.window.HALF_ABOVE_BYTES", 1)
    image = torch.randn(1, 40, 40, 40)
    tiling = lay_tiles((40, 40, 40), (16, 16, 16), overlap=0.5)

    _, logits = gather(slide(image, tiling, pointwise, background=BACKGROUND, batch=2))

    assert torch.allclose(logits, pointwise(image[None])[0], atol=0.05)


def test_the_middle_of_a_tile_weighs_most_and_no_voxel_nothing():
    weight = gaussian((16, 8, 4), floor=1e-3)

    assert weight.shape == (16, 8, 4)
    assert weight.max() == 1
    assert weight.min() == pytest.approx(1e-3)
    assert torch.allclose(weight, weight.flip(0))


@pytest.mark.parametrize(("shape", "patch"), [((7, 20, 30), (1, 16, 16)), ((1, 40, 40), (1, 8, 8))])
@pytest.mark.parametrize("batch", [1, 5])
def test_each_slice_comes_with_its_neighbours_and_the_ends_stand_in(shape, patch, batch):
    image, offsets = torch.randn(2, *shape), (-4, -2, 0, 2, 4)
    tiling = lay_tiles(shape, patch, overlap=0.5)
    background = torch.zeros(10)

    _, seen = gather(
        slide(image, tiling, lambda tile: tile, background=background, batch=batch, offsets=offsets)
    )

    places = torch.arange(shape[0])
    expected = [image[:, (places + offset).clamp(0, shape[0] - 1)] for offset in offsets]
    assert torch.allclose(seen, torch.cat(expected), atol=1e-5)


def test_an_empty_slice_beside_a_full_one_is_still_run():
    image = torch.zeros(1, 9, 32, 32)
    image[:, 4] = torch.rand(32, 32) + 1
    tiling, num_run = lay_tiles((9, 32, 32), (1, 32, 32), overlap=0.5), 0

    def network(tiles: Tensor) -> Tensor:
        nonlocal num_run
        num_run += len(tiles)
        return tiles[:, :2]

    gather(slide(image, tiling, network, background=BACKGROUND, batch=4, offsets=(-1, 0, 1)))

    assert num_run == 3


def test_neighbours_are_cut_tile_by_tile_and_never_of_the_whole_volume():
    image, largest = torch.randn(1, 40, 16, 16), 0
    tiling = lay_tiles((40, 16, 16), (1, 16, 16), overlap=0.5)

    def network(tiles: Tensor) -> Tensor:
        nonlocal largest
        largest = max(largest, tiles.numel())
        return tiles[:, :2]

    gather(slide(image, tiling, network, background=BACKGROUND, batch=2, offsets=range(-3, 4)))

    assert largest == 2 * 7 * 16 * 16
