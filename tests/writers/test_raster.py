from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from delineate.core.errors import LabelError
from delineate.core.geometry import Geometry
from delineate.readers import read_mask
from delineate.writers import write_prediction
from delineate.writers.raster import slice_paths


@pytest.mark.parametrize(("largest", "mode"), [(3, "L"), (300, "I;16")])
def test_values_of_a_label_png_are_the_ids(tmp_path, predict, largest, mode):
    array = np.arange(12).reshape(3, 4) * largest // 11

    write_prediction(predict(array), tmp_path / "a.png")

    with Picture.open(tmp_path / "a.png") as picture:
        assert picture.mode == mode
        assert np.array_equal(np.asarray(picture), array)


def test_png_refuses_ids_beyond_sixteen_bits(tmp_path, predict):
    with pytest.raises(LabelError, match="Write it as tiff"):
        write_prediction(predict(np.full((3, 4), 70000)), tmp_path / "a.png")


def test_a_volume_becomes_one_png_a_slice(tmp_path, predict):
    prediction = predict()

    write_prediction(prediction, tmp_path / "a.png")

    found = sorted(path.name for path in tmp_path.iterdir())
    assert found == ["a_z000.png", "a_z001.png", "a_z002.png", "a_z003.png"]
    third = read_mask(tmp_path / "a_z002.png")
    assert np.array_equal(third.array, prediction.mask.array[2])
    assert third.geometry.spacing_mm == pytest.approx(prediction.mask.geometry.spacing_mm[1:])


def test_slices_beyond_a_thousand_still_sort():
    names = slice_paths(Path("out/a.png"), 1200)

    assert names[0] == Path("out/a_z0000.png")
    assert names == sorted(names)


@pytest.mark.parametrize("ending", [".tif", ".tiff"])
def test_a_tiff_has_one_page_a_slice(tmp_path, predict, ending):
    prediction = predict()

    write_prediction(prediction, tmp_path / f"a{ending}")

    with tifffile.TiffFile(tmp_path / f"a{ending}") as tiff:
        assert len(tiff.pages) == 4
    with Picture.open(tmp_path / f"a{ending}") as picture:
        assert np.array_equal(np.asarray(picture), prediction.mask.array[0])


@pytest.mark.parametrize("shape", [(1, 5, 6), (3, 5, 6), (4, 5, 3), (3, 5, 3)])
def test_small_stacks_are_not_taken_for_colours(tmp_path, predict, shape):
    array = np.random.default_rng(0).choice([0, 1, 3], shape)

    write_prediction(predict(array, Geometry.of_spacing(shape, (3, 1, 1))), tmp_path / "a.tif")

    assert np.array_equal(read_mask(tmp_path / "a.tif").array.reshape(shape), array)
