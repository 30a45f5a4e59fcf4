"""Synthetic patients: exact, repeatable, varied."""

import json

import numpy as np
import pytest

from delineate.core.errors import DatasetError
from delineate.datasets import open_dataset
from delineate.datasets.phantoms import Phantoms, make_abdomen, write_dataset

SMALL = (12, 48, 48)


def test_same_seed_gives_the_same_voxels():
    one, two = (make_abdomen(4, scan=1, shape=SMALL) for _ in range(2))

    np.testing.assert_array_equal(one.image.array, two.image.array)
    np.testing.assert_array_equal(one.mask.array, two.mask.array)


@pytest.mark.parametrize("seed", range(6))
def test_every_patient_has_all_three_organs(seed):
    case = make_abdomen(seed, shape=SMALL)

    share = np.bincount(case.mask.array.ravel(), minlength=4)[1:] / case.mask.array.size

    assert (share > 0.003).all()
    assert share.sum() < 0.2
    assert case.image.array.dtype == np.uint16


def test_scans_of_a_patient_share_anatomy_but_not_gain():
    one, two = (make_abdomen(2, scan=scan, shape=SMALL) for scan in (0, 1))
    other = make_abdomen(3, shape=SMALL)

    same = (one.mask.array == two.mask.array).mean()

    assert one.patient == two.patient != other.patient
    assert same > 0.9
    assert not np.array_equal(one.image.array, two.image.array)


def test_picture_shows_what_the_truth_says():
    case = make_abdomen(1, shape=(16, 64, 64))
    image, truth = case.image.array[0].astype(float), case.mask.array

    air = image[:, :2].mean()

    assert all(image[truth == label].std() > 3 * image[:, :2].std() for label in (1, 2, 3))
    assert image[truth > 0].mean() > 5 * air


def test_written_dataset_reads_back_the_same(tmp_path):
    write_dataset(tmp_path, 2, seed=5, scans_per_patient=2, shape=SMALL)
    data = open_dataset(tmp_path)
    made = make_abdomen(5, scan=1, shape=SMALL)

    case = data.case(made.id)

    assert data.ids() == [
        f"phantom_{patient:04d}_day{scan}" for patient in (5, 6) for scan in (0, 1)
    ]
    assert len(set(data.patients().values())) == 2
    assert json.loads((tmp_path / "dataset.json").read_text())["numTraining"] == 4
    assert case.image.geometry.agrees_with(made.image.geometry)
    np.testing.assert_array_equal(case.image.array, made.image.array)
    np.testing.assert_array_equal(case.mask.array, made.mask.array)


def test_impossible_wishes_are_refused():
    with pytest.raises(DatasetError, match="at least 8"):
        make_abdomen(0, shape=(4, 64, 64))
    with pytest.raises(DatasetError, match="at least 1"):
        Phantoms(num_patients=0)
    with pytest.raises(DatasetError, match="no phantom"):
        Phantoms().case("elsewhere")
