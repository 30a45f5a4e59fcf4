import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from delineate.core.errors import FileError, LabelError
from delineate.readers import read_image, read_mask

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)
IDS = (GREY // 60).astype(np.uint8)


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp", ".gif"])
def test_grey_pictures_have_one_channel(tmp_path, ending):
    Picture.fromarray(GREY).save(tmp_path / f"ä{ending}")

    image = read_image(tmp_path / f"ä{ending}")

    assert image.channels == ("grey",)
    assert np.array_equal(image.array[0], GREY)
    assert not image.geometry.is_physical


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp", ".webp"])
def test_colour_pictures_have_three_channels(tmp_path, ending):
    Picture.fromarray(COLOUR).save(tmp_path / f"a{ending}", lossless=True)

    image = read_image(tmp_path / f"a{ending}")

    assert image.channels == ("red", "green", "blue")
    assert np.array_equal(np.moveaxis(image.array, 0, -1), COLOUR)


def test_jpeg_is_read_as_colours(tmp_path):
    Picture.fromarray(COLOUR).save(tmp_path / "a.JPG", quality=95)

    assert read_image(tmp_path / "a.JPG").array.shape == (3, 6, 8)


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_sixteen_bits_are_kept(tmp_path, ending):
    array = GREY.astype(np.uint16) * 250
    Picture.fromarray(array).save(tmp_path / f"a{ending}")

    image = read_image(tmp_path / f"a{ending}")

    assert image.array.dtype == np.uint16
    assert np.array_equal(image.array[0], array)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_dropped_with_a_note(tmp_path, mode):
    Picture.fromarray(COLOUR).convert(mode).save(tmp_path / "a.png")

    image = read_image(tmp_path / "a.png")

    assert len(image.array) == len(mode) - 1
    assert "alpha channel" in image.notes[0]


def palette_picture():
    picture = Picture.fromarray(IDS, mode=None).convert("P")
    picture.putdata(IDS.ravel().tolist())
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    return picture


@pytest.mark.parametrize("ending", [".png", ".gif", ".tif"])
def test_a_palette_is_looked_up_for_images_and_kept_for_masks(tmp_path, ending):
    palette_picture().save(tmp_path / f"a{ending}")

    image, mask = read_image(tmp_path / f"a{ending}"), read_mask(tmp_path / f"a{ending}")

    assert np.array_equal(mask.array, IDS)
    assert image.array[:, IDS == 2].T.tolist() == [[0, 255, 0]] * (IDS == 2).sum()


def test_bits_are_black_and_white_or_no_and_yes(tmp_path):
    Picture.fromarray(IDS > 1).save(tmp_path / "a.png")

    image, mask = read_image(tmp_path / "a.png"), read_mask(tmp_path / "a.png")

    assert np.array_equal(image.array[0], (IDS > 1) * 255)
    assert np.array_equal(mask.array, IDS > 1)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_a_mask_with_equal_colours_is_grey(tmp_path, mode):
    Picture.fromarray(IDS).convert(mode).save(tmp_path / "a.png")

    assert np.array_equal(read_mask(tmp_path / "a.png").array, IDS)


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_a_coloured_mask_is_refused(tmp_path, ending):
    Picture.fromarray(COLOUR).save(tmp_path / f"a{ending}")

    with pytest.raises(LabelError, match="Save the mask as a grey or palette PNG"):
        _ = read_mask(tmp_path / f"a{ending}").array


def test_a_mask_that_jpeg_has_blurred_is_refused(tmp_path):
    Picture.fromarray(IDS * 60).save(tmp_path / "a.jpg")

    with pytest.raises(LabelError, match="Save masks as PNG"):
        _ = read_mask(tmp_path / "a.jpg").array


@pytest.mark.parametrize("packing", ["tiff_lzw", "packbits", "tiff_adobe_deflate", None])
@pytest.mark.parametrize("array", [GREY, COLOUR, GREY.astype(np.uint16) * 250])
def test_every_packing_of_tiff_is_unpacked(tmp_path, packing, array):
    Picture.fromarray(array).save(tmp_path / "a.tif", compression=packing)

    image = read_image(tmp_path / "a.tif")

    assert np.array_equal(np.moveaxis(image.array, 0, -1).squeeze(), array)


@pytest.mark.parametrize("packing", ["tiff_lzw", "tiff_deflate"])
@pytest.mark.parametrize("page", [GREY, COLOUR])
def test_pages_become_the_first_axis_in_space(tmp_path, packing, page):
    pages = [Picture.fromarray((page // (turn + 1)).astype(np.uint8)) for turn in range(5)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:], compression=packing)

    image = read_image(tmp_path / "a.tif")

    assert image.geometry.shape == (5, 6, 8)
    assert np.array_equal(np.moveaxis(image.array[:, 3], 0, -1).squeeze(), page // 4)


@pytest.mark.parametrize("kind", [np.float32, np.uint32, np.int16, np.bool_])
def test_other_depths_of_tiff_are_read(tmp_path, kind):
    tifffile.imwrite(tmp_path / "a.tif", IDS.astype(kind), compression=None)

    mask = read_mask(tmp_path / "a.tif")

    assert np.array_equal(mask.array, IDS.astype(kind))
    assert mask.array.dtype.kind in "ui"


def test_planes_of_colour_are_put_together(tmp_path):
    array = np.moveaxis(COLOUR, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", planarconfig="separate")

    assert np.array_equal(read_image(tmp_path / "a.tif").array, array)


def test_many_channels_of_microscopy_are_kept(tmp_path):
    array = np.random.default_rng(0).integers(0, 9, (5, 6, 8)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.ome.tif", array, metadata={"axes": "CYX"})

    image = read_image(tmp_path / "a.ome.tif")

    assert np.array_equal(image.array, array)
    assert image.channels[4] == "channel 4"


def test_white_as_zero_is_turned(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GREY, photometric="miniswhite")

    assert np.array_equal(read_image(tmp_path / "a.tif").array[0], 255 - GREY)


def test_stacks_over_time_are_refused(tmp_path):
    array = np.zeros((2, 3, 6, 8), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", array, imagej=True, metadata={"axes": "TZYX"})

    with pytest.raises(FileError, match="T 2, Z 3"):
        read_image(tmp_path / "a.tif")


def test_an_animation_is_refused(tmp_path):
    frames = [Picture.fromarray(GREY // turn) for turn in (1, 2, 3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])

    with pytest.raises(FileError, match="3 frames"):
        read_image(tmp_path / "a.gif")


def test_a_picture_that_asks_to_be_turned_is_left_with_a_note(tmp_path):
    exif = Picture.Exif()
    exif[0x0112] = 6
    Picture.fromarray(GREY).save(tmp_path / "a.jpg", exif=exif)

    image = read_image(tmp_path / "a.jpg")

    assert image.geometry.shape == (6, 8)
    assert "asks viewers to turn it" in image.notes[0]


@pytest.mark.parametrize("ending", [".png", ".tif", ".jpg", ".webp", ".gif"])
def test_a_picture_that_is_cut_short_is_named(tmp_path, ending):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    path = tmp_path / f"a{ending}"
    Picture.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(FileError, match=rf"a{ending} is damaged, cut short or no .* again\."):
        _ = read_image(path).array


@pytest.mark.parametrize("ending", [".png", ".tif", ".jpg", ".webp", ".gif", ".bmp"])
def test_a_file_that_is_no_picture_is_refused(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    path.write_text("no picture at all " * 20)

    with pytest.raises(FileError, match="is damaged, cut short or no"):
        read_image(path)


def test_real_packbits_lzw_and_gif_are_read(shared_data):
    folder = shared_data / "other2d/DRIVE/training"
    for path in sorted((folder / "images").glob("*.tif")):
        image = read_image(path)
        mask = read_mask(folder / "1st_manual" / path.name.replace("_training.tif", "_manual1.gif"))

        assert image.array.shape == (3, *mask.array.shape)
        assert set(np.unique(mask.array)) == {0, 255}
