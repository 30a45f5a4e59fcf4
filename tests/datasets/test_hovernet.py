"""HoVer-Net's files in their variants, names of types, and what cannot be right."""

import json

import numpy as np
import pytest
from scipy.io import savemat
from tests.datasets.nuclei import GAP, SIZE, grid_of_ids, write_hovernet

from delineate.core.errors import DatasetError, FileError
from delineate.datasets import open_dataset
from delineate.datasets.hovernet import HoVerNet

IDS = grid_of_ids(3)
TYPES = [[2], [1], [2]]
TYPE_INFO = {"0": ["nolabe", [0, 0, 0]], "1": ["neopla", [255, 0, 0]], "2": ["inflam", [0, 9, 0]]}


def by_pixel(types):
    """Draw the type of every nucleus, with a corner of another type."""
    drawn = np.zeros(SIZE, float)
    for number, type in enumerate(types, start=1):
        drawn[number * GAP == IDS] = type
    drawn[2, 2] = 2
    return drawn


@pytest.mark.parametrize(
    "arrays",
    [
        {"inst_map": IDS, "inst_type": TYPES},
        {"inst_map": IDS.astype(float), "inst_type": np.array(TYPES, float).T},
        {"inst_map": IDS.astype(np.uint16), "inst_type": TYPES, "type_map": IDS * 0},
        {"inst_map": IDS, "type_map": by_pixel([2, 1, 2])},
        {"inst_map": IDS, "inst_type": [[1]], "type_map": by_pixel([2, 1, 2])},
        {"inst_map": IDS, "inst_uid": [[21], [14], [7]], "inst_type": [[2], [1], [2]]},
    ],
)
def test_every_variant_tells_ids_and_types(tmp_path, arrays):
    data = open_dataset(write_hovernet(tmp_path, {"a": arrays}))

    instances = data.case("a").instances

    assert data.layout == "hovernet"
    assert instances.types.tolist() == [2, 1, 2]
    assert data.labels.names == ("type_1", "type_2")
    assert any("made up" in line for line in data.remarks())


def test_files_without_types_are_nuclei(tmp_path):
    data = open_dataset(write_hovernet(tmp_path, {"a": {"inst_map": IDS}}))

    assert data.labels.names == ("nucleus",)
    assert data.case("a").instances.types.tolist() == [1, 1, 1]


def test_names_and_colours_come_from_type_info(tmp_path):
    write_hovernet(tmp_path, {"a": {"inst_map": IDS, "inst_type": [[0], [1], [2]]}})
    (tmp_path / "type_info.json").write_text(json.dumps(TYPE_INFO))

    data = open_dataset(tmp_path)

    assert data.labels.names == ("neopla", "inflam")
    assert data.labels.labels[1].colour == (0, 9, 0)
    assert data.case("a").instances.types.tolist() == [0, 1, 2]
    assert set(np.unique(data.case("a").mask.array)) == {0, 1, 2, 255}


def test_labels_file_may_join_types(tmp_path):
    write_hovernet(tmp_path, {"a": {"inst_map": IDS, "inst_type": [[4], [1], [3]]}})
    (tmp_path / "labels.yaml").write_text("other: 1\nepithelial: [3, 4]\n")

    data = open_dataset(tmp_path)

    assert data.labels.names == ("other", "epithelial")
    assert data.case("a").instances.types.tolist() == [2, 1, 2]
    assert data.case("a").mask.array.max() == 2


def test_type_without_a_name_is_refused_and_named(tmp_path):
    write_hovernet(tmp_path, {"a": {"inst_map": IDS, "inst_type": [[1], [2], [7]]}})
    (tmp_path / "type_info.json").write_text(json.dumps(TYPE_INFO))

    case = open_dataset(tmp_path).case("a")

    with pytest.raises(DatasetError, match=r"of type 7, which .*type_info.json does not name"):
        _ = case.instances


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"inst_map": IDS, "inst_type": [[1], [2]]}, "lists 2 types"),
        ({"inst_map": IDS, "type_map": np.ones((4, 4))}, r"type_map of shape \(4, 4\)"),
    ],
)
def test_arrays_that_contradict_each_other_are_refused(tmp_path, arrays, words):
    write_hovernet(tmp_path, {"a": arrays})
    (tmp_path / "labels.yaml").write_text("one: 1\ntwo: 2\n")

    with pytest.raises(FileError, match=words):
        _ = open_dataset(tmp_path).case("a").instances


def test_file_without_ids_is_refused(tmp_path):
    write_hovernet(tmp_path, {name: {"inst_map": IDS, "inst_type": TYPES} for name in "ab"})
    savemat(tmp_path / "Labels" / "b.mat", {"other": IDS})

    data = open_dataset(tmp_path)

    assert data.labels.names == ("type_1", "type_2")
    with pytest.raises(FileError, match="holds no array inst_map"):
        _ = data.case("b").instances


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"MATLAB 7.3 MAT-file".ljust(600), "version 7.3"), (b"MATLAB 5.0 MAT-file", "damaged")],
)
def test_damaged_or_new_file_is_recognised_and_refused(tmp_path, content, words):
    write_hovernet(tmp_path, {"a": {"inst_map": IDS, "inst_type": TYPES}})
    (tmp_path / "Labels" / "a.mat").write_bytes(content)

    data = open_dataset(tmp_path)

    assert data.layout == "hovernet"
    with pytest.raises(FileError, match=words):
        _ = data.case("a").instances


def test_picture_without_mat_and_the_reverse_are_problems(tmp_path):
    arrays = {"inst_map": IDS, "inst_type": TYPES}
    write_hovernet(tmp_path, {"a": arrays, "b": arrays, "c": arrays})
    (tmp_path / "Labels" / "b.mat").unlink()
    (tmp_path / "Images" / "c.png").unlink()

    data = open_dataset(tmp_path)

    assert data.ids() == ["a"]
    assert ["b has a picture" in data.problems()[0], "c has nuclei" in data.problems()[1]] == [1, 1]


@pytest.mark.parametrize("folders", [("Train/Images", "Train/Labels"), (".", "."), ("imgs", "m")])
def test_folders_may_be_named_and_nested_in_many_ways(tmp_path, folders):
    write_hovernet(tmp_path, {"a": {"inst_map": IDS, "inst_type": TYPES}}, folders=folders)

    data = open_dataset(tmp_path)

    assert (data.layout, data.ids()) == ("hovernet", ["a"])
    assert any("Only Train" in line for line in data.remarks()) == folders[0].startswith("Train")


def test_other_mat_files_and_other_folders_are_not_recognised(tmp_path):
    write_hovernet(tmp_path, {"a": {"inst_map": IDS}})
    before = HoVerNet.recognises(tmp_path)
    savemat(tmp_path / "Labels" / "a.mat", {"other": IDS})

    assert before
    assert not HoVerNet.recognises(tmp_path)
    assert not HoVerNet.recognises(tmp_path / "Images")
    assert not HoVerNet.recognises(tmp_path / "Labels" / "a.mat")


def test_real_patches_are_read(shared_data):
    data = open_dataset(shared_data / "pathology" / "csmp_typed_patches")

    counts = {id: data.case(id).instances.count for id in data.ids()}

    assert counts == {"patch1": 20, "patch2": 47, "patch3": 58}
    assert data.labels.names == ("type_1", "type_2", "type_3", "type_5")
