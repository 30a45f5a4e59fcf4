"""Pixels: rescaled exactly, bits that are not the image's cleared, padding made air."""

import numpy as np
import pytest
from tests.readers.dicom_cases import ct_slice, write

from delineate.readers.dicom_frames import frames_of
from delineate.readers.dicom_header import read_header
from delineate.readers.dicom_pixels import TooNarrowError, digest, fill, rescale
from delineate.readers.dicom_sources import SourceFile

PLAIN = {"slope": 1, "intercept": 0, "padding": None, "air": -1024.0}


def rescaled(stored, kind, **changes):
    target = np.zeros(stored.shape, dtype=kind)
    padded = rescale(stored, {**PLAIN, **changes}, target)
    return target, padded


def item_of(path):
    (frame,) = frames_of(SourceFile(path=str(path)), read_header(str(path), ""))
    return frame.pixel_item()


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16, np.int32])
def test_whole_slopes_are_exact_whatever_the_stored_type(kind):
    stored = np.array([[0, 100], [7, 120]], dtype=kind)

    found, _ = rescaled(stored, np.int16, slope=-3, intercept=-1024)

    assert np.array_equal(found, stored.astype(int) * -3 - 1024)


def test_unsigned_values_beyond_16_bits_come_back_by_their_intercept():
    stored = np.array([[64512, 65535]], dtype=np.uint16)

    found, _ = rescaled(stored, np.int16, intercept=-65536 + 1024)

    assert found.tolist() == [[0, 1023]]


def test_values_that_do_not_fit_ask_for_a_wider_type():
    with pytest.raises(TooNarrowError):
        rescaled(np.array([[40_000]], dtype=np.uint16), np.int16)


def test_padding_may_lie_beyond_the_type_that_holds_the_rest():
    stored = np.array([[65535, 1000]], dtype=np.uint16)

    found, padded = rescaled(stored, np.int16, padding=[65000, 65535])

    assert found.tolist() == [[-1024, 1000]]
    assert padded == 1


def test_fractions_are_kept():
    found, _ = rescaled(np.array([[3]], dtype=np.uint16), np.float32, slope=0.5, intercept=0.25)

    assert found.tolist() == [[1.75]]


def test_bits_of_an_overlay_are_cleared(tmp_path):
    dataset = ct_slice((0, 0, 0))
    stored = np.frombuffer(dataset.PixelData, np.uint16)
    dataset.PixelData = (stored | 0x8000).tobytes()
    item = item_of(write(dataset, tmp_path / "a.dcm"))
    (tmp_path / "raw").write_bytes(bytes(2 * stored.size))

    request = {"target": str(tmp_path / "raw"), "dtype": "int16", "shape": [1, 24, 20]}
    answers = list(fill({**request, "items": [item]}))

    found = np.fromfile(tmp_path / "raw", np.int16)
    assert np.array_equal(found, stored.astype(int) - 1024)
    assert answers[-1] == {"padded": 0}


def test_digests_are_equal_for_equal_pixels_only(tmp_path):
    files = [
        write(ct_slice((0, 0, height)), tmp_path / f"{place}.dcm")
        for place, height in enumerate((0, 0, 3))
    ]

    first, same, other = (digest(item_of(file)) for file in files)

    assert first == same != other
