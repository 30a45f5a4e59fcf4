"""Distances and smooth chance."""

import numpy as np

from delineate.datasets.shapes import Space, ellipsoid, pillar, smooth_curve, smooth_field, tube


def cube(size=21):
    axis = np.arange(size, dtype=np.float32) - size // 2
    up, back, left = np.meshgrid(axis, axis, axis, indexing="ij")
    return Space(left=left, back=back, up=up, step_mm=1.0)


def test_sphere_is_measured_exactly():
    space = cube()

    distance = ellipsoid(space, (0, 0, 0), (6, 6, 6))

    assert np.isclose(distance[10, 10, 18], 2)
    assert np.isclose(distance[10, 13, 10], -3)


def test_pillar_has_no_ends():
    inside = pillar(cube(), (0, 0), (4, 6)) < 0

    assert (inside == inside[0]).all()


def test_tube_follows_its_curve():
    curve = smooth_curve(np.array([(-8.0, 0, 0), (0, 0, 0), (8, 0, 0)]))

    found = tube(cube(), curve, np.full(len(curve), 3.0))

    assert np.isclose(found.distance[10, 10, 10], -3, atol=1.3)
    assert found.distance[10, 16, 10] > 2
    assert found.along[10, 10, 15] > found.along[10, 10, 5]


def test_smooth_field_is_about_standard():
    rng = np.random.default_rng(0)

    fields = np.stack([smooth_field(rng, (8, 9, 10), (2, 3, 4)) for _ in range(200)])

    assert abs(fields.mean()) < 0.05
    assert abs(fields.std() - 1) < 0.05
