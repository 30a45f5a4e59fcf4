"""RTSTRUCT: no validator finds a fault, and plastimatch reads every organ where it is."""

import numpy as np
import pytest
from pydicom import dcmread

from delineate.writers.dicom_identity import Identity
from delineate.writers.dicom_rt import RtStructWriter, contour_text, contours_of, structure_set
from delineate.writers.dicom_segments import segments_of
from judges import faults_of, told_by
from scans import KINDS, make_scan

OWN_GRID = ("tilted", "uneven", "multiframe")
"""What plastimatch cannot take for a grid; a fine one of ours is given to it instead."""


def write(folder, kind="plain", **options):
    scan = make_scan(folder / "in", kind, **options)
    path = folder / "a.rtstruct.dcm"
    RtStructWriter().write(scan.prediction, path, image=scan.image)
    return scan, path


def points_of(item):
    return np.array(item.ContourData, float).reshape(-1, 3)


def truth_at(scan, points):
    """Labels at points in the patient, -1 where no slice is within 0.3 mm."""
    found = np.full(len(points), -1)
    planes = scan.series.to_planes(scan.prediction.mask.array)
    for entry, plane in zip(scan.series.slices, planes, strict=True):
        along, down = np.array(entry.orientation[:3]), np.array(entry.orientation[3:])
        away = points - entry.position_mm
        near = np.flatnonzero(np.abs(away @ np.cross(along, down)) < 0.3)
        rows = np.floor(away[near] @ down / entry.spacing_mm[0] + 0.5).astype(int)
        columns = np.floor(away[near] @ along / entry.spacing_mm[1] + 0.5).astype(int)
        inside = (rows >= 0) & (rows < entry.rows) & (columns >= 0) & (columns < entry.columns)
        found[near] = 0
        found[near[inside]] = plane[rows[inside], columns[inside]]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_validators_find_no_fault(tmp_path, kind):
    _, path = write(tmp_path, kind)

    code, lines = told_by("drtdump", path)

    assert faults_of(path) == []
    assert code == 0
    assert [line for line in lines if line.startswith(("E:", "F:"))] == []


@pytest.mark.parametrize("kind", KINDS)
def test_plastimatch_reads_every_organ_in_its_place(tmp_path, kind):
    import nrrd

    scan, path = write(tmp_path, kind)
    reference = ["--referenced-ct", scan.folder]
    if kind in OWN_GRID:
        origin = np.array(scan.series.slices[0].position_mm) - (0, 0, 2)
        header = {"space": "left-posterior-superior", "space origin": origin}
        header["space directions"] = np.diag([1.5, 2.0, 1.0])
        nrrd.write(str(tmp_path / "grid.nrrd"), np.zeros((48, 60, 60), np.int16), header)
        reference = ["--fixed", tmp_path / "grid.nrrd"]

    out = ["--output-prefix", tmp_path / "out", "--prefix-format", "nrrd"]
    told_by("plastimatch", "convert", "--input", path, *reference, *out)

    for label in scan.prediction.labels.labels[:3]:
        array, header = nrrd.read(str(tmp_path / "out" / f"{label.name}.nrrd"))
        places = np.argwhere(np.ones(array.shape, bool))
        truth = truth_at(scan, places @ header["space directions"] + header["space origin"])
        theirs, ours = array.ravel()[truth >= 0] > 0, truth[truth >= 0] == label.id
        assert 2 * (theirs & ours).sum() / (theirs.sum() + ours.sum()) >= 0.98


@pytest.mark.parametrize("kind", KINDS)
def test_contours_lie_on_the_plane_of_the_slice_that_they_name(tmp_path, kind):
    scan, path = write(tmp_path, kind)

    for item in dcmread(path).ROIContourSequence:
        for contour in item.ContourSequence:
            image = contour.ContourImageSequence[0]
            named = (image.ReferencedSOPInstanceUID, image.get("ReferencedFrameNumber"))
            (entry,) = [e for e in scan.series.slices if (e.sop_uid, e.frame) == named]
            normal = np.cross(entry.orientation[:3], entry.orientation[3:])
            assert np.abs((points_of(contour) - entry.position_mm) @ normal).max() < 1e-3
            assert contour.NumberOfContourPoints == len(points_of(contour))
            assert contour.ContourGeometricType == "CLOSED_PLANAR"


