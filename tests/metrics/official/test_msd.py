import numpy as np
import pytest

from delineate.core.errors import LabelError
from delineate.metrics.official.msd import MSD

ORGANS = {"anterior": 1, "posterior": 2}


def scorer(**options):
    return MSD(tolerances_mm=dict.fromkeys(ORGANS, 1.0), classes=ORGANS, **options)


def test_classes_and_cases_are_averaged_and_empties_counted():
    truth = np.zeros((12, 12, 12), int)
    truth[2:6, 2:6, 2:6] = 1
    truth[7:10, 7:10, 7:10] = 2
    shifted = np.roll(np.where(truth == 1, 1, 0), 1, axis=0)
    one = scorer()

    one.add(truth, truth, (1.0, 1.0, 1.0))
    one.add(shifted, truth, (1.0, 1.0, 1.0))
    one.add(np.where(truth == 1, 1, 0), np.where(truth == 1, 1, 0), (1.0, 1.0, 1.0))

    found = one.result()
    assert found.scores["dice_anterior"] == pytest.approx((1 + 0.75 + 1) / 3)
    assert found.scores["dice_posterior"] == 0.5
    assert found.scores["dice"] == pytest.approx((2.75 / 3 + 0.5) / 2)
    assert found.scores["nsd_anterior"] == 1.0  # a shift by 1 mm is within the tolerance
    assert found.scores["nsd_posterior"] == 0.5
    assert found.counts == {"cases": 3, "both_empty": 1, "one_empty": 1}


def test_the_spacing_decides_what_is_within_the_tolerance():
    truth = np.zeros((9, 9), int)
    truth[2:6, 2:6] = 1
    fine, coarse = (MSD(tolerances_mm={"a": 1.0}, classes={"a": 1}) for _ in range(2))

    fine.add(np.roll(truth, 1, axis=0), truth, (1.0, 1.0))
    coarse.add(np.roll(truth, 1, axis=0), truth, (3.0, 1.0))

    assert fine.result().scores["nsd"] == 1.0
    assert coarse.result().scores["nsd"] < 1.0


def test_another_way_to_measure_nsd_is_named():
    one = scorer(measure_nsd=lambda *_: 0.25, nsd_convention="by a constant")

    one.add(np.ones((3, 3), int), np.ones((3, 3), int), (1.0, 1.0))

    assert one.result().scores["nsd"] == 0.25
    assert "by a constant; anterior 1 mm" in one.convention


def test_a_class_without_a_tolerance_is_refused():
    with pytest.raises(LabelError, match="tolerances_mm must name"):
        MSD(tolerances_mm={"anterior": 1.0}, classes=ORGANS)
