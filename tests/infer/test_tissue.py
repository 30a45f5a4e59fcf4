"""What may enter a nuclei network, and at what scale."""

from dataclasses import replace

import numpy as np
import pytest

from delineate.core.errors import FileError, GeometryError
from delineate.core.geometry import Geometry
from delineate.core.image import Image
from delineate.infer.tissue import ready_tissue, zoom


def picture(mpp=0.25, *, channels=3, dtype=np.uint8, top=200):
    rng = np.random.default_rng(0)
    array = rng.integers(0, top, (channels, 20, 30)).astype(dtype)
    spacing = None if mpp is None else (mpp / 1000, mpp / 1000)
    return Image.of(array, Geometry.of_spacing((20, 30), spacing), source="tile.png")


def test_colours_of_8_bits_stay_as_they_are(nuclei_plan):
    ready = ready_tissue(picture(), nuclei_plan)

    assert np.array_equal(ready.array, picture().array)
    assert ready.channels == ("red", "green", "blue")


def test_grey_is_repeated_and_16_bits_become_8(nuclei_plan):
    grey = ready_tissue(picture(channels=1), nuclei_plan).array
    deep = ready_tissue(picture(dtype=np.uint16, top=4096), nuclei_plan).array

    assert (grey[0] == grey[2]).all()
    assert deep.dtype == np.uint8
    assert deep.max() == 255


def test_unknown_resolution_is_an_error_with_the_mend(nuclei_plan):
    with pytest.raises(GeometryError, match=r"tile\.png does not say its resolution.*--mpp"):
        ready_tissue(picture(None), nuclei_plan)

    ready = ready_tissue(picture(None), nuclei_plan, mpp=0.5)

    assert ready.geometry.spacing_mm == pytest.approx((0.0005, 0.0005))


def test_resolution_by_hand_overrules_the_file(nuclei_plan):
    ready = ready_tissue(picture(0.25), nuclei_plan, mpp=0.5)

    assert zoom(ready.geometry, nuclei_plan) == (2.0, 2.0)


@pytest.mark.parametrize("mpp", [0.0, -1.0, float("nan")])
def test_resolution_must_be_positive(nuclei_plan, mpp):
    with pytest.raises(GeometryError, match="mpp must be a positive number"):
        ready_tissue(picture(), nuclei_plan, mpp=mpp)


def test_enlarging_four_times_is_refused_unless_forced(nuclei_plan):
    with pytest.raises(GeometryError, match=r"enlarged 4 times.*--force"):
        ready_tissue(picture(1.0), nuclei_plan)

    assert ready_tissue(picture(1.0), nuclei_plan, force=True).array.shape == (3, 20, 30)
    assert ready_tissue(picture(0.9), nuclei_plan).array.shape == (3, 20, 30)


def test_nearly_equal_resolutions_count_as_equal(nuclei_plan):
    near = replace(picture(), geometry=Geometry.of_spacing((20, 30), (0.000253, 0.000248)))

    assert zoom(near.geometry, nuclei_plan) == (1.0, 1.0)


def test_what_is_changed_is_noted_and_what_is_not_is_not(nuclei_plan):
    assert ready_tissue(picture(), nuclei_plan).notes == ()

    notes = ready_tissue(picture(channels=1, dtype=np.uint16), nuclei_plan).notes

    assert "grey" in notes[0]
    assert "uint16" in notes[1]


def test_a_file_is_read_once(nuclei_plan):
    looks = []
    image = picture()
    counted = replace(image, load=lambda: looks.append(1) or image.array)

    ready = ready_tissue(counted, nuclei_plan)

    assert ready.array is image.array
    assert counted.array is image.array
    assert looks == [1]


def test_pixels_that_are_no_numbers_are_refused(nuclei_plan):
    array = np.zeros((3, 4, 5), np.float32)
    array[0, 1, 2:4] = np.nan
    image = Image.of(array, Geometry.of_spacing((4, 5), (0.00025, 0.00025)), source="tile.tif")

    with pytest.raises(FileError, match=r"tile\.tif has 2 values that are NaN"):
        ready_tissue(image, nuclei_plan)
