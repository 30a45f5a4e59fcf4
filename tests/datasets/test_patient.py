"""One patient, painted."""

import numpy as np

from delineate.datasets.patient import paint_patient


def test_truth_is_the_same_whatever_the_noise():
    image, truth = paint_patient(0, 0, (10, 40, 40), (3.0, 1.5, 1.5))

    assert image.shape == truth.shape == (10, 40, 40)
    assert set(np.unique(truth)) == {0, 1, 2, 3}


def test_finer_voxels_show_the_same_organs():
    coarse = paint_patient(3, 0, (8, 32, 32), (6.0, 3.0, 3.0))[1]
    shares = np.bincount(coarse.ravel(), minlength=4) / coarse.size

    fine = paint_patient(3, 0, (16, 64, 64), (3.0, 1.5, 1.5))[1]

    np.testing.assert_allclose(
        np.bincount(fine.ravel(), minlength=4) / fine.size, shares, rtol=0.35
    )
