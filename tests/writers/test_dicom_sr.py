"""SR: validators find no fault, and the numbers are those of the SEG it refers to."""

import json
from dataclasses import replace

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.sr._concepts_dict import concepts

from delineate.core.errors import FileError
from delineate.core.labels import LabelTable
from delineate.writers.dicom_rt import RtStructWriter
from delineate.writers.dicom_seg import DicomSegWriter
from delineate.writers.dicom_segments import segments_of
from delineate.writers.dicom_sr import (
    CERTAINTY,
    IMAGING,
    LEVELS,
    PROCEDURES,
    DicomSrWriter,
    certainty_of,
    word_for,
)
from judges import faults_of, told_by
from scans import KINDS, LABELS, make_scan


def with_chances(prediction, chance):
    ids = prediction.mask.array
    layers = np.stack([np.where(ids == place, chance, 0.0) for place in range(5)])
    return replace(prediction, probabilities=layers.astype(np.float16))


def write(folder, kind="plain", form="BINARY", chance=None, **options):
    scan = make_scan(folder / "in", kind, **options)
    prediction = scan.prediction if chance is None else with_chances(scan.prediction, chance)
    seg, report = DicomSegWriter(form), DicomSrWriter()
    seg.write(prediction, folder / f"a{seg.suffix}", image=scan.image)
    report.write(prediction, folder / "a.sr.dcm", image=scan.image)
    return scan, folder / f"a{seg.suffix}", folder / "a.sr.dcm"


def groups_of(path):
    items = dcmread(path).ContentSequence
    (measured,) = [i for i in items if i.ConceptNameCodeSequence[0].CodeValue == "126010"]
    return [
        {item.ConceptNameCodeSequence[0].CodeValue: item for item in group.ContentSequence
         if "ConceptNameCodeSequence" in item}
        for group in measured.ContentSequence
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_validators_find_no_fault(tmp_path, kind):
    _, _, path = write(tmp_path, kind, chance=0.95)

    code, lines = told_by("dsrdump", path)

    assert faults_of(path) == []
    assert code == 0
    assert [line for line in lines if line.startswith(("E:", "F:"))] == []


@pytest.mark.parametrize("form", ["BINARY", "LABELMAP"])
def test_volumes_and_tracking_are_those_of_the_segments(tmp_path, form):
    _, seg_path, path = write(tmp_path, "oblique", form)

    seg = dcmread(seg_path)
    frames = seg.pixel_array
    groups = groups_of(path)
    described = {item.SegmentNumber: item for item in seg.SegmentSequence if item.SegmentNumber}
    assert len(groups) == len(described) == 3
    for number, (group, item) in enumerate(zip(groups, described.values(), strict=True), 1):
        if form == "BINARY":
            mine = [
                frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number
                for frame in seg.PerFrameFunctionalGroupsSequence
            ]
            count = int(frames[mine].sum())
        else:
            count = int((frames == number).sum())
        volume = group["118565006"].MeasuredValueSequence[0]
        assert float(volume.NumericValue) == pytest.approx(count * 3.0 * 2.0 * 1.5 / 1000, abs=1e-5)
        assert volume.MeasurementUnitsCodeSequence[0].CodeValue == "mL"
        assert item.TrackingUID == group["112040"].UID
        referenced = group["121191"].ReferencedSOPSequence[0]
        assert referenced.ReferencedSOPInstanceUID == seg.SOPInstanceUID
        assert referenced.ReferencedSegmentNumber == number
        assert group["121232"].UID == "1.2.3.2"


def test_dcmqi_reads_the_same_volumes(tmp_path):
    scan, _, path = write(tmp_path)

    code, _ = told_by(
        "tid1500reader", "--inputDICOM", path, "--outputMetadata", tmp_path / "a.json"
    )

    groups = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["Measurements"]
    theirs = {g["TrackingIdentifier"]: float(g["measurementItems"][0]["value"]) for g in groups}
    counts = {label.name: (scan.prediction.mask.array == label.id).sum() for label in LABELS.labels}
    assert code == 0
    assert theirs == pytest.approx(
        {name: count * 0.009 for name, count in counts.items() if count}, abs=1e-5
    )


def test_sides_doubt_model_and_notice_are_told(tmp_path):
    _, _, path = write(tmp_path, chance=0.8)

    _, lines = told_by("dsrdump", path)

    text = "\n".join(lines)
    assert '"Laterality")=(7771000,SCT,"Left")' in text
    assert '"Certainty of Finding")=(6736007,SCT,"Moderate")' in text
    assert "weights_hash=abc123" in text
    assert "research use only" in text
    assert "UNVERIFIED" in text


def test_without_probabilities_nothing_is_said_of_doubt(tmp_path):
    _, _, path = write(tmp_path)

    assert all("111012" not in group for group in groups_of(path))


def test_an_end_of_an_organ_is_no_side(tmp_path):
    labels = LabelTable.of_names({"anterior": 1, "posterior": 2})
    ids = np.zeros((4, 10, 12), np.uint8)
    ids[1:3, 2:5, 2:5], ids[1:3, 6:9, 2:5] = 1, 2

    _, _, path = write(tmp_path, shape=(4, 10, 12), ids=ids, labels=labels)

    _, lines = told_by("dsrdump", path)
    assert '"Topographical modifier")=(255549009,SCT,"Anterior")' in "\n".join(lines)
    assert faults_of(path) == []


def test_a_report_needs_the_segments_of_the_same_prediction(tmp_path):
    scan = make_scan(tmp_path / "in", shape=(4, 10, 12))
    other = replace(scan.prediction, provenance={"model": "other"})
    RtStructWriter().write(scan.prediction, tmp_path / "b.rtstruct.dcm", image=scan.image)
    DicomSegWriter().write(other, tmp_path / "a.seg.dcm", image=scan.image)

    for name in ("a.sr.dcm", "b.sr.dcm"):
        with pytest.raises(FileError, match="--format dicom-seg,sr"):
            DicomSrWriter().write(scan.prediction, tmp_path / name, image=scan.image)


def test_certainty_is_the_mean_over_the_organ(tmp_path):
    scan = make_scan(tmp_path, shape=(8, 16, 20))
    sure = with_chances(scan.prediction, 0.5)
    part = segments_of(scan.prediction, scan.series)[0]

    assert certainty_of(part, sure) == pytest.approx(0.5)
    assert certainty_of(part, scan.prediction) is None


@pytest.mark.parametrize(
    ("certainty", "word"),
    [(1.0, "High"), (0.9, "High"), (0.7, "Moderate"), (0.1, "Low"), (0, "Low")],
)
def test_words_follow_the_stated_levels(certainty, word):
    assert word_for(certainty).meaning == word


def test_codes_are_in_the_dictionary():
    known = {
        (scheme, code, meaning)
        for scheme in ("SCT", "DCM")
        for rows in concepts[scheme].values()
        for code, (meaning, _) in rows.items()
    }

    used = [CERTAINTY, IMAGING, *PROCEDURES.values(), *(word for _, word in LEVELS)]

    assert [c for c in used if (c.scheme, c.value, c.meaning) not in known] == []
