import pytest

from delineate.infer.ledger import Ledger

KEY = {"weights_hash": "abc", "flips": (0, 1)}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.nii.gz").touch()
    Ledger(tmp_path).record("a", KEY, ["a.nii.gz"], {"model": "made"})
    return tmp_path


def test_a_recorded_case_is_done_in_the_next_run(folder):
    ledger = Ledger(folder)

    assert ledger.is_done("a", KEY)
    assert not ledger.is_new


def test_another_model_or_setting_is_not_done(folder):
    assert not Ledger(folder).is_done("a", {**KEY, "weights_hash": "other"})


def test_an_unknown_case_is_not_done(folder):
    assert not Ledger(folder).is_done("b", KEY)


def test_a_case_whose_file_was_deleted_is_not_done(folder):
    (folder / "a.nii.gz").unlink()

    assert not Ledger(folder).is_done("a", KEY)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 99, "cases": {}}', "\x00"])
def test_a_damaged_record_counts_as_none(folder, content):
    (folder / "predictions.json").write_text(content)

    ledger = Ledger(folder)

    assert not ledger.is_done("a", KEY)
    assert not ledger.is_new


def test_a_fact_of_what_made_cases_is_found_by_case(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.record("a", {}, [], {"doubt": 0.5})
    ledger.record("b", {}, [], {})
    ledger.record("c", {}, [], {"doubt": None})

    assert ledger.facts("doubt", ["a", "b"]) == {"a": 0.5}
    assert ledger.facts("doubt", ["c"]) == {"c": None}
