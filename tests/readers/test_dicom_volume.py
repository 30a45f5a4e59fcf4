"""Volumes: images that know their slices, true planes, and labels that are never interpolated."""

import numpy as np
import pytest
from tests.readers.dicom_cases import (
    AXIAL,
    ct_slice,
    enhanced,
    even,
    place_along,
    write,
    write_stack,
)

from delineate.core.encodable import check_encodable
from delineate.core.errors import SeriesError
from delineate.readers import read_studies


def test_planes_are_the_true_slices_in_the_order_of_the_series(tmp_path):
    uids = write_stack(tmp_path, [0, 3, 6, 12, 15, 18])

    volume = read_studies(tmp_path).only()

    assert volume.planes().shape == (6, 24, 20)
    assert volume.image.array.shape == (1, 7, 24, 20)
    assert [entry.sop_uid for entry in volume.series.slices] == uids
    assert volume.planes()[3, 0, 0] == -40 - 90 + 5 * 22


def test_the_header_of_a_slice_can_be_read_again(tmp_path):
    uids = write_stack(tmp_path, even())

    series = read_studies(tmp_path).only().series
    header = series.header(series.slices[3])

    assert header.SOPInstanceUID == uids[3]
    assert header.PatientID == "P-0001"
    assert "PixelData" not in header


def test_a_sound_series_is_encodable_and_one_without_a_reference_is_not(tmp_path):
    write_stack(tmp_path / "a", even(3))
    write_stack(tmp_path / "b", even(3), FrameOfReferenceUID=None)

    sound = read_studies(tmp_path / "a").only().series
    bare = read_studies(tmp_path / "b").only().series

    assert check_encodable(sound) == []
    assert [finding.code for finding in check_encodable(bare)] == ["NO_FRAME_OF_REFERENCE"]


def test_enhanced_files_are_encodable_by_their_frames(tmp_path):
    write(enhanced([place_along(AXIAL, height) for height in even(4)]), tmp_path / "a.dcm")

    assert check_encodable(read_studies(tmp_path).only().series) == []


def test_labels_are_taken_from_the_nearest_slice(tmp_path):
    for place, height in enumerate([0, 3, 6, 12, 15, 18]):
        dataset = ct_slice(place_along(AXIAL, height), RescaleIntercept=0)
        dataset.PixelData = np.full(24 * 20, place, np.uint16).tobytes()
        write(dataset, tmp_path / f"{place}.dcm")

    mask = read_studies(tmp_path).only().mask()

    assert mask.array[:, 0, 0].tolist() == [0, 1, 2, 2, 3, 4, 5]


def test_a_refused_volume_has_no_mask(tmp_path):
    write_stack(tmp_path, even(), PixelSpacing=[0, 1])
    (volume,) = read_studies(tmp_path).volumes

    assert volume.series is None
    with pytest.raises(SeriesError, match="BAD_GEOMETRY"):
        volume.mask()
