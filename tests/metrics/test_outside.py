"""Figures that others published, from the same masks."""

import numpy as np
import pytest
from PIL import Image as Picture

from delineate.metrics import (
    Pair,
    average_surface_distance,
    dice,
    element_distances,
    hausdorff,
    metrics_of,
    surface_distances,
    volume_difference_percent,
)
from delineate.metrics.elements import area_surface_dice, one_way_means, percentile_distance

SPACING_MM = (2.0, 0.7266, 0.7266)
"""Distance of the slices' positions, not the header's SliceThickness of 3.2, and pixel sides."""


def stack(folder):
    pictures = [np.array(Picture.open(path)) > 0 for path in sorted(folder.glob("*.png"))]
    return np.stack(pictures)


@pytest.fixture(scope="module")
def liver(shared_data):
    """The challenge's example result beside its truth, (Z, Y, X) each."""
    root = shared_data / "radiology" / "chaos"
    said, true = root / "metric_check" / "Data_3D_Segmentation", root / "CT" / "3" / "Ground"
    return stack(said), stack(true)


def test_the_chaos_challenge_publishes_these_figures_for_its_example(liver):
    said, true = liver

    distances = surface_distances(said, true, SPACING_MM, edge_is_border=False)

    assert dice(said, true) == pytest.approx(0.978, abs=5e-4)
    assert abs(volume_difference_percent(said, true)) == pytest.approx(0.665, abs=5e-4)
    assert average_surface_distance(distances) == pytest.approx(0.734, abs=5e-4)
    assert hausdorff(distances) == pytest.approx(14.0, abs=1e-9)


def test_two_single_pixels_as_surface_distances_own_test_has_them():
    truth, said = np.zeros((128, 128), bool), np.zeros((128, 128), bool)
    truth[50, 70] = said[50, 72] = True

    found = element_distances(said, truth, (2.0, 1.0))

    assert found.to_truth_mm.tolist() == [1.0, 1.0, 2.0, 2.0]
    assert found.truth_areas == pytest.approx([0.5 * 5**0.5] * 4)
    assert one_way_means(found) == (1.5, 1.5)
    assert percentile_distance(found, 100) == 2.0
    assert area_surface_dice(found, 1.0) == 0.5


def test_two_single_voxels_as_surface_distances_own_test_has_them():
    truth, said = np.zeros((128, 128, 128), bool), np.zeros((128, 128, 128), bool)
    truth[50, 60, 70] = said[50, 60, 72] = True

    found = element_distances(said, truth, (3.0, 2.0, 1.0))

    assert one_way_means(found) == pytest.approx((1.5, 1.5))
    assert percentile_distance(found, 100) == 2.0
    assert area_surface_dice(found, 1.0) == pytest.approx(0.5)


def test_two_halves_as_surface_distances_own_test_has_them():
    truth, said = np.zeros((100, 100, 100), bool), np.zeros((100, 100, 100), bool)
    truth[:50] = said[:51] = True

    found = element_distances(said, truth, (2.0, 1.0, 1.0))

    assert one_way_means(found) == pytest.approx((0.322, 0.339), abs=5e-4)
    assert percentile_distance(found, 95) == 2.0
    assert area_surface_dice(found, 1.0) == pytest.approx(0.836, abs=5e-4)
    assert dice(said, truth) == pytest.approx(0.990, abs=5e-4)


def ball(radius, centre):
    axes = np.ogrid[tuple(slice(-middle, 99 - middle) for middle in centre)]
    return sum(axis**2 for axis in axes) <= radius**2


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (ball(33, (19, 33, 22)), ball(33, (19, 33, 22)), 0.0),
        (ball(20, (20, 20, 20)), ball(20, (19, 19, 19)), 3**0.5),
        (ball(20, (50, 50, 50)), ball(10, (50, 50, 50)), 10.19804),
        (ball(20, (20, 33, 22)), ball(40, (20, 33, 22)), 20.22375),
    ],
)
def test_spheres_as_monai_measures_them(one, other, expected):
    measure = metrics_of("monai")["hd"].measure
    there = Pair(prediction=one, truth=other, spacing_mm=(1.0, 1.0, 1.0))
    back = Pair(prediction=other, truth=one, spacing_mm=(1.0, 1.0, 1.0))

    assert measure(there) == pytest.approx(expected)
    assert measure(back) == pytest.approx(expected)
