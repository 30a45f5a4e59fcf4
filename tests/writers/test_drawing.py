import numpy as np
import pytest

from delineate.core.geometry import Geometry
from delineate.core.image import Image
from delineate.core.labels import LabelTable
from delineate.writers.drawing import draw_overlay


def share_of(picture, colour):
    pixels = np.asarray(picture)
    return float((pixels == colour).all(axis=-1).mean())


def test_an_outline_has_its_labels_colour(predict):
    array = np.zeros((20, 30, 40), np.uint8)
    array[5:15, 8:22, 10:30] = 3
    image = Image.of(np.random.default_rng(0).random((1, *array.shape)))

    picture = draw_overlay(predict(array, Geometry.of_spacing(array.shape, (3, 1, 1))), image)

    assert share_of(picture, (0, 0, 255)) > 0.002


def test_millimetres_are_square_and_planes_have_one_scale(predict):
    array = np.zeros((10, 40, 40), np.uint8)

    picture = draw_overlay(predict(array, Geometry.of_spacing(array.shape, (8, 1, 2))))

    dark = np.asarray(picture).max(axis=-1) == 0
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    heights = dark[:, columns[5]].sum(), dark[:, columns[-5]].sum()
    assert heights[1] / heights[0] == pytest.approx(2, rel=0.15)  # 80 mm of z, 40 mm of y
    assert rows.size


def test_a_colour_picture_keeps_its_colours(predict):
    array = np.zeros((40, 60), np.uint8)
    image = Image.of(np.full((3, 40, 60), 128, np.uint8), channels=("red", "green", "blue"))

    picture = draw_overlay(predict(array), image)

    assert share_of(picture, (128, 128, 128)) > 0.5


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (1, 1, 1), (2, 300, 1)])
def test_the_smallest_pictures_are_drawn(predict, shape):
    picture = draw_overlay(predict(np.ones(shape, np.uint8)))

    assert picture.width > 100


def test_a_hundred_labels_and_a_long_name_fit(predict):
    array = np.arange(100, dtype=np.uint8).reshape(1, 10, 10).repeat(4, axis=0)
    table = LabelTable.of_names({f"structure {place}": place for place in range(120)})

    picture = draw_overlay(
        predict(array, Geometry.of_spacing(array.shape, (1, 1, 1)), table, case_id="long " * 300)
    )

    assert picture.width <= 1500


def test_overlapping_layers_are_drawn(predict):
    layers = np.zeros((2, 8, 20, 20), bool)
    layers[0, 2:6, 2:15, 2:15] = layers[1, 2:6, 5:18, 5:18] = True

    picture = draw_overlay(predict(layers, is_stack=True))

    assert share_of(picture, (0, 0, 255)) > 0.001
    assert share_of(picture, (10, 200, 30)) > 0.001
