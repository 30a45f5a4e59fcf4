"""Image and mask become one case on one grid."""

import gc
import weakref

import numpy as np
import pytest
from tests.datasets.fakes import write_decathlon

from delineate.core.errors import DatasetError
from delineate.core.geometry import Geometry
from delineate.core.image import Image
from delineate.datasets import open_dataset
from delineate.datasets.pairs import join_channels


def test_pixels_are_freed_with_their_case(tmp_path):
    data = open_dataset(write_decathlon(tmp_path))
    case = data.case("a")
    pixels = weakref.ref(case.image.array)

    del case
    gc.collect()

    assert pixels() is None


def test_unknown_case_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="no usable case 'z'"):
        open_dataset(write_decathlon(tmp_path)).case("z")


def test_channels_on_different_grids_are_refused():
    images = [
        Image.of(np.zeros((1, 2, 3, 4)), Geometry.of_spacing((2, 3, 4), (step, 1, 1)))
        for step in (1.0, 2.0)
    ]

    with pytest.raises(DatasetError, match="different grids"):
        join_channels(images, ("a", "b"), "x")
