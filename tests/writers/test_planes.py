import numpy as np
import pytest

from delineate.core.errors import ShapeError
from delineate.core.geometry import Geometry
from delineate.core.image import Image
from delineate.writers.planes import planes_of


def marked(geometry):
    """An image whose one bright voxel, and a mask whose id 1, is most right, front and head."""
    order, flips = geometry.canonical_axes()
    corner = [0, 0, 0]
    for place, axis in enumerate(order):
        corner[axis] = 0 if place in flips else geometry.shape[axis] - 1
    array = np.zeros(geometry.shape, np.float32)
    array[tuple(corner)] = 1
    return array


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)])
@pytest.mark.parametrize("flips", [(), (0,), (1, 2), (0, 1, 2)])
def test_right_is_left_and_front_and_head_are_above(predict, order, flips):
    geometry = Geometry.of_spacing((4, 5, 6), (3, 2, 1)).rearranged(order, flips)
    array = marked(geometry)
    prediction = predict((array > 0).astype(np.uint8), geometry)

    axial, coronal, sagittal = planes_of(prediction, Image.of(array[None], geometry))

    for plane in (axial, coronal, sagittal):
        assert plane.regions[0][0, 0]
        assert plane.regions[0].sum() == 1
        assert plane.pixels[0, 0].tolist() == [255, 255, 255]
    assert [plane.sides for plane in (axial, coronal, sagittal)] == ["RLAP", "RLSI", "APSI"]
    assert [plane.steps for plane in (axial, coronal, sagittal)] == [(2, 1), (3, 1), (3, 2)]
    assert axial.size == (10, 6)


def test_the_slice_with_most_label_is_chosen(predict):
    array = np.zeros((4, 5, 6), np.uint8)
    array[2, 1:3, 1:4] = 1

    planes = planes_of(predict(array, Geometry.of_spacing((4, 5, 6), (1, 1, 1))), None)

    assert planes[0].title == "axial  3 / 4"
    assert planes[0].regions[0].sum() == 6


def test_without_labels_the_middle_is_shown(predict):
    array = np.zeros((5, 7, 9), np.uint8)

    planes = planes_of(predict(array, Geometry.of_spacing(array.shape, (1, 1, 1))), None)

    assert [plane.title[-5:] for plane in planes] == ["3 / 5", "4 / 7", "5 / 9"]


def test_an_unknown_orientation_is_shown_as_stored(predict):
    array = np.zeros((4, 5, 6), np.uint8)
    array[0, 0, 0] = 1

    planes = planes_of(predict(array, Geometry.of_spacing(array.shape)), None)

    assert all(plane.regions[0][0, 0] and not plane.sides for plane in planes)
    assert planes[0].title == "axis 0  1 / 4"


@pytest.mark.parametrize("value", [np.nan, 7.0])
def test_an_image_without_contrast_is_shown(predict, value):
    array = np.zeros((4, 5, 6), np.uint8)
    image = Image.of(np.full((1, 4, 5, 6), value, np.float32))

    planes = planes_of(predict(array, Geometry.of_spacing(array.shape)), image)

    assert len(planes) == 3


def test_an_image_of_another_shape_is_refused(predict):
    with pytest.raises(ShapeError, match="Pass the image that the mask was made from"):
        planes_of(predict(), Image.of(np.zeros((1, 4, 5, 6))))
