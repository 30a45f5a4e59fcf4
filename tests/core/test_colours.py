"""Any picture becomes three channels of 8 bits."""

import numpy as np
import pytest

from delineate.core.colours import COLOURS, in_8_bits, in_colours
from delineate.core.errors import ShapeError
from delineate.core.image import Image


def test_grey_becomes_three_equal_channels_and_colours_stay():
    grey = Image.of(np.arange(6, dtype=np.uint8).reshape(1, 2, 3))
    coloured = Image.of(np.arange(18, dtype=np.uint8).reshape(3, 2, 3))

    made, same = in_colours(grey), in_colours(coloured)

    assert made.channels == same.channels == COLOURS
    assert (made.array == grey.array).all()
    assert made.array.shape == (3, 2, 3)
    assert (same.array == coloured.array).all()


def test_nothing_is_read_before_it_is_touched():
    def refuse():
        raise AssertionError

    image = Image(geometry=Image.of(np.zeros((1, 2, 3))).geometry, channels=("grey",), load=refuse)

    assert in_colours(image).channels == COLOURS


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([0, 2000, 4000], np.uint16), [0, 128, 255]),
        (np.array([0, 7, 200], np.uint16), [0, 7, 200]),
        (np.array([0, 0.5, 1], np.float32), [0, 128, 255]),
        (np.array([0, np.nan, 1], np.float32), [0, 0, 255]),
        (np.zeros(3, np.float32), [0, 0, 0]),
    ],
)
def test_any_depth_becomes_8_bits(array, expected):
    made = in_8_bits(array)

    assert made.dtype == np.uint8
    assert np.abs(made.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("shape", [(2, 4, 4), (4, 4, 4), (1, 2, 4, 4)])
def test_what_is_no_picture_is_refused(shape):
    with pytest.raises(ShapeError, match="one grey or coloured picture is needed"):
        in_colours(Image.of(np.zeros(shape, np.uint8)))
