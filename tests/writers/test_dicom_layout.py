"""The frame of a SEG: references, positions, descriptions, and no UID left to chance."""

from itertools import groupby

import numpy as np
import pytest
from pydicom import dcmread

from delineate.writers.dicom_identity import Identity
from delineate.writers.dicom_layout import lay_out
from delineate.writers.dicom_seg import DicomSegWriter
from delineate.writers.dicom_segments import segments_of
from scans import KINDS, make_scan


def written(folder, kind="plain", form="BINARY", **options):
    scan = make_scan(folder / "in", kind, shape=(8, 16, 20), **options)
    writer = DicomSegWriter(form)
    path = folder / f"a{writer.suffix}"
    writer.write(scan.prediction, path, image=scan.image)
    return scan, dcmread(path)


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_names_its_slice_and_lies_on_it(tmp_path, kind):
    scan, seg = written(tmp_path, kind)

    for frame in seg.PerFrameFunctionalGroupsSequence:
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        named = (source.ReferencedSOPInstanceUID, source.get("ReferencedFrameNumber"))
        (entry,) = [e for e in scan.series.slices if (e.sop_uid, e.frame) == named]
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        assert np.abs(np.array(position, float) - entry.position_mm).max() < 1e-6
        assert source.ReferencedSOPClassUID == entry.sop_class_uid


@pytest.mark.parametrize("form", ["BINARY", "LABELMAP"])
def test_every_source_instance_is_named_at_the_top(tmp_path, form):
    scan, seg = written(tmp_path, form=form)

    series = seg.ReferencedSeriesSequence[0]
    named = [item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence]

    assert series.SeriesInstanceUID == scan.series.series_uid
    assert named == [entry.sop_uid for entry in scan.series.slices]


def test_empty_frames_stay_between_the_first_and_the_last_of_an_organ(tmp_path):
    ids = np.zeros((8, 16, 20), np.uint8)
    ids[[2, 5], 4:9, 5:11] = 1
    _, seg = written(tmp_path, ids=ids)

    heights = [
        float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
        for frame in seg.PerFrameFunctionalGroupsSequence
    ]
    filled = [bool(frame.any()) for frame in seg.pixel_array]
    assert np.allclose(np.abs(np.diff(heights)), 3.0)
    assert filled == [True, False, False, True]


def test_nothing_is_left_to_chance(tmp_path):
    first, second = (written(tmp_path / name)[1] for name in "ab")

    uids = [
        [str(e.value) for e in seg.iterall() if e.VR == "UI" and str(e.value).startswith("2.25.")]
        for seg in (first, second)
    ]

    assert uids[0] == uids[1]
    assert not [e for e in first.iterall() if e.VR == "UI" and str(e.value).startswith("1.2.826")]


def test_descriptions_hold_codes_sides_colour_algorithm_and_tracking(tmp_path):
    scan, seg = written(tmp_path)
    liver, kidney, _ = seg.SegmentSequence

    identity = Identity.of(scan.prediction, scan.series)
    algorithm = kidney.SegmentationAlgorithmIdentificationSequence[0]
    kind = kidney.SegmentedPropertyTypeCodeSequence[0]

    assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("64033007", "SCT")
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Left"
    assert kidney.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "91723000"
    assert len(liver.RecommendedDisplayCIELabValue) == 3
    assert algorithm.AlgorithmFamilyCodeSequence[0].CodeValue == "123110"
    assert "weights_hash=abc123" in algorithm.AlgorithmParameters
    assert kidney.TrackingUID == identity.tracking("kidney_left")
    assert (
        "SegmentedPropertyTypeModifierCodeSequence"
        not in (liver.SegmentedPropertyTypeCodeSequence[0])
    )


def test_the_scanner_and_the_model_are_the_equipment(tmp_path):
    _, seg = written(tmp_path)

    equipment = {
        (item.PurposeOfReferenceCodeSequence[0].CodeValue, item.get("ManufacturerModelName"))
        for item in seg.ContributingEquipmentSequence
    }

    assert {("109101", "Scanner"), ("109102", "Delineate organs")} <= equipment
    assert seg.ManufacturerModelName == "Delineate"
    assert "research use only" in seg.SeriesDescription


def test_frames_run_segment_by_segment(tmp_path):
    scan = make_scan(tmp_path, shape=(8, 16, 20))
    segments = segments_of(scan.prediction, scan.series)
    presence = np.zeros((8, len(segments)), np.uint8)
    for column, part in enumerate(segments):
        presence[part.planes, column] = 1

    _, frames = lay_out(
        "BINARY", presence, segments, scan.series, Identity.of(scan.prediction, scan.series)
    )

    assert len(frames) == presence.sum()
    assert [number for number, _ in groupby(number for number, _ in frames)] == [1, 2, 3]