def test_corners_are_on_the_edges_of_pixels(tmp_path):
    ids = np.zeros((3, 10, 12), np.uint8)
    ids[1, 2:5, 3:9] = 1
    scan, path = write(tmp_path, shape=(3, 10, 12), ids=ids)

    (item,) = dcmread(path).ROIContourSequence
    points = points_of(item.ContourSequence[0])

    x, y, _ = scan.series.slices[1].position_mm
    assert points[:, 0].min() == pytest.approx(x + 2.5 * 1.5, abs=1e-3)
    assert points[:, 0].max() == pytest.approx(x + 8.5 * 1.5, abs=1e-3)
    assert points[:, 1].min() == pytest.approx(y + 1.5 * 2.0, abs=1e-3)
    assert points[:, 1].max() == pytest.approx(y + 4.5 * 2.0, abs=1e-3)


def test_every_image_is_named(tmp_path):
    scan, path = write(tmp_path)

    structures = dcmread(path)

    frame = structures.ReferencedFrameOfReferenceSequence[0]
    series = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    named = [item.ReferencedSOPInstanceUID for item in series.ContourImageSequence]
    assert named == [entry.sop_uid for entry in scan.series.slices]
    assert frame.FrameOfReferenceUID == structures.FrameOfReferenceUID == "1.2.3.3"
    assert structures.ApprovalStatus == "UNAPPROVED"
    assert "PositionReferenceIndicator" in structures


def test_names_colours_and_codes_are_there(tmp_path):
    scan, path = write(tmp_path)

    structures = dcmread(path)

    rois = [item.ROIName for item in structures.StructureSetROISequence]
    kidney = structures.RTROIObservationsSequence[1].RTROIIdentificationCodeSequence[0]
    assert rois == ["liver", "kidney_left", "small_bowel"]
    assert {item.ROIGenerationAlgorithm for item in structures.StructureSetROISequence} == {
        "AUTOMATIC"
    }
    assert kidney.CodeValue == "64033007"
    assert kidney.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Left"
    assert len(structures.ROIContourSequence[0].ROIDisplayColor) == 3
    assert structures.SOPInstanceUID == Identity.of(scan.prediction, scan.series).uid(
        "RTSTRUCT", "instance"
    )


def test_nothing_found_is_one_structure_without_contours(tmp_path):
    _, path = write(tmp_path, shape=(3, 10, 12), ids=np.zeros((3, 10, 12), np.uint8))

    assert faults_of(path) == []
    assert [item.ROIName for item in dcmread(path).StructureSetROISequence] == ["liver"]
    assert "ContourSequence" not in dcmread(path).ROIContourSequence[0]


def test_a_contour_of_thousands_of_corners_is_whole(tmp_path):
    ids = np.zeros((2, 200, 200), np.uint8)
    ids[0] = np.indices((200, 200)).sum(0) % 2  # a chessboard with a frame around it
    ids[0, ::2] = 1
    _, path = write(tmp_path, shape=(2, 200, 200), ids=ids)

    (item,) = dcmread(path).ROIContourSequence

    longest = max(len(contour.ContourData) for contour in item.ContourSequence)
    assert longest * 8 > 65536
    assert told_by("drtdump", path)[0] == 0


def test_numbers_are_padded_and_short():
    text = contour_text(np.array([[-0.00001, 1234.56789, -9.5]]))

    assert text == b"0.0000\\1234.5679\\-9.5000" or text == b"-0.0000\\1234.5679\\-9.5000 "
    assert len(text) % 2 == 0


def test_contours_and_set_agree_on_their_number(tmp_path):
    scan = make_scan(tmp_path)
    segments = segments_of(scan.prediction, scan.series)

    structures = structure_set(segments, scan.series, Identity.of(scan.prediction, scan.series))

    for part, item in zip(segments, structures.ROIContourSequence, strict=True):
        assert len(contours_of(part, scan.series)) == len(item.ContourSequence)
