import numpy as np
import pytest

from delineate.metrics.border_error import border_error, rim
from delineate.metrics.surface import surface_distances


def box(*spans, shape=(12, 14, 10)):
    mask = np.zeros(shape, bool)
    mask[tuple(slice(*span) for span in spans)] = True
    return mask


def test_sign_says_on_which_side_and_millimetres_count():
    truth = box((3, 8), (3, 8), (2, 7))
    said = box((2, 8), (3, 7), (2, 7))

    error = border_error(said, truth, (2.0, 1.0, 1.0))

    assert error[2, 5, 5] == 2.0
    assert error[5, 6, 4] == -1.0
    assert error[3, 5, 5] == 0.0


def test_on_the_predicted_border_it_is_the_surface_distance():
    rng = np.random.default_rng(0)
    truth, said = (rng.random((9, 8, 7)) > 0.6 for _ in range(2))

    ours = np.abs(border_error(said, truth, (3.0, 1.0, 1.5)))[rim(said)]

    theirs = surface_distances(said, truth, (3.0, 1.0, 1.5)).to_truth_mm
    assert np.allclose(np.sort(ours), np.sort(theirs), atol=1e-5)


def test_without_a_truth_every_place_is_infinitely_far():
    assert np.isinf(border_error(np.ones((3, 3)), np.zeros((3, 3)), (1.0, 1.0))).all()


@pytest.mark.parametrize("shape", [(1, 5), (4, 4, 4)])
def test_the_edge_of_the_image_is_outside(shape):
    mask = np.ones(shape, bool)

    assert rim(mask)[(0,) * len(shape)]
