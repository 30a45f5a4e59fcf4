import numpy as np
import pytest

from delineate.core.errors import ShapeError
from delineate.core.geometry import Geometry
from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable


def test_pixels_are_read_when_first_touched_and_only_once():
    calls = []
    grid = Geometry.of_spacing((3, 4))

    image = Image(
        geometry=grid, channels=("CT",), load=lambda: calls.append(1) or np.zeros((1, 3, 4))
    )

    assert calls == []
    assert image.array is image.array
    assert calls == [1]


def test_an_array_in_memory_gets_a_grid_of_pixels_and_numbered_channels():
    image = Image.of(np.zeros((2, 5, 6)))

    assert image.geometry.shape == (5, 6)
    assert not image.geometry.is_physical
    assert image.channels == ("channel 0", "channel 1")


@pytest.mark.parametrize("shape", [(1, 3, 5), (2, 3, 4), (3, 4)])
def test_pixels_of_another_shape_than_the_header_promised_are_refused(shape):
    grid = Geometry.of_spacing((3, 4))
    image = Image(geometry=grid, channels=("CT",), load=lambda: np.zeros(shape), source="brain.nii")

    with pytest.raises(ShapeError, match=r"brain\.nii holds an array of shape"):
        _ = image.array


def test_a_mask_that_is_no_stack_has_no_layers():
    mask = Mask.of(np.zeros((3, 4), np.uint8))

    assert mask.num_layers is None
    assert mask.array.shape == (3, 4)


def test_a_class_is_cut_out_of_ids():
    table = LabelTable.of_names({"liver": 1, "spleen": 2})
    mask = Mask.of(np.array([[0, 1], [2, 1]]))

    region = mask.region(table.by_name("liver"), table)

    assert region.dtype == bool
    assert region.tolist() == [[False, True], [False, True]]


def test_a_region_covers_all_of_its_ids():
    table = LabelTable.of_names({"whole": [1, 2], "core": [2]})
    mask = Mask.of(np.array([[0, 1], [2, 3]]))

    regions = [mask.region(label, table).tolist() for label in table.labels]

    assert regions == [[[False, True], [True, False]], [[False, False], [True, False]]]


def test_layers_of_a_stack_may_overlap():
    table = LabelTable.of_names({"a": 1, "b": 2})
    stack = np.array([[[1, 1]], [[0, 1]]], dtype=bool)

    mask = Mask.of(stack, is_stack=True)

    assert mask.geometry.shape == (1, 2)
    assert mask.num_layers == 2
    assert mask.region(table.labels[1], table).tolist() == [[False, True]]


def test_a_stack_with_a_layer_missing_is_refused():
    grid = Geometry.of_spacing((1, 2))
    mask = Mask(geometry=grid, num_layers=3, load=lambda: np.zeros((2, 1, 2), bool))

    with pytest.raises(ShapeError, match="its header promises"):
        _ = mask.array
