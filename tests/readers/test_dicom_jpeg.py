import imagecodecs
import numpy as np
import pydicom
import pytest

from delineate.readers.dicom_jpeg import described, unpack_extended


@pytest.fixture(scope="module")
def packed():
    source = pydicom.dcmread(pydicom.data.get_testdata_file("JPGExtended.dcm"))
    return pydicom.encaps.get_frame(source.PixelData, 0, number_of_frames=1)


def item_of(**changes):
    return {"rows": 1024, "columns": 256, "stored": 12, "high": 11, "is_signed": False, **changes}


def test_twelve_bits_are_unpacked_as_another_library_does(packed):
    array = unpack_extended(packed, item_of())

    truth = imagecodecs.jpeg8_decode(packed)
    assert array.dtype == np.uint16
    assert truth.max() > 255
    assert np.array_equal(array, truth)


@pytest.mark.parametrize("change", [{"rows": 512}, {"columns": 2**15}])
def test_another_size_than_promised_is_refused(packed, change):
    with pytest.raises(ValueError, match="another frame"):
        unpack_extended(packed, item_of(**change))


def test_a_frame_of_eight_bits_is_refused():
    picture = imagecodecs.jpeg8_encode(np.zeros((1024, 256), np.uint8))

    assert described(picture) == (8, 1024, 256, 1)
    with pytest.raises(ValueError, match="another frame"):
        unpack_extended(picture, item_of())


@pytest.mark.parametrize("frame", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x02" * 3, b"x" * 40])
def test_what_is_no_frame_is_refused(frame):
    with pytest.raises(ValueError, match="no baseline or extended"):
        described(frame)


def test_a_frame_cut_short_is_refused(packed):
    with pytest.raises(ValueError, match="cut short"):
        unpack_extended(packed[: len(packed) // 2], item_of())
