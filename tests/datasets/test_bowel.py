"""The courses of the bowel."""

import numpy as np

from delineate.datasets.bowel import colon, small_bowel, stomach


def test_colon_frames_the_small_bowel():
    points, radius = colon(np.random.default_rng(0))
    loops, _ = small_bowel(np.random.default_rng(0))

    assert points[:, 0].min() < loops[:, 0].min() + 20
    assert points[:, 0].max() > loops[:, 0].max() - 20
    assert 10 < radius.mean() < 25


def test_small_bowel_is_one_long_tube_without_jumps():
    points, radius = small_bowel(np.random.default_rng(1))

    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)

    assert steps.max() < 4
    assert len(points) * 2.5 > 1000
    assert radius.min() >= 8.5


def test_stomach_hangs_on_the_left_and_narrows():
    points, radius = stomach(np.random.default_rng(2))

    assert points[0, 0] > 40
    assert points[-1, 0] < 0
    assert radius[-1] < radius.max() / 2
