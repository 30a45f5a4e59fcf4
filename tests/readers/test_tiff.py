"""TIFF: pages, planes, compressions and what is refused."""

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from delineate.core.errors import FileError
from delineate.readers.tiff import open_tiff

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "packbits", "tiff_adobe_deflate"])
@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 3)])
def test_every_compression_gives_the_same_pixels(tmp_path, compression, shape):
    array = RNG.integers(0, 255, shape).astype(np.uint8)
    Picture.fromarray(array).save(tmp_path / "a.tif", compression=compression)

    image = open_tiff(tmp_path / "a.tif", as_mask=False).image()

    expected = array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)
    assert np.array_equal(image.array, expected)


def test_pages_are_slices(tmp_path):
    array = RNG.integers(0, 60000, (5, 7, 9)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack")

    content = open_tiff(tmp_path / "a.tif", as_mask=False)

    assert content.geometry.shape == (5, 7, 9)
    assert np.array_equal(content.image().array[0], array)


def test_white_is_zero_is_turned_for_images_but_not_for_ids(tmp_path):
    array = RNG.integers(0, 4, (6, 6)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="miniswhite")

    image = open_tiff(tmp_path / "a.tif", as_mask=False).image().array[0]
    mask = open_tiff(tmp_path / "a.tif", as_mask=True).mask().array

    assert np.array_equal(image, 255 - array)
    assert np.array_equal(mask, array)


def test_alpha_is_dropped_with_a_note(tmp_path):
    array = RNG.integers(0, 255, (6, 5, 4)).astype(np.uint8)
    Picture.fromarray(array).save(tmp_path / "a.tif")

    content = open_tiff(tmp_path / "a.tif", as_mask=False)

    assert content.num_channels == 3
    assert "alpha" in content.notes[0]
    assert np.array_equal(content.image().array, np.moveaxis(array[..., :3], -1, 0))


def test_more_axes_than_a_stack_are_refused_by_name(tmp_path):
    array = RNG.integers(0, 255, (2, 3, 6, 5)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", array, imagej=True, metadata={"axes": "TZYX"})

    with pytest.raises(FileError, match="Save one picture or one stack per file"):
        open_tiff(tmp_path / "a.tif", as_mask=False)


def test_cut_off_file_is_one_sentence(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", RNG.integers(0, 255, (64, 64)).astype(np.uint8))
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(FileError, match=r"a\.tif"):
        _ = open_tiff(tmp_path / "a.tif", as_mask=False).image().array
