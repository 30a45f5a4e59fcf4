import zlib

import numpy as np
import pytest

from delineate.core.errors import FileError, GeometryError
from delineate.readers import read_image

ARRAY = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
FIELDS = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "BinaryDataByteOrderMSB": "False",
    "DimSize": "4 3 2",
    "ElementSpacing": "0.5 0.6 3",
    "Offset": "10 20 30",
    "ElementType": "MET_SHORT",
}


def written(path, data, **changes):
    fields = {**FIELDS, **changes}
    fields.setdefault("ElementDataFile", "LOCAL")
    lines = [f"{key} = {value}\n" for key, value in fields.items() if value is not None]
    path.write_bytes("".join(lines).encode() + data)
    return path


def test_plain_numbers_are_read(tmp_path):
    image = read_image(written(tmp_path / "a.mha", ARRAY.tobytes()))

    assert np.array_equal(image.array[0], ARRAY)
    assert image.geometry.affine[:3, 3].tolist() == [-10, -20, 30]


def test_big_endian_numbers_are_turned(tmp_path):
    data = ARRAY.astype(">i2").tobytes()

    image = read_image(written(tmp_path / "a.mha", data, BinaryDataByteOrderMSB="True"))

    assert np.array_equal(image.array[0], ARRAY)
    assert image.array.dtype.isnative


def test_interleaved_channels_come_first(tmp_path):
    data = np.stack([ARRAY, ARRAY + 100], axis=-1).tobytes()

    image = read_image(written(tmp_path / "a.mha", data, ElementNumberOfChannels="2"))

    assert np.array_equal(image.array[1], ARRAY + 100)


def test_a_header_size_of_minus_one_takes_the_end_of_the_file(tmp_path):
    (tmp_path / "a.raw").write_bytes(b"preamble" + ARRAY.tobytes())

    path = written(tmp_path / "a.mhd", b"", HeaderSize="-1", ElementDataFile="a.raw")

    assert np.array_equal(read_image(path).array[0], ARRAY)


def test_no_spacing_is_said(tmp_path):
    image = read_image(written(tmp_path / "a.mha", ARRAY.tobytes(), ElementSpacing=None))

    assert not image.geometry.is_physical
    assert "a unit is one voxel" in image.notes[0]


def test_an_impossible_spacing_is_refused(tmp_path):
    path = written(tmp_path / "a.mha", ARRAY.tobytes(), ElementSpacing="1 0 1")

    with pytest.raises(GeometryError, match=r"a\.mha has the spacing"):
        read_image(path)


@pytest.mark.parametrize("named", ["../a.raw", "/etc/hostname", "LIST", "a%d.raw 1 2 1"])
def test_data_outside_the_folder_are_refused(tmp_path, named):
    path = written(tmp_path / "a.mhd", b"", ElementDataFile=named)

    with pytest.raises(FileError, match="one folder"):
        _ = read_image(path).array


def test_a_missing_data_file_is_named(tmp_path):
    path = written(tmp_path / "a.mhd", b"", ElementDataFile="gone.raw")

    with pytest.raises(FileError, match=r"gone\.raw cannot be opened"):
        _ = read_image(path).array


def test_numbers_that_are_cut_short_are_noticed(tmp_path):
    data = zlib.compress(ARRAY.tobytes()[:-2])

    path = written(tmp_path / "a.mha", data, CompressedData="True")

    with pytest.raises(FileError, match="46 bytes of numbers where 48"):
        _ = read_image(path).array


def test_four_axes_are_refused_unless_the_last_is_one(tmp_path):
    fine = written(tmp_path / "a.mha", ARRAY.tobytes(), DimSize="4 3 2 1")
    bad = written(tmp_path / "b.mha", ARRAY.tobytes(), DimSize="4 3 1 2")

    assert np.array_equal(read_image(fine).array[0], ARRAY)
    with pytest.raises(FileError, match="Split it"):
        read_image(bad)
