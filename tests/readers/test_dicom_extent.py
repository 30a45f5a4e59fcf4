"""Where pixels start and end: found without reading them."""

import numpy as np
import pydicom
import pytest
from tests.readers.dicom_cases import AXIAL, ct_slice, place_along, write

from delineate.readers.dicom_header import read_header


@pytest.fixture
def file(tmp_path):
    return write(ct_slice(place_along(AXIAL, 0)), tmp_path / "a.dcm")


def test_native_pixels_are_found_where_they_start(file):
    values = read_header(str(file), "")

    data = file.read_bytes()[values["offset"] :]
    assert values["available"] == len(data) == 24 * 20 * 2
    assert np.frombuffer(data, np.uint16)[0] == 1024 - 40 - 90 + 50


def test_a_compressed_file_is_walked_to_its_end(tmp_path):
    dataset = ct_slice((0, 0, 0))
    dataset.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
    file = write(dataset, tmp_path / "a.dcm")
    cut = tmp_path / "b.dcm"
    cut.write_bytes(file.read_bytes()[:-30])

    assert read_header(str(file), "")["is_whole"]
    assert not read_header(str(cut), "")["is_whole"]


@pytest.mark.parametrize(
    ("kind", "value", "sign", "expected"),
    [("US", 63536, 1, -2000), ("SS", -2000, 0, 63536), ("SS", -2000, 1, -2000), ("US", 5, 0, 5)],
)
def test_padding_of_another_type_is_read_as_the_pixels_type(tmp_path, kind, value, sign, expected):
    dataset = ct_slice((0, 0, 0), PixelRepresentation=sign)
    dataset.add_new("PixelPaddingValue", kind, value)

    values = read_header(str(write(dataset, tmp_path / "a.dcm")), "")

    assert values["padding"] == [expected, expected]
