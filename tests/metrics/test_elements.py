"""Surface elements: areas known from geometry, and distances by brute force."""

import numpy as np
import pytest

from delineate.core.errors import GeometryError, ShapeError
from delineate.metrics.elements import (
    area_surface_dice,
    element_areas,
    element_distances,
    one_way_means,
    percentile_distance,
)

SPACING = (3.0, 1.5, 1.5)


def ball(radius_mm, spacing, shift=0.0):
    half = [int(radius_mm / step) + 3 for step in spacing]
    places = np.ogrid[tuple(slice(-size, size + 1) for size in half)]
    far = sum(((at + shift) * step) ** 2 for at, step in zip(places, spacing, strict=True))
    return far <= radius_mm**2


def area_of(mask, spacing):
    return element_distances(mask, mask, spacing).truth_areas.sum()


def test_a_single_corner_is_cut_off_by_a_triangle():
    table = element_areas((1.0, 1.0, 1.0))

    assert table[1] == pytest.approx(np.sqrt(3) / 8)  # sides of √½
    assert table[0] == table[255] == 0


def test_flat_walls_have_the_area_of_a_voxel_face():
    table = element_areas(SPACING)

    assert table[0b11110000] == pytest.approx(1.5 * 1.5)  # first axis
    assert table[0b11001100] == pytest.approx(3.0 * 1.5)
    assert table[0b10101010] == pytest.approx(3.0 * 1.5)


def test_pictures_have_lengths():
    table = element_areas((2.0, 0.5))

    assert table[0b1100] == 0.5
    assert table[0b1010] == 2.0
    assert table[0b0001] == pytest.approx(np.hypot(2.0, 0.5) / 2)
    assert table[0b1001] == table[0b0110] == pytest.approx(np.hypot(2.0, 0.5))


def test_inside_and_outside_have_one_surface_and_mirrors_do_not_matter():
    for spacing in (SPACING, (2.0, 0.5)):
        table = element_areas(spacing)
        mirrored = table.reshape((2,) * 2 ** len(spacing))
        corners = np.arange(2 ** len(spacing))

        assert table == pytest.approx(table[::-1])
        assert mirrored.transpose(corners[::-1]) == pytest.approx(mirrored)


def test_a_box_has_its_walls_less_the_edges():
    mask = np.zeros((10, 10, 10), bool)
    mask[2:8, 1:9, 3:8] = True

    areas = element_areas(SPACING)
    walls = 2 * (5 * 7 * 4.5 + 5 * 4 * 4.5 + 7 * 4 * 2.25)  # between voxel centres
    edges = 4 * (5 * areas[0b10001000] + 7 * areas[0b10100000] + 4 * areas[0b11000000])

    assert area_of(mask, SPACING) == pytest.approx(walls + edges + 8 * areas[1])


def test_a_circle_converges_on_its_length_and_what_eight_directions_add():
    spacing = (1.0, 1.0)
    ratios = [area_of(ball(radius, spacing), spacing) / (2 * np.pi * radius) for radius in (10, 40)]

    added = 8 * (np.sqrt(2) - 1) / np.pi  # mean over all slants, 5.5 % too long
    assert ratios == pytest.approx([added] * 2, abs=0.05)
    assert abs(ratios[1] - added) < 0.01


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0)])
def test_a_sphere_comes_near_its_area(spacing):
    area = area_of(ball(20.0, spacing), spacing)

    assert area == pytest.approx(4 * np.pi * 400, rel=0.12)


@pytest.mark.parametrize("step", [1.0, 0.5])
def test_spheres_within_each_other_lie_apart_by_half_a_voxel_at_most_wrong(step):
    spacing = (step,) * 3
    inner, outer = ball(6.0, spacing), ball(10.0, spacing)
    wide = np.zeros_like(outer)
    margin = [(big - small) // 2 for big, small in zip(outer.shape, inner.shape, strict=True)]
    wide[tuple(slice(at, -at) for at in margin)] = inner

    distances = element_distances(wide, outer, spacing)

    for distance in (percentile_distance(distances, 95), *one_way_means(distances)):
        assert distance == pytest.approx(4.0, abs=step)


def test_distances_agree_with_brute_force():
    rng = np.random.default_rng(0)
    said, true = rng.random((2, 6, 7, 5)) < 0.3
    found = element_distances(said, true, SPACING)
    points = []
    for mask in (said, true):
        padded = np.pad(mask, 1)
        sums = sum(
            padded[z : z + 7, y : y + 8, x : x + 6].astype(int) for z, y, x in np.ndindex(2, 2, 2)
        )
        points.append(np.argwhere((sums > 0) & (sums < 8)) * SPACING)
    apart = np.linalg.norm(points[0][:, None] - points[1][None], axis=2)

    assert found.to_truth_mm == pytest.approx(np.sort(apart.min(axis=1)))
    assert found.to_prediction_mm == pytest.approx(np.sort(apart.min(axis=0)))


def test_empty_masks():
    full, empty = np.ones((3, 3, 3), bool), np.zeros((3, 3, 3), bool)
    one, none = element_distances(empty, full, SPACING), element_distances(empty, empty, SPACING)

    assert percentile_distance(one, 95) == percentile_distance(none, 95) == np.inf
    assert one_way_means(one)[0] == np.inf
    assert np.isnan(one_way_means(one)[1])
    assert area_surface_dice(one, 100.0) == 0
    assert np.isnan(area_surface_dice(none, 1.0))


def test_what_cannot_be_is_refused():
    with pytest.raises(ShapeError, match="2 or 3 axes"):
        element_distances(np.ones(3, bool), np.ones(3, bool), (1.0,))
    with pytest.raises(GeometryError, match="spacing_mm"):
        element_distances(np.ones((3, 3), bool), np.ones((3, 3), bool), (1.0, 0.0))
