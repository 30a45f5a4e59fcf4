"""DICOM SEG: dciodvfy finds no fault, and dcmqi reads every voxel where it is in the patient."""

from dataclasses import replace

import numpy as np
import pytest
from pydicom import dcmread

from delineate.core.errors import LabelError, ShapeError
from delineate.core.image import Mask
from delineate.core.labels import CodedConcept
from delineate.writers.dicom_seg import DicomSegWriter
from judges import faults_of, told_by
from scans import KINDS, make_scan

NAMES = ("BINARY", "LABELMAP", "FRACTIONAL")
NO_GRID = ("tilted", "uneven")
"""What an ITK image cannot hold; there dcmqi's slices are compared, not their places."""


def with_chances(prediction, chance=0.75):
    ids = prediction.mask.array
    places = range(len(prediction.labels.labels) + 1)
    layers = np.stack([np.where(ids == place, chance, 0.0) for place in places])
    return replace(prediction, probabilities=layers.astype(np.float16))


def write(folder, kind, form, **options):
    scan = make_scan(folder / "in", kind, **options)
    prediction = with_chances(scan.prediction) if form == "FRACTIONAL" else scan.prediction
    writer = DicomSegWriter(form)
    path = folder / f"a{writer.suffix}"
    writer.write(prediction, path, image=scan.image)
    return scan, path


def in_patient(affine, places):
    """Positions in hundredths of a millimetre, as a set."""
    points = (affine @ np.c_[places, np.ones(len(places))].T)[:3].T
    return {tuple(point) for point in np.round(points, 3).round(2).tolist()}


def expected(scan, id):
    planes = scan.series.to_planes(scan.prediction.mask.array)
    parts = [
        in_patient(entry.affine, np.argwhere(plane == id))
        for entry, plane in zip(scan.series.slices, planes, strict=True)
        if (plane == id).any()
    ]
    return set().union(*parts)


def read_by_dcmqi(path, folder):
    import nrrd

    folder.mkdir()
    words = ("--inputDICOM", path, "--outputDirectory", folder, "--outputType", "nrrd")
    code, lines = told_by("segimage2itkimage", *words)
    assert code == 0, lines[-3:]
    found = {}
    for file in folder.glob("*.nrrd"):
        array, header = nrrd.read(str(file))
        affine = np.eye(4)
        affine[:3, :3], affine[:3, 3] = header["space directions"].T, header["space origin"]
        for value in np.unique(array[array > 0]):
            id = int(value) if ".labelmap" in path.name else int(file.stem)
            found[id] = (array == value, affine)
    return found


@pytest.mark.parametrize("form", NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_dciodvfy_finds_no_fault(tmp_path, kind, form):
    _, path = write(tmp_path, kind, form)

    assert faults_of(path) == []


@pytest.mark.parametrize("form", ["BINARY", "LABELMAP"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NO_GRID])
def test_dcmqi_reads_every_voxel_in_its_place(tmp_path, kind, form):
    scan, path = write(tmp_path, kind, form)

    found = read_by_dcmqi(path, tmp_path / "out")

    assert sorted(found) == [1, 2, 3]
    for id, (array, affine) in found.items():
        assert in_patient(affine, np.argwhere(array)) == expected(scan, id)


@pytest.mark.parametrize("form", ["BINARY", "LABELMAP"])
@pytest.mark.parametrize("kind", NO_GRID)
def test_dcmqi_reads_the_very_slices_of_a_stack_that_it_cannot_place(tmp_path, kind, form):
    scan, path = write(tmp_path, kind, form)

    found = read_by_dcmqi(path, tmp_path / "out")

    planes = scan.series.to_planes(scan.prediction.mask.array)
    for id, (array, _) in found.items():
        theirs = [cut.T for cut in np.moveaxis(array, 2, 0) if cut.any()]
        ours = [plane == id for plane in planes if (plane == id).any()]
        assert np.array_equal(theirs, ours)


def test_probabilities_are_kept_in_steps_of_a_255th(tmp_path):
    scan, path = write(tmp_path, "plain", "FRACTIONAL")

    seg = dcmread(path)

    values = np.unique(seg.pixel_array).tolist()
    assert values == [0, round(0.75 * 255)]
    assert seg.SegmentationFractionalType == "PROBABILITY"
    assert (seg.pixel_array > 0).sum() == (scan.prediction.mask.array > 0).sum()


def test_nothing_found_is_an_object_all_the_same(tmp_path):
    _, path = write(tmp_path, "plain", "BINARY", ids=np.zeros((12, 40, 48), np.uint8))

    seg = dcmread(path)

    assert faults_of(path) == []
    assert len(seg.SegmentSequence) == 1
    assert not seg.pixel_array.any()


def test_overlap_is_said_and_no_labelmap_is_made_of_it(tmp_path):
    scan = make_scan(tmp_path / "in")
    layers = np.zeros((4, *scan.series.regular.shape), bool)
    layers[:2, 2:6, 5:20, 6:30] = True
    labels = replace(scan.prediction.labels, overlapping=True)
    mask = Mask.of(layers, scan.series.regular, is_stack=True)
    stacked = replace(scan.prediction, mask=mask, labels=labels)

    DicomSegWriter().write(stacked, tmp_path / "a.seg.dcm", image=scan.image)

    assert dcmread(tmp_path / "a.seg.dcm").SegmentsOverlap == "YES"
    with pytest.raises(LabelError, match="Choose the format dicom-seg"):
        DicomSegWriter("LABELMAP").write(stacked, tmp_path / "a.labelmap.dcm", image=scan.image)


def test_probabilities_that_were_not_kept_are_asked_for(tmp_path):
    scan = make_scan(tmp_path / "in")

    with pytest.raises(ShapeError, match="probabilities=True"):
        DicomSegWriter("FRACTIONAL").write(
            scan.prediction, tmp_path / "a.fractional.dcm", image=scan.image
        )


def test_the_category_of_others_can_be_written(tmp_path):
    scan = make_scan(tmp_path / "in")
    body = CodedConcept(value="123037004", meaning="Anatomical Structure")

    DicomSegWriter(category=body).write(scan.prediction, tmp_path / "a.seg.dcm", image=scan.image)

    item = dcmread(tmp_path / "a.seg.dcm").SegmentSequence[0]
    assert item.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "123037004"
