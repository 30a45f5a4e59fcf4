"""The description of a dataset."""

import json

import pytest
from tests.datasets.nuclei import grid_of_ids, write_consep, write_stardist
from tests.readers.dicom_cases import AXIAL, ct_slice, even, place_along, write, write_stack

from delineate.core.errors import DatasetError
from delineate.core.progress import show_with
from delineate.datasets.phantoms import write_dataset
from delineate.steps.describe import DescribeSettings, describe


@pytest.fixture
def folder(tmp_path):
    return write_dataset(tmp_path / "data", 2, scans_per_patient=2, shape=(8, 32, 32))


def test_text_tells_layout_counts_sizes_and_classes(folder):
    text = describe(DescribeSettings(data=folder)).text

    for words in ("nnunet", "4 readable, of 2 patients", "8 x 32 x 32", "3 x 1.5 x 1.5",
                  "large_bowel", "4 of 4", "No problems found"):  # fmt: skip
        assert words in text


def test_json_holds_every_case(folder, tmp_path):
    out = tmp_path / "facts.json"

    describe(DescribeSettings(data=folder, json=out))

    facts = json.loads(out.read_text())
    assert len(facts["cases"]) == 4
    assert facts["labels"] == ["stomach", "small_bowel", "large_bowel"]


def test_problems_are_listed_with_their_mend(folder):
    (folder / "labelsTr" / "phantom_0001_day1.nii.gz").unlink()

    text = describe(DescribeSettings(data=folder)).text

    assert "Problems: 1 error" in text
    assert "phantom_0001_day1 has an image but no mask" in text


def test_progress_is_reported(folder):
    seen = []
    show_with(lambda what, done, total, _: seen.append((what, done, total)))

    describe(DescribeSettings(data=folder))
    show_with(None)

    assert ("looking at every case", 4, 4) in seen


def test_empty_folder_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="is empty"):
        describe(DescribeSettings(data=tmp_path))


@pytest.fixture
def nuclei(tmp_path):
    cases = {f"train_{tile}_000": (grid_of_ids(4), [1, 2, 2, 3]) for tile in (1, 4)}
    return write_consep(tmp_path / "nuclei", cases)


def test_nuclei_are_told_by_type_in_micrometres(nuclei):
    text = describe(DescribeSettings(data=nuclei)).text

    for words in ("instances", "8; 4 a case (4 to 4)", "0.25 (assumed 2)", "colon 2",
                  "median diameter (um)", "inflammatory    2 of 2    4        50 %"):  # fmt: skip
        assert words in text
    assert "spacing" not in text


def test_resolution_by_hand_and_several_datasets_are_told(nuclei, tmp_path):
    other = write_stardist(tmp_path / "plain", {"a": grid_of_ids(10)})
    out = tmp_path / "facts.json"

    text = describe(DescribeSettings(data=nuclei, more=(other,), mpp=0.5, json=out)).text

    facts = json.loads(out.read_text())
    assert "0.5 (by hand 3)" in text
    assert "of unknown type" in text
    assert facts["task"] == "instances"
    assert facts["cases"][2]["objects"]["by_type"]["of unknown type"] == 10


def test_resolution_is_only_for_nuclei(folder):
    with pytest.raises(DatasetError, match="mpp is for datasets of nuclei"):
        describe(DescribeSettings(data=folder, mpp=0.5))


def test_dicom_files_are_told_series_by_series_with_their_findings(tmp_path):
    uids = write_stack(tmp_path / "in" / "a", [0, 3, 6, 12, 15, 18, 21])
    write_stack(tmp_path / "in" / "b", even(), SeriesInstanceUID="1.2.3", PixelSpacing=[0, 1])
    out = tmp_path / "facts.json"

    description = describe(DescribeSettings(data=tmp_path / "in", json=out))

    lines = description.text.splitlines()
    assert lines[0].endswith("2 series of DICOM")
    assert lines[1].startswith("repaired  CT  7 slices  8 x 24 x 20  3 x 2 x 1.5 mm  series 1.2")
    assert lines[2].startswith("    repair GAP: ")
    assert uids[2] in lines[3]
    assert lines[4].startswith("refused   CT  10 slices  series 1.2.3")
    assert "Doe" not in description.text
    facts = json.loads(out.read_text())
    assert [entry["verdict"] for entry in facts["series"]] == ["repaired", "refused"]
    assert list(description.failures) == ["1.2.3"]
    assert "BAD_GEOMETRY" in description.failures["1.2.3"]


def test_a_dataset_of_dicom_files_stays_a_dataset(tmp_path):
    for case in ("a", "b"):
        for kind in ("images", "masks"):
            for place, height in enumerate(even(3)):
                dataset = ct_slice(place_along(AXIAL, height), RescaleIntercept=0)
                dataset.PixelData = bytes([1, 0, 0, 0] * (len(dataset.PixelData) // 4))
                write(dataset, tmp_path / kind / case / f"{place}.dcm")

    description = describe(DescribeSettings(data=tmp_path))

    assert description.layout == "folder"
