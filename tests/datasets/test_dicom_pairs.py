"""A folder of scans with RTSTRUCT or SEG is a dataset."""

from dataclasses import replace

import numpy as np
import pytest

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
