"""Thin convolutions over the image, grid by grid."""

import pytest
import torch

from delineate.models.stem import Stem


@pytest.mark.parametrize("depth", [1, 2])
def test_each_grid_has_its_map(depth):
    stem = Stem(3, 8, 3, strides=[[1, 1, 1], [1, 2, 2]], depth=depth)

    maps = stem(torch.randn(2, 3, 4, 9, 8))

    assert [tuple(entry.shape) for entry in maps] == [(2, 8, 4, 9, 8), (2, 8, 4, 5, 4)]
    assert sum(value.ndim == 5 for value in stem.parameters()) == 2 * depth


def test_a_coarser_map_is_made_of_the_finer_one():
    stem = Stem(1, 4, 2, strides=[[1, 1], [2, 2]]).eval()
    image = torch.randn(1, 1, 8, 8)
    fine, coarse = stem(image)

    assert torch.equal(stem.grids[1](fine), coarse)
