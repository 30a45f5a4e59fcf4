"""Sizes, places and shapes of objects, against what geometry says."""

import numpy as np
import pytest

from delineate.core.image import Image
from delineate.core.instances import Instances
from delineate.writers.measures import measure


def ellipse(a, b, degrees, shape=(160, 160)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    turn = np.radians(degrees)
    dy, dx = y - 80.3, x - 79.6
    u, v = dx * np.cos(turn) + dy * np.sin(turn), -dx * np.sin(turn) + dy * np.cos(turn)
    return Instances.of(((u / a) ** 2 + (v / b) ** 2 <= 1).astype(np.int32))


@pytest.mark.parametrize("degrees", [0, 30, 90, -50])
def test_ellipses_have_their_axes_place_and_angle(degrees):
    found = measure(ellipse(50, 20, degrees))

    assert found.area[0] == pytest.approx(np.pi * 1000, rel=0.01)
    assert found.centre[0] == pytest.approx([80.3, 79.6], abs=0.1)
    assert (found.major[0], found.minor[0]) == (
        pytest.approx(100, rel=0.01), pytest.approx(40, rel=0.02),
    )  # fmt: skip
    assert abs((found.orientation[0] - degrees + 90) % 180 - 90) < 1


def test_perimeter_of_a_disc_is_that_of_the_circle():
    assert measure(ellipse(40, 40, 0)).perimeter[0] == pytest.approx(80 * np.pi, rel=0.03)


def test_object_at_the_edge_is_closed_there():
    found = measure(Instances.of(np.ones((4, 6), np.int32)))

    assert found.perimeter[0] == pytest.approx(20 * np.pi / 4)


def test_object_without_pixels_has_no_size_and_breaks_nothing():
    ids = np.array([[2, 2]], dtype=np.int32)

    found = measure(Instances(ids=ids, types=np.array([1, 1], dtype=np.int16)))

    assert found.area.tolist() == [0, 2]
    assert np.isfinite(found.centre).all()


@pytest.mark.parametrize("rows", [1, 5, 16, 39])
def test_strips_of_any_height_give_the_same_measures(monkeypatch, rows):
    rng = np.random.default_rng(0)
    instances = Instances.of(rng.integers(0, 5, (20, 30)).repeat(2, 0))
    image = Image.of(rng.integers(0, 256, (3, 40, 30)).astype(np.uint8))
    whole = measure(instances, image)
    monkeypatch.setattr("delineate.writers.measures.STRIP", rows)

    parts = measure(instances, image)

    assert np.array_equal(parts.area, whole.area)
    assert np.array_equal(parts.perimeter, whole.perimeter)
    for name in ("centre", "major", "minor", "colours"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name))
