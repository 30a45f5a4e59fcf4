"""CoNSeP in patches: types in the order of ids, patients by tile, odd and damaged files."""

import numpy as np
import pytest
from scipy.io import savemat
from tests.datasets.nuclei import GAP, SIZE, grid_of_ids, write_consep

from delineate.core.errors import DatasetError, DelineateError, FileError
from delineate.datasets import open_dataset
from delineate.datasets.consep import read_ids

NAME = "train_1_000"
IDS = grid_of_ids(3)
NOTHING = np.zeros(SIZE, np.int32)


def test_types_follow_ascending_ids_with_gaps(tmp_path):
    case = open_dataset(write_consep(tmp_path, {NAME: (IDS, [4, 2, 3])})).case(NAME)

    shown = [int(case.mask.array[number * GAP == IDS][0]) for number in (1, 2, 3)]

    assert case.instances.types.tolist() == [4, 2, 3]
    assert shown == [4, 2, 3]
    assert case.facts["mpp_from"] == "assumed"
    assert case.image.geometry.spacing_mm == (0.00025, 0.00025)


def test_patch_without_a_nucleus_is_kept(tmp_path):
    data = open_dataset(write_consep(tmp_path, {NAME: (NOTHING, [])}))

    case = data.case(NAME)

    assert data.problems() == []
    assert case.instances.count == 0
    assert not case.mask.array.any()


def test_patches_of_a_tile_are_one_patient_and_the_tissue_is_known(tmp_path):
    names = ["train_1_000", "train_1_001", "train_10_000"]

    data = open_dataset(write_consep(tmp_path, dict.fromkeys(names, (IDS, [1, 1, 1]))))

    assert data.ids() == names
    assert data.patients() == dict(zip(names, ["train_1", "train_1", "train_10"], strict=True))
    assert data.tissue(names[0]) == "colon"


@pytest.mark.parametrize(
    ("folder", "words"),
    [("images", "no picture"), ("inst", "no file of ids"), ("type_mat", "no file of types")],
)
def test_case_with_a_file_absent_is_left_out(tmp_path, folder, words):
    write_consep(tmp_path, {NAME: (IDS, [1, 1, 1]), "train_1_001": (IDS, [1, 1, 1])})
    next((tmp_path / folder / "train").glob(f"{NAME}.*")).unlink()

    data = open_dataset(tmp_path)

    assert data.ids() == ["train_1_001"]
    assert words in data.problems()[0]


@pytest.mark.parametrize(
    ("types", "words"),
    [
        ([1, 2], "lists 2 types for the 3 nuclei"),
        ([1, 2, 9], r"types \[9\], but CoNSeP has 1 to 4"),
    ],
)
def test_types_that_do_not_fit_are_refused(tmp_path, types, words):
    case = open_dataset(write_consep(tmp_path, {NAME: (IDS, types)})).case(NAME)

    with pytest.raises(DatasetError, match=words):
        _ = case.instances


def test_file_of_types_without_types_is_refused(tmp_path):
    write_consep(tmp_path, {NAME: (IDS, [1, 1, 1])})
    savemat(tmp_path / "type_mat" / "train" / f"{NAME}.mat", {"x": 1})

    with pytest.raises(DatasetError, match="no array inst_type"):
        _ = open_dataset(tmp_path).case(NAME).mask.array


@pytest.mark.parametrize("folder", ["inst", "type_mat", "images"])
def test_damaged_file_is_one_sentence(tmp_path, folder):
    write_consep(tmp_path, {NAME: (IDS, [1, 1, 1])})
    path = next((tmp_path / folder / "train").iterdir())
    path.write_bytes(path.read_bytes()[:60])

    with pytest.raises(DelineateError, match=path.name):
        _ = open_dataset(tmp_path).case(NAME).mask.array


def test_pickles_and_fractions_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"ids": 1}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "b.npy", np.ones((2, 2)) / 2)
    np.save(tmp_path / "c.npy", IDS)

    for name, words in (("a", "a pickle"), ("b", "float64 where ids")):
        with pytest.raises(DatasetError, match=words):
            read_ids(tmp_path / f"{name}.npy")
    with pytest.raises(FileError):
        read_ids(tmp_path / "absent.npy")
    assert (read_ids(tmp_path / "c.npy") == IDS).all()


def test_other_parts_stay_unseen_and_it_is_said(tmp_path):
    write_consep(tmp_path, {NAME: (IDS, [1, 1, 1])})
    write_consep(tmp_path, {"test_1_000": (IDS, [1, 1, 1])}, part="test")

    data = open_dataset(tmp_path)

    assert data.ids() == [NAME]
    assert any("test stays unseen" in line for line in data.remarks())


def test_real_patches_hold_what_is_known_of_them(shared_data):
    data = open_dataset(shared_data / "pathology" / "consep_patches")

    counts = sum(
        np.bincount(data.case(id).instances.types, minlength=5) for id in data.ids()
    ).tolist()

    assert data.layout == "consep"
    assert len(data.ids()) == 144
    assert len(set(data.patients().values())) == 9
    assert counts[1:] == [282, 575, 3287, 2009]
