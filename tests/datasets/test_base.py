"""Patients by name and by table, and folders that cannot be opened."""

import pytest
from tests.datasets.fakes import write_decathlon

from delineate.core.errors import DatasetError
from delineate.datasets import open_dataset
from delineate.datasets.base import patient_of, read_patients, readable_folder


@pytest.mark.parametrize(
    ("case", "patient"),
    [
        ("case101_day20_slice_0078", "case101"),
        ("sub-01_ses-2", "sub-01"),
        ("liver_12-z003", "liver_12"),
        ("A7_Slice5", "A7"),
        ("hippocampus_001", "hippocampus_001"),
        ("zebra_1", "zebra_1"),
        ("brain_t1", "brain_t1"),
    ],
)
def test_patient_is_the_text_before_day_slice_or_z(case, patient):
    assert patient_of(case) == patient


def test_patients_csv_is_read(tmp_path):
    (tmp_path / "patients.csv").write_text("case,patient\na, x\nb,x\n")

    assert read_patients(tmp_path) == {"a": "x", "b": "x"}


def test_patients_csv_without_its_columns_is_refused(tmp_path):
    (tmp_path / "patients.csv").write_text("id,who\na,x\n")

    with pytest.raises(DatasetError, match="case,patient"):
        read_patients(tmp_path)


def test_absent_empty_and_file_are_told_apart(tmp_path):
    (tmp_path / "file.txt").write_text("")
    (tmp_path / "empty").mkdir()

    for name, words in (("none", "no folder"), ("file.txt", "is a file"), ("empty", "is empty")):
        with pytest.raises(DatasetError, match=words):
            open_dataset(tmp_path / name)


def test_unreadable_folder_says_so(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.iterdir", refuse)

    with pytest.raises(DatasetError, match=r"cannot be read \(Permission denied"):
        readable_folder(tmp_path)


def test_unknown_layout_names_what_is_known(tmp_path):
    (tmp_path / "stuff").mkdir()

    with pytest.raises(DatasetError, match="imagesTr/ and labelsTr/"):
        open_dataset(tmp_path)


def test_no_path_is_refused():
    with pytest.raises(DatasetError, match="names no dataset"):
        open_dataset([])


def test_option_that_a_kind_does_not_take_is_refused(tmp_path):
    write_decathlon(tmp_path)

    with pytest.raises(DatasetError, match=r"takes no num_patients\. Leave"):
        open_dataset(tmp_path, num_patients=3)
    with pytest.raises(DatasetError, match="takes no mpp; mpp is for datasets of nuclei"):
        open_dataset([tmp_path], mpp=0.25)
