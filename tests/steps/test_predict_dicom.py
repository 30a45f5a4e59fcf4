"""Predict on DICOM: objects of all kinds beside each other, read back before they count."""

import json
import logging

import numpy as np
import pytest
from pydicom import dcmread

from delineate.cli import main
from delineate.core.errors import FileError
from delineate.readers.dicom import read_studies
from delineate.readers.dicom_rt import read_structures
from delineate.readers.dicom_seg import read_segments
from delineate.steps.predict import PredictSettings, predict
from judges import faults_of
from made_runs import make_ct_run
from scans import KINDS, make_scan

ALL = "sr,dicom-seg,dicom-seg-labelmap,dicom-seg-fractional,rtstruct,nifti"


@pytest.fixture
def run(tmp_path):
    """A run folder whose small network has random weights, for CT."""
    return make_ct_run(tmp_path / "run", spacing_mm=(3.0, 2.0, 1.5))


def asked(folder, run, **changes):
    values = {"inputs": (str(folder),), "model": str(run), "out": folder.parent / "out"}
    return PredictSettings(**{**values, "device": "cpu", **changes})


def record(out, case):
    cases = json.loads((out / "predictions.json").read_text(encoding="utf-8"))["cases"]
    return cases[case]


@pytest.mark.parametrize("kind", KINDS)
def test_all_objects_of_any_series_are_written_and_read_back(tmp_path, run, kind):
    scan = make_scan(tmp_path / "ct", kind, shape=(8, 20, 24))

    result = predict(asked(scan.folder, run, format=ALL))

    assert result.failures == {}
    row = record(result.folder, "ct")
    proofs = row["provenance"]["read_back"]
    assert {name: proof["different"] for name, proof in proofs.items()} == {
        "dicom-seg": 0, "dicom-seg-labelmap": 0, "dicom-seg-fractional": 0, "rtstruct": 0,
        "sr": 0,
    }  # fmt: skip
    assert sorted(row["files"]) == sorted(
        f"ct{ending}"
        for ending in (".sr.dcm", ".seg.dcm", ".labelmap.dcm", ".fractional.dcm",
                       ".rtstruct.dcm", ".nii.gz")
    )  # fmt: skip


def test_seg_and_contours_say_the_same_and_validators_find_no_fault(tmp_path, run):
    scan = make_scan(tmp_path / "ct", shape=(8, 20, 24))
    predict(asked(scan.folder, run, format="dicom-seg,rtstruct,sr"))

    series = read_studies(scan.folder).only().series
    out = tmp_path / "out"
    first, _ = read_segments(out / "ct.seg.dcm", series).on_slices(series)
    second, _ = read_structures(out / "ct.rtstruct.dcm", series).on_slices(series)

    assert first.any()
    assert np.array_equal(first, second)
    assert [faults_of(path) for path in sorted(out.glob("*.dcm"))] == [[], [], []]


def test_a_repeat_gives_the_same_uids_and_pixels(tmp_path, run):
    scan = make_scan(tmp_path / "ct", shape=(8, 20, 24))
    told = []
    for name in ("a", "b"):
        predict(asked(scan.folder, run, out=tmp_path / name, format="dicom-seg"))
        told.append(dcmread(tmp_path / name / "ct.seg.dcm"))

    first, second = told

    assert first.SOPInstanceUID == second.SOPInstanceUID
    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    assert first.PixelData == second.PixelData


def test_reading_back_can_be_left_out(tmp_path, run):
    scan = make_scan(tmp_path / "ct", shape=(8, 20, 24))

    predict(asked(scan.folder, run, format="dicom-seg", verify=False))

    assert "read_back" not in record(tmp_path / "out", "ct")["provenance"]


def test_a_series_without_frame_of_reference_fails_before_inference(tmp_path, run, monkeypatch):
    scan = make_scan(tmp_path / "ct", shape=(8, 20, 24), FrameOfReferenceUID=None)
    computed = []
    monkeypatch.setattr(
        "delineate.infer.predictor.Predictor.predict", lambda *_, **__: computed.append(1)
    )

    result = predict(asked(scan.folder, run, format="rtstruct"))

    assert "NO_FRAME_OF_REFERENCE" in result.failures["ct"]
    assert computed == []


def test_a_report_without_segments_is_refused_at_once(tmp_path, run):
    scan = make_scan(tmp_path / "ct", shape=(8, 20, 24))

    with pytest.raises(FileError, match="dicom-seg,sr"):
        predict(asked(scan.folder, run, format="sr"))


def test_no_name_of_a_patient_reaches_log_or_record(tmp_path, run, caplog):
    caplog.set_level("DEBUG")
    scan = make_scan(tmp_path / "ct", shape=(8, 20, 24), PatientName="Geheim^Frieda")

    predict(asked(scan.folder, run, format=ALL))

    told = caplog.text + (tmp_path / "out" / "predictions.json").read_text(encoding="utf-8")
    assert "Geheim" not in told
    assert "P1" not in told.split()


def test_a_folder_of_series_gives_each_its_files_and_names_what_is_broken(
    tmp_path, run, capsys, monkeypatch
):
    study = tmp_path / "study"
    for number, name in enumerate(("thin", "thick", "broken", "pet")):
        modality = "PT" if name == "pet" else "CT"
        make_scan(study / name, shape=(8, 20, 24), root=f"1.2.{number + 3}", Modality=modality)
    for path in (study / "broken").iterdir():
        path.write_bytes(path.read_bytes()[:-50])
    out, kinds = tmp_path / "out", "dicom-seg,rtstruct,sr"

    logger = logging.getLogger("delineate")  # which the command line takes for itself
    for name in ("handlers", "level", "propagate"):
        monkeypatch.setattr(logger, name, getattr(logger, name))
    words = ["predict", str(study), "--model", str(run), "--format", kinds, "--out", str(out)]
    code = main(words)

    said = capsys.readouterr()
    assert code == 1
    assert sorted(path.name for path in out.glob("*.dcm")) == sorted(
        f"{name}.{ending}.dcm" for name in ("thin", "thick") for ending in ("seg", "rtstruct", "sr")
    )
    told = {dcmread(path).StudyInstanceUID for path in out.glob("thin.*")}
    assert told == {"1.2.3.1"}
    assert "series 1.2.5.2: TRUNCATED" in said.err
    assert "Predicted 2 of 3 cases" in said.out
    assert "pet: " in said.out
    assert "is PET, but the model was trained on CT" in said.out
    assert record(out, "thin")["provenance"]["series"]["uid"] == "1.2.3.2"


def test_a_second_run_over_a_folder_of_series_skips_what_is_done(tmp_path, run):
    study = tmp_path / "study"
    for number in range(2):
        make_scan(study / f"s{number}", shape=(8, 20, 24), root=f"1.2.{number + 3}")
    predict(asked(study, run, format="dicom-seg"))
    (study / "s1" / "002.dcm").touch()

    result = predict(asked(study, run, format="dicom-seg"))

    assert (result.written, result.skipped) == (("s1",), ("s0",))


def test_a_gap_that_was_mended_stands_in_the_record(tmp_path, run):
    scan = make_scan(tmp_path / "ct", "gapped", shape=(8, 20, 24))

    predict(asked(scan.folder, run, format="dicom-seg"))

    told = record(tmp_path / "out", "ct")["provenance"]["series"]
    assert told == {"uid": "1.2.3.2", "findings": ["GAP"]}
