import numpy as np
import pytest

from delineate.core.errors import GeometryError
from delineate.metrics.volume import volume_difference_ml, volume_difference_percent

SAID, TRUTH = np.zeros((10, 10, 10), bool), np.zeros((10, 10, 10), bool)
SAID[:3], TRUTH[:5] = True, True
EMPTY = np.zeros_like(TRUTH)


def test_too_little_is_negative():
    assert volume_difference_ml(SAID, TRUTH, (3.0, 2.0, 1.0)) == pytest.approx(-1.2)
    assert volume_difference_percent(SAID, TRUTH) == pytest.approx(-40.0)


def test_too_much_is_positive():
    assert volume_difference_ml(TRUTH, SAID, (3.0, 2.0, 1.0)) == pytest.approx(1.2)
    assert volume_difference_percent(TRUTH, SAID) == pytest.approx(200 / 3)


def test_empty_masks():
    assert np.isnan(volume_difference_ml(EMPTY, EMPTY, (1.0, 1.0, 1.0)))
    assert np.isnan(volume_difference_percent(EMPTY, EMPTY))
    assert volume_difference_ml(EMPTY, TRUTH, (1.0, 1.0, 1.0)) == -0.5
    assert volume_difference_percent(EMPTY, TRUTH) == -100
    assert volume_difference_percent(SAID, EMPTY) == np.inf


def test_a_spacing_that_cannot_be_is_refused():
    with pytest.raises(GeometryError, match="spacing_mm must be 3 positive"):
        volume_difference_ml(SAID, TRUTH, (1.0, 1.0))
