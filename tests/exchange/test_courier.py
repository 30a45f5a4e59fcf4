"""The round with a real archive: fetched, predicted, sent; refused, repeated, killed."""

import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread

from delineate.steps.predict import PredictSettings, predict
from exchange.conftest import STUDY

ALL = "dicom-seg,rtstruct,sr"
LABELMAP = "1.2.840.10008.5.1.4.1.1.66.7"


def round_of(archive, run, secret, out, **changes):
    values = {
        "fetch": archive.url, "study": STUDY, "to": archive.url, "credentials": secret,
        "model": str(run), "out": out, "format": ALL, "device": "cpu",
    }  # fmt: skip
    return PredictSettings(**{**values, **changes})


@pytest.mark.parametrize("way", ["url", "node"])
def test_a_study_comes_and_its_results_go_back_once(archive, run, secret, tmp_path, way):
    asked = round_of(archive, run, secret, tmp_path / "out", to=getattr(archive, way))

    first = predict(asked)
    second = predict(asked)
    third = predict(round_of(archive, run, secret, tmp_path / "other", to=getattr(archive, way)))

    assert (first.received, first.sent, first.failures) == (10, 3, {})
    assert (second.sent, second.sent_before) == (0, 3)
    assert third.sent == (3 if way == "node" else 0)  # C-STORE cannot ask what is there
    assert archive.modalities() == [("CT", 10), ("RTSTRUCT", 1), ("SEG", 1), ("SR", 1)]
    assert archive.count() == 13


def test_what_the_archive_holds_is_what_was_written(archive, run, secret, tmp_path):
    result = predict(round_of(archive, run, secret, tmp_path / "out"))

    (path,) = result.folder.glob("*.seg.dcm")
    written = dcmread(path)
    judge = DICOMwebClient(
        archive.url, headers={"Authorization": "Basic cmFkaW9sb2d5Om5vdC1zby1zZWNyZXQ="}
    )
    held = judge.retrieve_instance(STUDY, written.SeriesInstanceUID, written.SOPInstanceUID)
    assert held.PixelData == written.PixelData
    assert held.PatientID == "P1"
    assert str(held.PatientName) == "Phantom^Anna"
