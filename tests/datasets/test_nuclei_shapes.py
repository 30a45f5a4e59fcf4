"""Shapes of nuclei: exact rims, and crowds that keep the distance asked."""

import numpy as np
import pytest

from delineate.datasets.nuclei_shapes import Crowd, Shape, ruffle, scatter

BEAN = Shape(centre=(12.0, 15.0), axes=(8.0, 4.0), tilt=0.7, bend=0.4, waves=(0.05, 0.03j, 0j, 0j))


def test_same_seed_scatters_the_same():
    one, two = (scatter(3, (96, 96), num=30) for _ in range(2))

    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


@pytest.mark.parametrize("slack", [0.7, 0.95, 1.3])
def test_scattered_ids_have_no_gaps_and_a_type_each(slack):
    ids, types = scatter(0, (128, 128), num=60, slack=slack)

    assert np.unique(ids).tolist() == list(range(len(types) + 1))
    assert set(types.tolist()) == {1, 2, 3}
    assert ids.dtype == np.int32


def test_some_scattered_nuclei_touch_unless_kept_apart():
    ids, _ = scatter(1, (128, 128), num=200)
    apart, _ = scatter(1, (128, 128), num=200, slack=1.5)

    def touching(map):
        left, right = map[:, :-1], map[:, 1:]
        return int(((left != right) & (left > 0) & (right > 0)).sum())

    assert touching(ids) > 20
    assert touching(apart) == 0


def test_depth_vanishes_on_the_outline():
    corners = BEAN.outline(0.5) * 0.5

    depth = [BEAN.depth(np.float32([[y]]), np.float32([[x]])).item() for x, y in corners]

    np.testing.assert_allclose(depth, 0, atol=1e-4)


def test_depth_is_positive_inside_only():
    y, x = np.arange(30, dtype=np.float32)[:, None], np.arange(30, dtype=np.float32)[None]

    inside = BEAN.depth(y, x) > 0

    assert inside[12, 15]
    assert not inside[[0, -1]].any()
    assert 0.8 < inside.sum() / (np.pi * 8 * 4) < 1.2


def test_outline_scales_with_the_pixels():
    np.testing.assert_allclose(BEAN.outline(0.25), 2 * BEAN.outline(0.5))


def test_crowd_refuses_who_comes_too_close():
    crowd = Crowd()
    crowd.add(Shape(centre=(10, 10), axes=(4, 3)), 1.0)
    near = Shape(centre=(10, 17), axes=(4, 3))

    assert not crowd.add(near, 1.0)
    assert crowd.add(near, 0.8)
    assert len(crowd.shapes) == 2


def test_longer_waves_are_higher():
    rng = np.random.default_rng(0)

    drawn = np.abs([ruffle(rng, 0.1) for _ in range(200)]).mean(axis=0)

    assert (np.diff(drawn) < 0).all()
