"""Outlines of objects over their picture."""

import numpy as np

from delineate.core.image import Image
from delineate.writers.nuclei import draw_outlines, edges


def test_rim_lies_within_objects_on_both_sides_of_a_border():
    ids = np.array([[0, 1, 1, 1, 2, 2], [0, 1, 1, 1, 2, 2]], dtype=np.int32)

    assert edges(ids)[0].tolist() == [False, True, False, True, True, False]
    assert edges(ids, thickness=2)[0].tolist() == [False, True, True, True, True, True]


def test_outlines_have_the_colour_of_the_type_and_the_rest_is_the_picture(predict_objects):
    prediction = predict_objects()
    array = np.full((3, 24, 30), 77, np.uint8)
    image = Image.of(array, prediction.mask.geometry, ("red", "green", "blue"))

    picture, shown = draw_outlines(prediction, prediction.instances, image)

    pixels = np.asarray(picture)
    assert shown == 2
    assert pixels.shape == (48, 60, 3)
    assert tuple(pixels[6, 8]) == (10, 200, 30)
    assert tuple(pixels[6, 26]) == (0, 0, 255)
    assert tuple(pixels[0, 0]) == (77, 77, 77)


def test_large_pictures_are_shown_smaller(predict_objects, monkeypatch):
    monkeypatch.setattr("delineate.writers.nuclei.MAX_SIDE", 10)
    prediction = predict_objects()

    picture, shown = draw_outlines(prediction, prediction.instances, None)

    assert max(picture.size) <= 10 * 2
    assert shown < 1
