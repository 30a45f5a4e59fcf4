import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import DatasetError, FileError
from delineate.pairing import fail, named, pair_models
from delineate.truth import find_truth


def fill(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.fromarray(np.eye(4, dtype=np.uint8)).save(folder / f"{name}.png")
    return folder


def pair(tmp_path, *folders):
    path = fill(tmp_path / "truth", "a", "b")
    return pair_models(folders, find_truth(path), path)


def test_one_model_has_no_name(tmp_path):
    (one,) = pair(tmp_path, fill(tmp_path / "said", "a", "b", "c"))

    assert one.model == ""
    assert list(one.files) == ["a", "b"]
    assert "c.png" in one.notes[0]


def test_models_keep_what_all_of_them_answer(tmp_path):
    first, second = pair(tmp_path, fill(tmp_path / "x", "a", "b"), fill(tmp_path / "y", "b"))

    assert (first.model, second.model) == ("x", "y")
    assert list(first.files) == list(second.files) == ["b"]
    assert "a" in first.notes[0]
    assert [failure.case for failure in second.failures] == ["a"]


def test_folders_of_one_name_are_told_apart(tmp_path):
    pairs = pair(tmp_path, fill(tmp_path / "x" / "out", "a"), fill(tmp_path / "y" / "out", "a"))

    assert [one.model for one in pairs] == ["x/out", "y/out"]


def test_the_same_folder_twice_is_numbered(tmp_path):
    folder = fill(tmp_path / "out", "a")

    names = [one.model for one in pair(tmp_path, folder, folder)]
    assert len(set(names)) == 2


def test_models_without_a_common_case_are_an_error(tmp_path):
    with pytest.raises(DatasetError, match="every model"):
        pair(tmp_path, fill(tmp_path / "x", "a"), fill(tmp_path / "y", "b"))


def test_a_failure_names_its_case_once():
    assert fail("a", FileError("a is damaged.")).reason == "a is damaged."
    assert fail("a", ValueError("odd")).reason == "a: ValueError: odd"


def test_many_cases_are_counted():
    assert named([str(place) for place in range(11)]).endswith("7 and 3 more")
