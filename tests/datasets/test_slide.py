"""A tile from a seed: what is in sight has an id."""

import numpy as np
import pytest

from delineate.datasets.nuclei_shapes import Shape
from delineate.datasets.population import CONNECTIVE, EPITHELIAL, Cell
from delineate.datasets.slide import paint_slide, tell_apart


def cell(y, x, radius=4.0, type=EPITHELIAL):
    return Cell(shape=Shape(centre=(y, x), axes=(radius, radius)), type=type)


@pytest.mark.parametrize("mpp", [0.1, 0.25, 1.0])
def test_any_resolution_and_odd_shape_can_be_painted(mpp):
    picture, objects = paint_slide(3, (70, 101), mpp, "glands")

    assert picture.shape == (3, 70, 101)
    assert picture.dtype == np.uint8
    assert objects.ids.shape == (70, 101)


def test_cells_out_of_sight_have_no_id():
    cells = [cell(8, 8), cell(8, 8, 2.0), cell(-9, 8), cell(16, 16, type=CONNECTIVE)]

    objects, kept = tell_apart(cells, (96, 96), 0.25)

    assert kept == [cells[0], cells[3]]
    assert objects.types.tolist() == [EPITHELIAL, CONNECTIVE]
    assert len(objects.outlines) == objects.ids.max() == 2


def test_no_cell_in_sight_is_no_error():
    objects, kept = tell_apart([cell(-20, 5)], (32, 32), 0.25)

    assert kept == []
    assert objects.count == 0
