"""Correction of unsure voxels, grid by grid."""

import pytest
import torch

from delineate.models.base import resize
from delineate.models.points import Choice
from delineate.models.refinement import Refiner, grids

GRIDS = {2: [(8, 6), (16, 12)], 3: [(8, 8, 6), (8, 16, 12)]}
"""Sizes to correct, coarse first."""


def make(dims, **options):
    torch.manual_seed(0)
    return Refiner(6, 3, dims, num_grids=2, guide=4, width=8, **options)


def inputs(dims):
    torch.manual_seed(1)
    fine = (8, 16, 12)[-dims:]
    coarse = [
        size // 4 if axis else size // (4 if dims == 2 else 2) for axis, size in enumerate(fine)
    ]
    return (
        [torch.randn(2, 4, *size) for size in GRIDS[dims]],
        torch.randn(2, 6, *coarse),
        torch.randn(2, 3, *coarse),
    )


def stir(refiner):
    torch.manual_seed(2)
    for corrector in refiner.correctors:
        torch.nn.init.normal_(corrector.out.weight)
    return refiner


def test_grids_halve_down_to_the_image():
    assert grids([4, 4]) == [[2, 2], [1, 1]]
    assert grids([1, 4, 4]) == [[1, 2, 2], [1, 1, 1]]
    assert grids([2, 2]) == [[1, 1]]
    assert grids([1, 1]) == []


@pytest.mark.parametrize("dims", [2, 3])
def test_a_new_refiner_only_interpolates(dims):
    guides, features, coarse = inputs(dims)

    grown, _ = make(dims).eval()(guides, features, coarse)

    assert torch.equal(grown[0], resize(coarse, guides[-1].shape[2:]))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("iterations", [1, 2])
def test_dense_and_sparse_agree(dims, iterations):
    sparse = stir(make(dims, iterations=iterations)).eval()
    dense = make(dims, iterations=iterations, is_dense=True).eval()
    dense.load_state_dict(sparse.state_dict())
    data = inputs(dims)

    first, second = sparse(*data)[0][0], dense(*data)[0][0]

    assert torch.allclose(first, second, atol=1e-5)
    assert not torch.allclose(first, resize(data[2], data[0][-1].shape[2:]), atol=0.1)


def test_only_chosen_places_change_on_the_finest_grid():
    refiner = stir(make(2, choice=Choice(shares=(1e-9, 0.05)))).eval()
    torch.nn.init.zeros_(refiner.correctors[0].out.weight)
    guides, features, coarse = inputs(2)

    grown, points = refiner(guides, features, coarse)
    moved = (grown[0] != resize(coarse, guides[-1].shape[2:])).any(1).flatten(1)

    for row, places in zip(moved, points[0].places, strict=True):
        assert set(row.nonzero()[:, 0].tolist()) <= set(places.tolist())
    assert moved.any()


def test_gradients_reach_every_part_in_training():
    refiner = stir(make(2)).train()
    guides, features, coarse = inputs(2)
    features.requires_grad_()

    grown, points = refiner(guides, features, coarse, priority=torch.rand(2, 16, 12))
    (grown[0].square().sum() + points[0].logits.sum()).backward()

    assert all(value.grad is not None for value in refiner.parameters())
    assert features.grad.abs().sum() > 0


def test_doubt_from_elsewhere_decides_where():
    refiner = stir(make(2, choice=Choice(shares=(0.1, 0.05)))).eval()
    guides, features, coarse = inputs(2)
    doubt = torch.zeros(2, 4, 3)
    doubt[:, 0, 0] = 1.0

    _, points = refiner(guides, features, coarse, doubt)
    rows, columns = points[0].places // 12, points[0].places % 12

    assert (rows < 8).all()
    assert (columns < 8).all()


def test_random_control_corrects_elsewhere_than_doubt():
    guides, features, coarse = inputs(2)
    chosen = [
        set(
            make(2, choice=Choice(shares=(0.1, 0.1), by=by))
            .eval()(guides, features, coarse)[1][0]
            .places[0]
            .tolist()
        )
        for by in ("uncertain", "random")
    ]

    assert chosen[0] != chosen[1]
