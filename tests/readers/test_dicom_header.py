"""Headers: plain values, no names, and whatever a file does, an answer."""

import json
import zipfile

import pytest
from tests.readers.dicom_cases import AXIAL, ct_slice, place_along, write

from delineate.readers.dicom_header import is_dicom_start, opened, read_header


@pytest.fixture
def file(tmp_path):
    return write(ct_slice(place_along(AXIAL, 0)), tmp_path / "a.dcm")


def test_a_header_is_json_without_anything_of_the_patient(file):
    text = json.dumps(read_header(str(file), ""))

    assert not any(word in text for word in ("Doe", "Jane", "P-0001", "1950"))


def test_patients_are_told_apart_by_a_digest_of_number_or_name(tmp_path):
    changes = ({}, {"PatientID": "2"}, {"PatientName": "Roe"}, {"PatientID": None})
    files = [
        write(ct_slice((0, 0, 0), **change), tmp_path / f"{place}.dcm")
        for place, change in enumerate(changes)
    ]

    digests = [read_header(str(file), "")["patient"] for file in files]

    assert digests[0] == digests[2]  # the number decides, a name may be spelled anew
    assert len({*digests}) == 3


@pytest.mark.parametrize(
    ("start", "answer"),
    [
        (b"\0" * 128 + b"DICM", True),
        (b"\x08\x00\x05\x00CS" + bytes(20), True),
        (b"\x00\x08\x00\x05CS" + bytes(20), True),
        (b"PK\x03\x04" + bytes(200), False),
        (b"", False),
        (b"\x08\x00", False),
    ],
)
def test_the_first_bytes_tell_dicom_from_others(start, answer):
    assert is_dicom_start(start) is answer


def test_a_member_of_a_zip_is_read_in_memory(file, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(file, "in/a.dcm")

    with opened(str(tmp_path / "a.zip"), "in/a.dcm") as stream:
        assert stream.read() == file.read_bytes()
    assert read_header(str(tmp_path / "a.zip"), "in/a.dcm")["kind"] == "image"


def test_what_cannot_be_opened_is_damaged_with_its_reason(tmp_path):
    values = read_header(str(tmp_path / "absent.dcm"), "")

    assert values == {"kind": "damaged", "reason": "No such file or directory"}
