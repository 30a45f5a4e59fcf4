"""Files inside folders and zips, by the same names."""

import numpy as np
import pytest
from tests.datasets.histology import encoded, picture, unpacked, zipped

from delineate.core.errors import DatasetError, FileError
from delineate.datasets import archive
from delineate.datasets.archive import Entry, FolderArchive, ZipArchive, decoded, picture_size

FILES = {"Tissue Images/a.tif": b"one", "b b/c.xml": b"two"}


def test_folder_and_zip_show_the_same_files_without_hidden_ones(tmp_path):
    folder = FolderArchive(unpacked(tmp_path / "unpacked", {**FILES, ".cache/x": b""}))
    packed = ZipArchive(zipped(tmp_path / "packed.zip", FILES))

    assert folder.names == packed.names == ("Tissue Images/a.tif", "b b/c.xml")
    assert [packed.read(name) for name in packed.names] == [b"one", b"two"]
    assert [folder.read(name) for name in folder.names] == [b"one", b"two"]
    assert packed.where("b b/c.xml") == str(tmp_path / "packed.zip" / "b b/c.xml")
    assert Entry(packed, "b b/c.xml").read() == b"two"


def test_a_zip_that_is_cut_short_is_refused_in_one_sentence(tmp_path):
    path = zipped(tmp_path / "cut.zip", FILES)
    path.write_bytes(path.read_bytes()[:-30])

    with pytest.raises(DatasetError, match=r"cut\.zip cannot be opened as a zip .* Download it"):
        _ = ZipArchive(path).names


def test_a_file_that_was_damaged_inside_a_zip_is_named(tmp_path):
    path = zipped(tmp_path / "damaged.zip", {"a.bin": bytes(range(256)) * 40})
    content = bytearray(path.read_bytes())
    content[60:90] = b"\0" * 30
    path.write_bytes(content)

    with pytest.raises(FileError, match=r"damaged\.zip/a\.bin"):
        ZipArchive(path).read("a.bin")


def test_a_file_that_unpacks_to_more_than_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST", 100)
    path = zipped(tmp_path / "bomb.zip", {"a.bin": b"\0" * 101})

    with pytest.raises(FileError, match="would unpack to 101 bytes"):
        ZipArchive(path).read("a.bin")


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "packbits"}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_pictures_of_every_packing_come_as_three_channels(format, options):
    pixels = picture()
    content = encoded(pixels, format, **options)

    colours = decoded(content, "a", as_colours=True)

    assert picture_size(content, "a") == pixels.shape[:2]
    assert np.array_equal(np.moveaxis(colours, 0, -1), pixels)


def test_alpha_is_dropped_and_grey_becomes_three_equal_channels():
    pixels = picture()
    alpha = np.dstack([pixels, np.zeros(pixels.shape[:2], np.uint8)])

    coloured = decoded(encoded(alpha, "PNG"), "a", as_colours=True)
    grey = decoded(encoded(pixels[..., 0], "PNG"), "a", as_colours=True)

    assert np.array_equal(np.moveaxis(coloured, 0, -1), pixels)
    assert np.array_equal(grey, np.stack([pixels[..., 0]] * 3))


def test_a_damaged_picture_is_named():
    content = encoded(picture(), "PNG")

    with pytest.raises(FileError, match=r"here\.png is damaged"):
        decoded(content[: len(content) // 2], "here.png", as_colours=True)
    with pytest.raises(FileError, match=r"here\.png is damaged"):
        picture_size(b"not a picture", "here.png")
