"""What holds for every row of `DATASETS`."""

import json

import numpy as np
import pytest

from delineate.core.errors import DatasetError
from delineate.datasets import DATASETS, open_dataset
from delineate.datasets.phantoms import make_abdomen, write_dataset
from delineate.datasets.splits import check_no_leak, make_folds

SHAPE = (8, 32, 32)


def make_folder(root):
    from PIL import Image as Picture

    for name in ("images", "masks"):
        (root / name).mkdir()
    for seed in range(3):
        case = make_abdomen(seed, shape=SHAPE)
        for day, place in ((0, 2), (1, 4)):
            shown = (case.image.array[0, place] // 16).astype(np.uint8)
            Picture.fromarray(shown).save(root / "images" / f"p{seed}_day{day}.png")
            Picture.fromarray(case.mask.array[place]).save(root / "masks" / f"p{seed}_day{day}.png")
    return open_dataset(root)


MAKERS = {
    "nnunet": lambda root: open_dataset(write_dataset(root, 3, scans_per_patient=2, shape=SHAPE)),
    "folder": make_folder,
    "phantoms": lambda _: open_dataset(
        "phantoms", num_patients=3, scans_per_patient=2, shape=SHAPE
    ),
}


@pytest.fixture(params=sorted(DATASETS))
def data(request, tmp_path):
    return MAKERS[request.param](tmp_path)


def test_layout_is_its_row(data):
    assert DATASETS[data.layout] is type(data)


def test_first_case_is_whole_and_labels_are_in_the_table(data):
    case = data.case(data.ids()[0])

    assert case.image.channels == data.channels
    assert case.image.array.shape[1:] == case.mask.array.shape
    assert case.image.geometry.agrees_with(case.mask.geometry)
    assert set(np.unique(case.mask.array)) <= data.labels.values


def test_case_is_a_fresh_object(data):
    first = data.ids()[0]

    assert data.case(first) is not data.case(first)


def test_patient_is_never_on_both_sides(data):
    patients = data.patients()

    folds = make_folds(patients, 3, seed=0)

    assert len(patients) == 6
    for fold in folds:
        check_no_leak([id for id in patients if id not in fold], fold, patients)


def test_whole_dataset_has_no_problems_and_says_its_terms(data):
    assert data.problems() == []
    assert isinstance(json.dumps(data.remarks()), str)
    assert data.name
    assert data.licence


def test_unknown_case_is_refused(data):
    with pytest.raises(DatasetError):
        data.case("nobody")
