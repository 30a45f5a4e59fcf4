"""What objects take from their source: patient and study to the byte, our text beside them."""

import errno
import os
from dataclasses import replace

import pytest
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement

from delineate.core.errors import FileError, GeometryError, LabelError, SeriesError
from delineate.core.image import Image
from delineate.core.labels import LabelTable
from delineate.writers import WRITERS as TABLE
from delineate.writers import write_prediction
from delineate.writers.dicom_rt import RtStructWriter
from delineate.writers.dicom_seg import DicomSegWriter
from delineate.writers.dicom_source import Origin, check_volume, series_of
from scans import make_scan

WRITERS = [DicomSegWriter("BINARY"), RtStructWriter()]
SMALL = {"shape": (3, 10, 12)}


def bytes_of(path, keyword):
    return dcmread(path, stop_before_pixels=True).get_item(keyword).value.rstrip(b" ")


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.suffix)
@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "Müller^Jörg"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
        ("ISO_IR 192", "Бобров^Иван"),
    ],
)
def test_names_survive_byte_for_byte_in_any_alphabet(tmp_path, writer, charset, name):
    scan = make_scan(tmp_path / "in", SpecificCharacterSet=charset, PatientName=name, **SMALL)
    path = tmp_path / f"a{writer.suffix}"

    writer.write(scan.prediction, path, image=scan.image)

    assert bytes_of(path, "PatientName") == bytes_of(tmp_path / "in" / "000.dcm", "PatientName")
    assert dcmread(path).PatientName == name


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.suffix)
def test_undeclared_utf8_stays_what_it_is(tmp_path, writer):
    scan = make_scan(tmp_path / "in", **SMALL)
    raw = "Größe^Ä".encode()
    for file in (tmp_path / "in").iterdir():
        dataset = dcmread(file)
        dataset[0x00100010] = RawDataElement(
            dataset["PatientName"].tag, "PN", len(raw), raw, 0, False, True
        )
        dataset.save_as(file)
    path = tmp_path / f"a{writer.suffix}"

    writer.write(scan.prediction, path, image=scan.image)

    assert bytes_of(path, "PatientName") == raw
    assert "SpecificCharacterSet" not in dcmread(path)


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.suffix)
def test_what_the_source_lacks_is_empty(tmp_path, writer):
    absent = dict.fromkeys(
        ("PatientID", "AccessionNumber", "StudyDate", "StudyTime", "StudyID", "PatientName",
         "PatientBirthDate", "PatientSex", "ReferringPhysicianName", "PatientAge")
    )  # fmt: skip
    scan = make_scan(tmp_path / "in", **absent, **SMALL)
    path = tmp_path / f"a{writer.suffix}"

    writer.write(scan.prediction, path, image=scan.image)

    written = dcmread(path)
    assert all(not written[word].value for word in absent if word != "PatientAge")
    assert "PatientAge" not in written


def test_study_and_trial_are_copied(tmp_path):
    scan = make_scan(tmp_path, ClinicalTrialSponsorName="Sponsor", **SMALL)
    written = Dataset()

    Origin.of(scan.series).stamp(written)

    assert written.StudyDescription == "Abdomen"
    assert written.ClinicalTrialSponsorName == "Sponsor"
    assert written.StudyInstanceUID == "1.2.3.1"
    assert written.SpecificCharacterSet == "ISO_IR 192"


def test_our_text_loses_accents_only_where_it_must(tmp_path):
    free = Origin.of(make_scan(tmp_path / "a", **SMALL).series)
    bound = Origin.of(
        make_scan(
            tmp_path / "b", SpecificCharacterSet="ISO_IR 100", PatientName="Müller", **SMALL
        ).series
    )

    assert free.text("Größe\\der  Leber") == "Größe/der Leber"
    assert bound.text("Größe") == "Gro?e"


def test_an_image_that_is_no_dicom_is_refused(abdomen, tmp_path):
    with pytest.raises(FileError, match="comes from no DICOM series"):
        series_of(abdomen.image, "case", "DICOM SEG")
    with pytest.raises(FileError, match="predict from the DICOM folder"):
        series_of(None, "case", "RTSTRUCT")


def test_a_series_without_frame_of_reference_is_refused(tmp_path):
    scan = make_scan(tmp_path, **SMALL)
    series = replace(scan.series, frame_of_reference_uid="")
    image = Image(
        geometry=scan.image.geometry, channels=("CT",), load=scan.image.load, series=series
    )

    with pytest.raises(SeriesError, match="NO_FRAME_OF_REFERENCE"):
        series_of(image, "case", "DICOM SEG")


def test_a_picture_is_refused(tmp_path, tissue_tile, predict):
    with pytest.raises(GeometryError, match="is a picture"):
        check_volume(predict(tissue_tile.mask.array), "RTSTRUCT")


@pytest.mark.parametrize("name", ["dicom-seg", "dicom-seg-labelmap", "rtstruct", "sr"])
def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch, name):
    def refuse(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    scan = make_scan(tmp_path / "in", **SMALL)
    out = tmp_path / "größe"
    write_prediction(scan.prediction, out / "a.seg.dcm", image=scan.image)
    path = out / f"a{TABLE[name].suffix}"
    path.write_bytes(path.read_bytes() if path.exists() else b"what was there")
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", refuse)

    with pytest.raises(FileError, match="No space left on device"):
        write_prediction(scan.prediction, path, image=scan.image, format=name)

    assert path.read_bytes() == before
    assert not list(out.glob(".*"))


def test_a_table_without_labels_is_refused(tmp_path):
    scan = make_scan(tmp_path, **SMALL)
    nameless = replace(scan.prediction, labels=LabelTable(labels=()))

    with pytest.raises(LabelError, match="has no labels"):
        check_volume(nameless, "RTSTRUCT")
