"""A folder of scans with RTSTRUCT or SEG is a dataset."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from pydicom import dcmread

from delineate.core.errors import DatasetError
from delineate.core.image import Mask
from delineate.core.labels import LabelTable
from delineate.datasets import open_dataset
from delineate.datasets.dicom_pairs import DicomPairs
from delineate.writers import WRITERS, write_prediction
from scans import make_scan


def write(scan, path, name, **changes):
    prediction = replace(scan.prediction, **changes)
    write_prediction(
        prediction, path / f"truth{WRITERS[name].suffix}", image=scan.image, format=name
    )


@pytest.mark.parametrize("name", ["rtstruct", "dicom-seg", "dicom-seg-labelmap"])
@pytest.mark.parametrize("kind", ["plain", "gapped", "tilted", "multiframe"])
def test_truth_lies_where_it_was_drawn(tmp_path, kind, name):
    scan = make_scan(tmp_path / "ct", kind, shape=(8, 24, 28))
    write(scan, tmp_path, name)

    data = open_dataset(tmp_path)
    (id,) = data.ids()
    case = data.case(id)

    assert isinstance(data, DicomPairs)
    assert case.mask.array.shape == case.image.geometry.shape
    back = case.image.series.to_planes(case.mask.array)
    assert np.array_equal(back, scan.series.to_planes(scan.prediction.mask.array))
    assert data.labels.names == ("liver", "kidney_left", "small_bowel")


def test_labels_are_joined_by_name(tmp_path):
    first = make_scan(tmp_path / "a", shape=(6, 20, 24), root="1.2.3")
    second = make_scan(tmp_path / "b", shape=(6, 20, 24), root="1.2.4")
    write(first, tmp_path / "a", "rtstruct", labels=LabelTable.of_names({"liver": 1, "spleen": 2}))
    write(second, tmp_path / "b", "rtstruct", labels=LabelTable.of_names({"spleen": 1}))

    data = open_dataset(tmp_path)

    assert data.labels.names == ("liver", "spleen")
    masks = [data.case(id).mask.array for id in data.ids()]
    assert np.unique(masks[0]).tolist() == [0, 1, 2]
    assert np.unique(masks[1]).tolist() == [0, 2]


def test_structures_that_overlap_make_layers(tmp_path):
    scan = make_scan(tmp_path / "ct", shape=(6, 20, 24))
    layers = np.zeros((4, 6, 20, 24), bool)
    layers[0, 1:4, 2:12, 3:15], layers[1, 2:5, 8:18, 3:15] = True, True
    labels = replace(scan.prediction.labels, overlapping=True)
    mask = Mask.of(layers, scan.series.regular, is_stack=True)
    write(scan, tmp_path, "rtstruct", mask=mask, labels=labels)

    data = open_dataset(tmp_path)
    found = data.case(data.ids()[0]).mask

    assert data.labels.overlapping
    assert np.array_equal(found.array, layers[:2])


def test_what_has_no_source_is_named_and_left_out(tmp_path):
    kept = make_scan(tmp_path / "a", shape=(6, 20, 24), root="1.2.3")
    lost = make_scan(tmp_path / "b", shape=(6, 20, 24), root="1.2.4")
    write(kept, tmp_path / "a", "rtstruct")
    write(lost, tmp_path / "a" / "lost", "dicom-seg")
    for file in (tmp_path / "b").iterdir():
        file.unlink()

    data = open_dataset(tmp_path)

    assert len(data.ids()) == 1
    assert "1.2.4.2" in data.problems()[0]


def test_a_structure_set_alone_is_one_clear_error(tmp_path):
    scan = make_scan(tmp_path / "ct", shape=(6, 20, 24))
    write(scan, tmp_path / "alone", "rtstruct")

    with pytest.raises(DatasetError, match="was drawn on series"):
        open_dataset(tmp_path / "alone")


def test_patients_are_told_apart_without_their_ids(tmp_path):
    for place, patient in enumerate(("Anna1", "Anna1", "Bert2")):
        scan = make_scan(
            tmp_path / str(place), shape=(4, 20, 24), root=f"1.2.{place + 3}", PatientID=patient
        )
        write(scan, tmp_path / str(place), "rtstruct")

    owners = list(open_dataset(tmp_path).patients().values())

    assert owners[0] == owners[1] != owners[2]
    assert not any("Anna1" in owner or "Bert2" in owner for owner in owners)


def test_scans_alone_are_no_such_dataset(tmp_path):
    make_scan(tmp_path, shape=(4, 20, 24))

    assert not DicomPairs.recognises(tmp_path)
    assert not DicomPairs.recognises(tmp_path / "none")


def test_cases_are_named_by_the_folder_of_their_series(tmp_path):
    for place, name in enumerate(("ada", "bob")):
        scan = make_scan(tmp_path / "in" / name / "ct", shape=(4, 20, 24), root=f"1.2.{place + 3}")
        write(scan, tmp_path / "in" / name, "rtstruct")

    data = open_dataset(tmp_path / "in")

    assert data.ids() == ["ada_ct", "bob_ct"]
    assert data.other_names()["bob_ct"] == ("bob_ct",)
    assert data.sources() == {"ada_ct": "1.2.3.2", "bob_ct": "1.2.4.2"}


def test_series_in_one_folder_are_named_by_their_truth(tmp_path):
    for place in (3, 4):
        scan = make_scan(tmp_path / str(place), shape=(4, 20, 24), root=f"1.2.{place}")
        for file in scan.folder.iterdir():
            file.rename(tmp_path / f"{place}_{file.name}")
        scan.folder.rmdir()
        prediction, path = scan.prediction, tmp_path / f"t{place}.seg.dcm"
        header = {
            entry.sop_uid: f"{place}_{at:03}.dcm" for at, entry in enumerate(scan.series.slices)
        }
        series = replace(scan.series, header=lambda one, names=header: dcmread(
            tmp_path / names[one.sop_uid], stop_before_pixels=True))  # fmt: skip
        write_prediction(prediction, path, image=replace(scan.image, series=series))

    data = open_dataset(tmp_path)

    assert data.ids() == ["t3", "t4"]


def test_spellings_of_a_label_are_one_label(tmp_path):
    for place, name in enumerate(("Liver", "LIVER", "liver ")):
        scan = make_scan(tmp_path / str(place), shape=(4, 20, 24), root=f"1.2.{place + 3}")
        write(scan, scan.folder, "rtstruct", labels=LabelTable.of_names({name: 1}))

    data = open_dataset(tmp_path)

    assert data.labels.names == ("Liver",)
    assert [np.unique(data.case(id).mask.array).tolist() for id in data.ids()] == [[0, 1]] * 3


def test_a_list_of_labels_chooses_and_numbers_them(tmp_path):
    scan = make_scan(tmp_path / "ct", shape=(6, 20, 24))
    write(scan, scan.folder, "rtstruct")
    (tmp_path / "labels.yaml").write_text("Kidney Left: 1\nLIVER: 5\n", encoding="utf-8")

    data = open_dataset(tmp_path)

    mask = data.case("ct").mask.array
    assert data.labels.names == ("Kidney Left", "LIVER")
    assert np.array_equal(mask == 1, scan.prediction.mask.array == 2)
    assert np.array_equal(mask == 5, scan.prediction.mask.array == 1)
    assert "leaves out small_bowel" in data.remarks()[0]


def test_a_truth_of_others_comes_before_our_own(tmp_path):
    scan = make_scan(tmp_path / "ct", shape=(6, 20, 24))
    write(scan, tmp_path / "ct" / "a", "rtstruct")
    write(scan, tmp_path / "ct" / "b", "rtstruct", labels=LabelTable.of_names({"spleen": 1}))
    theirs = dcmread(tmp_path / "ct" / "b" / "truth.rtstruct.dcm")
    theirs.ManufacturerModelName = "Eclipse"
    theirs.save_as(tmp_path / "ct" / "b" / "truth.rtstruct.dcm")

    data = open_dataset(tmp_path)

    assert data.labels.names == ("spleen",)
    assert "ct_a_truth was drawn on the same series as ct_b_truth" in data.problems()[0]


def test_truth_and_series_may_lie_apart(tmp_path):
    scan = make_scan(tmp_path / "scans" / "ada", shape=(6, 20, 24))
    write(scan, tmp_path / "drawn", "dicom-seg")

    data = DicomPairs(tmp_path / "drawn", images=tmp_path / "scans")
    alone = DicomPairs(tmp_path / "drawn" / "truth.seg.dcm", images=tmp_path / "scans")

    assert data.ids() == alone.ids() == ["ada"]


def test_a_damaged_truth_is_named_and_left_out(tmp_path):
    for place, name in enumerate(("ada", "bob")):
        scan = make_scan(tmp_path / name, shape=(6, 20, 24), root=f"1.2.{place + 3}")
        write(scan, scan.folder, "rtstruct")
    path = tmp_path / "bob" / "truth.rtstruct.dcm"
    broken = dcmread(path)
    for item in broken.StructureSetROISequence:
        del item.ROINumber
    broken.save_as(path)

    data = open_dataset(tmp_path)

    assert data.ids() == ["ada"]
    assert "bob_truth is left out" in data.problems()[0]


def test_a_dataset_travels_to_other_processes(tmp_path):
    scan = make_scan(tmp_path / "ct", shape=(6, 20, 24))
    write(scan, scan.folder, "rtstruct")

    data = pickle.loads(pickle.dumps(open_dataset(tmp_path)))

    assert np.array_equal(data.case("ct").mask.array, scan.prediction.mask.array)


def test_a_file_without_a_series_is_of_the_only_one_in_its_frame_of_reference(tmp_path):
    scan = make_scan(tmp_path / "ct", shape=(6, 20, 24))
    write(scan, tmp_path / "ct", "rtstruct")
    path = tmp_path / "ct" / "truth.rtstruct.dcm"
    theirs = dcmread(path)
    del theirs.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence
    theirs.save_as(path)

    data = open_dataset(tmp_path)

    assert data.ids() == ["ct"]
    assert np.array_equal(data.case("ct").mask.array, scan.prediction.mask.array)
