"""The size of a pixel, and 72 dots an inch."""

import numpy as np
import pytest
import tifffile

from delineate.readers import read_image


def mpp(path):
    geometry = read_image(path).geometry
    return geometry.spacing_mm[-1] * 1000 if geometry.is_physical else None


def write(path, **options):
    tifffile.imwrite(path, np.zeros((8, 9, 3), np.uint8), photometric="rgb", **options)
    return path


def test_resolution_tags_count_where_a_microscope_could_have_written_them(tmp_path):
    fine = write(tmp_path / "a.tif", resolution=(40000, 40000), resolutionunit="CENTIMETER")
    screen = write(tmp_path / "b.tif", resolution=(72, 72), resolutionunit="INCH")

    assert mpp(fine) == pytest.approx(0.25)
    assert mpp(screen) is None


def test_ome_aperio_and_imagej_say_it_in_words(tmp_path):
    ome = tmp_path / "a.ome.tif"
    tifffile.imwrite(
        ome,
        np.zeros((8, 9), np.uint8),
        metadata={"axes": "YX", "PhysicalSizeX": 500, "PhysicalSizeXUnit": "nm",
                  "PhysicalSizeY": 500, "PhysicalSizeYUnit": "nm"},
    )  # fmt: skip
    aperio = write(tmp_path / "b.tif", description="Aperio Image |AppMag = 20|MPP = 0.4990")
    imagej = tmp_path / "c.tif"
    tifffile.imwrite(
        imagej, np.zeros((8, 9), np.uint8), imagej=True, resolution=(2, 2),
        metadata={"unit": "um"},
    )  # fmt: skip

    assert [mpp(path) for path in (ome, aperio, imagej)] == pytest.approx([0.5, 0.499, 0.5])


def test_implausible_words_are_not_believed(tmp_path):
    assert mpp(write(tmp_path / "a.tif", description="MPP = 250")) is None
    assert mpp(write(tmp_path / "b.tif", description="<OME><Pixels PhysicalSizeX='x'")) is None
