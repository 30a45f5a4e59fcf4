"""Mosaics: every slice gets its own place; dcm2niix judges in test_dicom_references."""

import struct

import numpy as np
import pydicom
import pytest

from delineate.readers.dicom_mosaic import tiles

PLANE = {
    "position": [-10.0, -20.0, 5.0],
    "orientation": [1, 0, 0, 0, 1, 0],
    "spacing": [2.0, 1.0],
    "between": 3.0,
}


def mosaic(count, normal=None):
    dataset = pydicom.Dataset()
    dataset.Rows, dataset.Columns = 12, 9
    dataset.add_new((0x0019, 0x1010), "LO", "SIEMENS MR HEADER")
    dataset.add_new((0x0019, 0x100A), "US", count)
    if normal:
        table = b"SV10" + b"SliceNormalVector".ljust(64, b"\0")
        table += struct.pack("<i4sii", 3, b"FD", 3, 6)
        table += struct.pack("<i", 77)
        for value in normal:
            text = f"{value:.8f}".encode()
            text += b"\0" * (-len(text) % 4)
            table += struct.pack("<4i", len(text), len(text), 77, len(text)) + text
        dataset.add_new((0x0029, 0x1010), "OB", table)
    return dataset


def test_slices_lie_around_the_centre_of_the_picture():
    found = list(tiles(mosaic(7), PLANE))

    assert len(found) == 7
    assert found[0]["tile"] == [0, 0, 4, 3]
    assert found[4]["tile"] == [4, 3, 4, 3]
    assert found[0]["position"] == [-10 + (9 - 3) / 2 * 1.0, -20 + (12 - 4) / 2 * 2.0, 5.0]
    assert found[4]["position"][2] == pytest.approx(5 + 4 * 3.0)


def test_the_scanners_own_direction_of_slices_is_followed():
    found = list(tiles(mosaic(3, normal=(0, 0, -1)), PLANE))

    assert np.diff([entry["position"][2] for entry in found]).tolist() == [-3.0, -3.0]


@pytest.mark.parametrize(("count", "change"), [(0, {}), (9999, {}), (4, {"between": None})])
def test_a_mosaic_that_does_not_say_how_it_is_laid_out_has_no_place(count, change):
    (found,) = tiles(mosaic(count), {**PLANE, **change})

    assert found["position"] is None
    assert "tile" not in found
