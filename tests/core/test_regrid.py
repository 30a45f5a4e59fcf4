import numpy as np
import pytest

from delineate.core.errors import GeometryError
from delineate.core.geometry import Geometry
from delineate.core.image import Mask
from delineate.core.regrid import regrid_labels


def moved(grid, shift):
    affine = grid.affine.copy()
    affine[:-1, -1] += shift
    return Geometry(shape=grid.shape, affine=affine)


def test_the_same_grid_changes_nothing():
    array = np.random.default_rng(0).integers(0, 4, (5, 6, 7)).astype(np.uint8)
    grid = Geometry.of_spacing((5, 6, 7), (2.0, 1.0, 0.5))

    assert np.array_equal(regrid_labels(Mask.of(array, grid), grid).array, array)


def test_flipped_axes_come_back():
    array = np.random.default_rng(0).integers(0, 4, (5, 6, 7)).astype(np.uint8)
    grid = Geometry.of_spacing((5, 6, 7), (2.0, 1.0, 0.5))
    other = grid.rearranged((2, 0, 1), (0, 2))
    turned = np.flip(array.transpose(2, 0, 1), (0, 2))

    assert np.array_equal(regrid_labels(Mask.of(turned, other), grid).array, array)


def test_half_the_spacing_takes_each_label_for_two_voxels():
    coarse = Geometry.of_spacing((2, 3), (2.0, 2.0))
    array = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)

    fine = regrid_labels(Mask.of(array, coarse), coarse.resampled((4, 6))).array

    assert np.array_equal(fine, array.repeat(2, 0).repeat(2, 1))


def test_outside_is_background():
    grid = Geometry.of_spacing((4, 4), (1.0, 1.0))
    said = regrid_labels(Mask.of(np.ones((4, 4), np.uint8), moved(grid, (2.0, 0.0))), grid).array

    assert said.tolist() == [[0, 0, 1, 1]] * 4


def test_layers_stay_layers():
    grid = Geometry.of_spacing((4, 4), (1.0, 1.0))
    layers = np.stack([np.eye(4, dtype=bool), ~np.eye(4, dtype=bool)])

    said = regrid_labels(Mask.of(layers, grid, is_stack=True), grid)

    assert said.num_layers == 2
    assert np.array_equal(said.array, layers)


def test_pixels_cover_the_field_of_the_grid():
    said = regrid_labels(
        Mask.of(np.array([[1, 2]], np.uint8)), Geometry.of_spacing((2, 4), (3.0, 3.0))
    )

    assert said.array.tolist() == [[1, 1, 2, 2]] * 2


def test_a_picture_is_no_volume():
    with pytest.raises(GeometryError, match="2 axes"):
        regrid_labels(Mask.of(np.ones((4, 4), np.uint8)), Geometry.of_spacing((4, 4, 4)))
