import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import DatasetError, FileError
from delineate.pairing import fail, named, pair_models
from delineate.truth import find_truth
from delineate.writers import write_prediction
from scans import make_scan


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


def study(folder, root, truth=True):
    scan = make_scan(folder, shape=(4, 12, 14), root=root)
    if truth:
        write_prediction(scan.prediction, folder / "t.seg.dcm", image=scan.image)
    return scan


def test_a_file_belongs_to_the_series_that_it_names_whatever_its_own_name(tmp_path):
    first = study(tmp_path / "data" / "ada", "1.2.3")
    second = study(tmp_path / "data" / "bob", "1.2.4")
    (tmp_path / "out").mkdir()
    for scan, name in ((first, "bob"), (second, "x7")):
        path = tmp_path / "out" / f"{name}.rtstruct.dcm"
        write_prediction(scan.prediction, path, image=scan.image)
    truth = find_truth(tmp_path / "data")

    (one,) = pair_models([tmp_path / "out"], truth, tmp_path / "data")

    assert {case: file.name for case, file in one.files.items()} == {
        "ada": "bob.rtstruct.dcm", "bob": "x7.rtstruct.dcm"
    }  # fmt: skip
    assert not one.failures


def test_what_was_made_from_a_series_without_truth_fails_by_name(tmp_path):
    scan = study(tmp_path / "data" / "ada", "1.2.3")
    other = study(tmp_path / "other", "1.2.4", truth=False)
    (tmp_path / "out").mkdir()
    for one, name in ((scan, "ada"), (other, "eve")):
        write_prediction(one.prediction, tmp_path / "out" / f"{name}.seg.dcm", image=one.image)
    truth = find_truth(tmp_path / "data")

    (one,) = pair_models([tmp_path / "out"], truth, tmp_path / "data")

    assert list(one.files) == ["ada"]
    assert [failure.case for failure in one.failures] == ["eve.seg.dcm"]
    assert "made from series 1.2.4.2" in one.failures[0].reason


def test_nothing_that_fits_is_one_sentence_with_the_series(tmp_path):
    study(tmp_path / "data" / "ada", "1.2.3")
    other = study(tmp_path / "other", "1.2.4", truth=False)
    (tmp_path / "out").mkdir()
    write_prediction(other.prediction, tmp_path / "out" / "eve.seg.dcm", image=other.image)
    truth = find_truth(tmp_path / "data")

    with pytest.raises(DatasetError, match=r"made from series 1.2.4.2, .* Put that series"):
        pair_models([tmp_path / "out"], truth, tmp_path / "data")
