"""What a file holds: labels stay whole numbers, spacings positive, and errors name the file."""

from pathlib import Path

import numpy as np
import pytest

from delineate.core.errors import GeometryError, LabelError
from delineate.core.geometry import Geometry
from delineate.readers.content import Content, as_labels, check_spacing, native, placed


def content(array, **more):
    geometry = Geometry.of_spacing(array.shape[1:])
    return Content(
        geometry=geometry, load=lambda: array, source="x.nii", num_channels=len(array), **more
    )


def test_channels_without_names_are_numbered():
    assert content(np.zeros((2, 3, 3))).image().channels == ("channel 0", "channel 1")


def test_several_channels_are_no_mask():
    with pytest.raises(LabelError, match=r"x\.nii holds 2 volumes where a mask has one"):
        content(np.zeros((2, 3, 3))).mask()


def test_segments_in_channels_become_layers():
    array = np.array([[[0, 1], [2, 0]], [[1, 0], [0, 1]]])

    mask = content(array, segments=((0, 1), (0, 2), (1, 1))).mask()

    assert mask.num_layers == 3
    assert mask.array.sum(axis=(1, 2)).tolist() == [1, 1, 2]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0.0, 255.0], np.uint8),
        ([0, 300], np.uint16),
        ([-1, 5], np.int32),
        ([False, True], np.uint8),
        ([0, 70000], np.int32),
    ],
)
def test_labels_take_the_smallest_kind_that_holds_them(values, kind):
    stored = np.array(values, dtype=np.int64 if isinstance(values[0], int) else None)
    array = np.array(values) if isinstance(values[0], bool) else stored

    labels = as_labels(array, "x")

    assert labels.dtype == kind
    assert labels.tolist() == values


@pytest.mark.parametrize("value", [0.5, np.nan])
def test_labels_that_are_no_whole_numbers_are_refused(value):
    with pytest.raises(LabelError, match="no whole numbers"):
        as_labels(np.array([0.0, value]), "x")


def test_labels_beyond_32_bits_are_refused():
    with pytest.raises(LabelError, match="beyond 32 bits"):
        as_labels(np.array([0, 2**40]), "x")


def test_foreign_byte_order_and_doubles_become_native():
    assert native(np.array([1, 2], dtype=">i2")).dtype == np.dtype("=i2")
    assert native(np.array([1.5])).dtype == np.float32


@pytest.mark.parametrize("spacing", [(1, 0), (1, -2), (np.nan, 1), (np.inf, 1)])
def test_spacing_that_cannot_be_right_names_the_file(spacing):
    with pytest.raises(GeometryError, match=r"a\.nii has the spacing"):
        check_spacing(spacing, Path("a.nii"))


def test_affine_that_is_none_names_the_file():
    with pytest.raises(GeometryError, match=r"a\.nii: affine"):
        placed((2, 2, 2), np.zeros((4, 4)), Path("a.nii"))
