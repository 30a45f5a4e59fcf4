import json

import pytest

from delineate.core.errors import FileError
from delineate.infer.bundle import list_bundles
from delineate.infer.leaks import find_leaks, training_cases, warn_of_leaks


def test_a_run_lists_its_cases(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"training_cases": ["a", "b"]}))

    assert training_cases(tmp_path) == {"a", "b"}


def test_a_card_lists_its_cases(tmp_path):
    (tmp_path / "card.md").write_text("# Card\n\nLearnt from 2 cases: a.v2, b.\n\nLicence: x.\n")

    assert training_cases(tmp_path) == {"a.v2", "b"}


@pytest.mark.parametrize("name", list_bundles())
def test_every_shipped_model_says_what_trained_it(name):
    assert training_cases(list_bundles()[name])


def test_nothing_is_known_of_others(tmp_path):
    assert training_cases(tmp_path) == frozenset()


def test_ids_files_channels_and_datasets_are_recognised():
    names = {"a": [], "new": ["b_0000"], "tile.1": [], "tile_7": [], "c_0000": []}

    assert find_leaks({"a", "b", "MoNuSeg.tile.1", "c"}, names) == ("a", "c_0000", "new", "tile.1")


def test_the_warning_names_cases_and_model():
    said = warn_of_leaks([str(place) for place in range(10)], 12, "m")

    assert said.startswith("10 of these 12 cases trained the model m")
    assert "7 and 2 more" in said


def test_a_damaged_file_is_an_error_with_a_mend(tmp_path):
    (tmp_path / "run.json").write_text("{")

    with pytest.raises(FileError, match=r"run\.json cannot be read"):
        training_cases(tmp_path)
