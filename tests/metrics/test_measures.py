import numpy as np
import pytest

from delineate.metrics.measures import MEASURES

SPACING, SHAPE = (3.0, 1.5, 1.5), (14, 16, 18)
FULL, EMPTY = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
FULL[3:9, 4:10, 5:11] = True
DIAGONAL = np.linalg.norm(np.multiply(SHAPE, SPACING))
WORST = {"": 0.0, "mm": DIAGONAL, "mL": 216 * 6.75 / 1000, "%": 100.0}


@pytest.fixture(params=MEASURES)
def name(request):
    return request.param


def test_a_perfect_answer_has_the_best_value(name):
    best = 1.0 if MEASURES[name].better == "higher" else 0.0

    assert MEASURES[name](FULL, FULL, SPACING) == best


def test_two_empty_masks_have_no_value(name):
    assert np.isnan(MEASURES[name](EMPTY, EMPTY, SPACING))


def test_a_missed_organ_has_the_worst_value(name):
    worst = 1.0 if name == "specificity" else WORST[MEASURES[name].unit]

    assert MEASURES[name](EMPTY, FULL, SPACING) == pytest.approx(worst)


def test_a_worse_answer_is_never_better(name):
    near, far = np.roll(FULL, 1, axis=2), np.roll(FULL, 5, axis=2)
    values = [MEASURES[name](said, FULL, SPACING) for said in (FULL, near, far)]
    if MEASURES[name].better == "lower":
        values = [-value for value in values]

    assert values == sorted(values, reverse=True)


def test_pictures_have_values(name):
    assert np.isfinite(MEASURES[name](FULL[5], FULL[5], (1.5, 0.5)))


def test_every_row_says_how_it_is_computed(name):
    assert MEASURES[name].title
    assert MEASURES[name].convention.endswith(".")


def test_volumes_differ_in_millilitres():
    double = FULL | np.roll(FULL, 6, axis=2)

    assert MEASURES["volume_ml"](double, FULL, SPACING) == pytest.approx(216 * 6.75 / 1000)
    assert MEASURES["volume_percent"](double, FULL, SPACING) == 100
