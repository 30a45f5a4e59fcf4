"""What is said before pixels are touched: bombs, lacks and scope."""

import pytest

from delineate.readers.dicom_frames import Frame, Group
from delineate.readers.dicom_soundness import check_group
from delineate.readers.dicom_sources import SourceFile

VALUES = {
    "sop_uid": "1.2.3",
    "modality": "CT",
    "syntax": "1.2.840.10008.1.2.1",
    "rows": 4,
    "columns": 5,
    "samples": 1,
    "allocated": 16,
    "stored": 12,
    "num_frames": 1,
    "offset": 1000,
    "available": 40,
    "photometric": "MONOCHROME2",
    "is_lossy": False,
}
PLANE = {"slope": 1.0, "intercept": 0.0, "is_imager": False}
PACKED = {"syntax": "1.2.840.10008.1.2.5", "offset": None, "is_whole": True}


def codes(plane=None, **values):
    frame = Frame(
        file=SourceFile(path="a.dcm"),
        index=0,
        values={**VALUES, **values},
        plane={**PLANE, **(plane or {})},
    )
    return [(entry.code, entry.severity) for entry in check_group(Group(frames=(frame,))).findings]


def test_a_sound_slice_has_no_findings():
    assert codes() == []
    assert codes(**PACKED) == []


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"available": 39}, "TRUNCATED"),
        ({**PACKED, "is_whole": False}, "TRUNCATED"),
        ({"available": 0}, "NO_PIXELS"),
        ({"rows": 0}, "TOO_LARGE"),
        ({"rows": 65535, "columns": 65535, **PACKED}, "TOO_LARGE"),
        ({"rows": 9000, "columns": 9000, **PACKED}, "TOO_LARGE"),
        ({"num_frames": 10**9, **PACKED}, "TOO_LARGE"),
        ({"allocated": 1}, "UNSUPPORTED_PIXELS"),
        ({"allocated": 64, "available": 160}, "UNSUPPORTED_PIXELS"),
        ({"syntax": "1.2.840.10008.1.2.4.100", "offset": None}, "UNKNOWN_SYNTAX"),
        ({"syntax": "9.9", "offset": None}, "UNKNOWN_SYNTAX"),
    ],
)
def test_what_cannot_be_read_is_refused_before_memory_is_taken(values, code):
    assert codes(**values) == [(code, "refusal")]


def test_an_empty_slice_of_air_may_be_packed_very_well():
    assert codes(rows=512, columns=512, **{**PACKED, "available": 100}) == []


@pytest.mark.parametrize(
    ("plane", "values", "code"),
    [
        ({}, {"photometric": "MONOCHROME1"}, "MONOCHROME1"),
        ({}, {"is_lossy": True}, "LOSSY"),
        ({"slope": None}, {}, "NO_RESCALE"),
        ({"is_imager": True}, {}, "IMAGER_SPACING"),
        ({}, {"modality": "US"}, "OUT_OF_SCOPE"),
    ],
)
def test_what_changes_nothing_is_a_note(plane, values, code):
    assert codes(plane, **values) == [(code, "note")]


def test_an_mr_needs_no_slope():
    assert codes({"slope": None, "intercept": None}, modality="MR") == []
