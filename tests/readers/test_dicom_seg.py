"""DICOM SEG read back: ours, and those of highdicom and dcmqi."""

from dataclasses import replace

import highdicom as hd
import numpy as np
import pytest

from delineate.core.errors import FileError
from delineate.readers.dicom import read_studies
from delineate.readers.dicom_seg import frames_of, place_of, read_segmentation, read_segments
from delineate.writers.dicom_rt import RtStructWriter
from delineate.writers.dicom_seg import DicomSegWriter
from scans import KINDS, make_scan


def write(folder, kind="plain", form="BINARY", **options):
    scan = make_scan(folder / "in", kind, **options)
    writer = DicomSegWriter(form)
    path = folder / f"a{writer.suffix}"
    writer.write(scan.prediction, path, image=scan.image)
    return scan, path


@pytest.mark.parametrize("form", ["BINARY", "LABELMAP"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_slice_comes_back(tmp_path, kind, form):
    scan, path = write(tmp_path, kind, form)

    planes, is_stack = read_segments(path, scan.series).on_slices(scan.series)

    assert not is_stack
    assert np.array_equal(planes, scan.series.to_planes(scan.prediction.mask.array))


def test_names_ids_colours_and_codes_come_back(tmp_path):
    ids = np.zeros((4, 10, 12), np.uint8)
    ids[1, 2:5, 2:5], ids[2, 6:9, 2:5] = 4, 2
    scan, path = write(tmp_path, shape=(4, 10, 12), ids=ids)

    mask, labels = read_segments(path, scan.series).mask(scan.series)

    assert {label.id: label.name for label in labels.labels} == {
        2: "kidney_left", 4: "flux capacitor",
    }  # fmt: skip
    assert labels.by_name("kidney_left").concept.value == "64033007"
    assert labels.by_name("kidney_left").colour == (0xB5, 0x53, 0x3C)
    assert np.array_equal(mask.array, ids)


def test_frames_of_any_size_are_unpacked(tmp_path):
    scan, path = write(tmp_path, shape=(5, 11, 7))

    frames = list(frames_of(read_segmentation(path)))

    total = sum(int(frame.pixels.sum()) for frame in frames)
    assert total == (scan.prediction.mask.array > 0).sum()
    assert all(frame.pixels.shape == (11, 7) for frame in frames)


def test_a_frame_goes_where_it_lies_whatever_it_names(tmp_path):
    scan, path = write(tmp_path, shape=(5, 10, 12))
    frame = next(frames_of(read_segmentation(path)))

    right = place_of(frame, scan.series)
    misnamed = place_of(replace(frame, source=("1.2.999", None)), scan.series)
    moved = place_of(replace(frame, affine=frame.affine + 0.5), scan.series)

    assert right == misnamed
    assert moved is None


def test_a_segmentation_of_other_images_is_refused_by_one_sentence(tmp_path):
    _, path = write(tmp_path, shape=(5, 10, 12))
    other = make_scan(tmp_path / "other", "oblique", shape=(5, 10, 12))

    with pytest.raises(FileError, match="Give the images that it was made from"):
        read_segments(path, other.series).on_slices(other.series)


def test_what_is_no_segmentation_is_refused(tmp_path):
    scan = make_scan(tmp_path / "in", shape=(3, 10, 12))
    RtStructWriter().write(scan.prediction, tmp_path / "a.dcm", image=scan.image)

    with pytest.raises(FileError, match="is no DICOM SEG"):
        read_segmentation(tmp_path / "a.dcm")


@pytest.mark.parametrize(
    ("image", "seg"),
    [("ct-3slice", "liver.dcm"), ("24x38x3/image", "24x38x3/seg/label.seg"),
     ("24x38x3/multiframe", "24x38x3/seg/label.seg")],
)  # fmt: skip
def test_segmentations_of_dcmqi_are_read_as_highdicom_reads_them(shared_data, image, seg):
    folder = shared_data / "radiology" / "dicom_seg" / "dcmqi"
    series = read_studies(folder / image).only().series

    planes, is_stack = read_segments(folder / seg, series).on_slices(series)

    theirs = hd.seg.segread(folder / seg).get_volume(combine_segments=not is_stack)
    assert planes.any()
    for place, entry in enumerate(series.slices):
        inverse = np.linalg.inv(theirs.affine)
        depth = round(float((inverse @ np.r_[entry.position_mm, 1])[0]))
        known = 0 <= depth < theirs.array.shape[0]
        expected = theirs.array[depth] if known else np.zeros_like(planes[place])
        assert np.array_equal(planes[place] > 0, expected > 0)
