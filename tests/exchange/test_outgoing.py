import warnings
from io import BytesIO

import pytest

from delineate.core.errors import ExchangeError
from delineate.exchange.outgoing import find_outgoing, read_head


def test_every_kind_of_result_is_known_and_reports_come_last(results):
    assert set(results) == {"DICOM SEG", "LABELMAP", "RTSTRUCT", "SR"}
    assert list(results)[-1] == "SR"
    assert {thing.study_uid for thing in results.values()} == {"1.2.3.1"}
    assert "Anna" not in repr(results)


def test_other_files_are_not_sent(tmp_path):
    (tmp_path / "case.nii.gz").touch()

    assert find_outgoing([tmp_path / "case.nii.gz"]) == []


def test_a_damaged_result_is_named_and_not_sent(tmp_path, results):
    path = tmp_path / "case.seg.dcm"
    path.write_bytes(results["DICOM SEG"].path.read_bytes()[:140])

    with pytest.raises(ExchangeError, match=r"case\.seg\.dcm"):
        find_outgoing([path])


@pytest.mark.parametrize("content", [b"", b"<html>", b"\0" * 128 + b"DICM" + b"\xff" * 64])
def test_what_is_no_dicom_is_said_without_a_word_of_it(content):
    with warnings.catch_warnings(record=True) as heard, pytest.raises(ExchangeError) as caught:
        read_head(BytesIO(content), "PatientID")

    assert str(caught.value) == "no DICOM file"
    assert heard == []
