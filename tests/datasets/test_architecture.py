"""The map of made tissue: distances that can be trusted."""

import numpy as np
import pytest

from delineate.datasets.architecture import PATTERNS, Ground, Style, lay_out


def ground_of(pattern, seed=0, shape=(240, 300), mpp=0.5):
    rng = np.random.default_rng(seed)
    style = Style.of(rng, pattern)
    return style, lay_out(rng, style, shape, mpp)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_has_epithelium_and_all_its_maps_are_whole(pattern):
    style, ground = ground_of(pattern)

    assert (ground.depth > 3).any()
    for plane in (ground.lumen, ground.vessel, ground.stream, ground.along, ground.density):
        assert plane.shape == (240, 300)
        assert np.isfinite(plane).all()
    assert all(
        low <= getattr(style, name) <= high for name, (low, high) in PATTERNS[pattern].items()
    )


def test_depth_is_a_distance():
    _, ground = ground_of("nests")

    steepness = np.hypot(*np.gradient(ground.depth, ground.mpp))

    assert 0.7 < np.median(steepness) < 1.1


def test_lumina_lie_deep_in_epithelium():
    _, ground = ground_of("glands")

    assert (ground.lumen > 2).any()
    assert (ground.depth[ground.lumen > 2] > 8).all()


def test_vessels_lie_in_the_stroma():
    inside = [ground_of("stroma", seed)[1] for seed in range(3)]

    assert any((ground.vessel > 2).any() for ground in inside)
    assert all((ground.depth[ground.vessel > 2] < 2).all() for ground in inside)


def test_slope_points_uphill_also_beyond_the_border():
    rise = np.broadcast_to(np.arange(80, dtype=np.float32)[:, None], (80, 60))
    ground = Ground(
        mpp=0.25, depth=rise, lumen=rise, vessel=rise, stream=rise, along=rise, density=rise
    )

    turned = ground.slope(ground.depth, np.array([[10.0, 7.0], [-5.0, 7.0], [25.0, 30.0]]))

    np.testing.assert_allclose(turned, np.pi / 2)
