"""Parting a series: strangers are named, stacks kept apart."""

import pytest
from tests.readers.dicom_cases import AXIAL, CORONAL, ct_slice, even, place_along, write

from delineate.readers.dicom_child import read_digests
from delineate.readers.dicom_frames import frames_of
from delineate.readers.dicom_groups import part_series
from delineate.readers.dicom_header import read_header
from delineate.readers.dicom_sources import SourceFile


def frames_at(folder, datasets):
    found = []
    for place, dataset in enumerate(datasets):
        path = str(write(dataset, folder / f"{place}.dcm"))
        found += frames_of(SourceFile(path=path), read_header(path, ""))
    return found


def slices(count=8, **changes):
    orientation = changes.get("orientation", AXIAL)
    return [ct_slice(place_along(orientation, height), **changes) for height in even(count)]


def test_two_stacks_across_each_other_become_two_volumes(tmp_path):
    frames = frames_at(tmp_path, [*slices(), *slices(orientation=CORONAL)])

    groups = part_series(frames, read_digests)

    assert [len(group.frames) for group in groups] == [8, 8]
    assert [group.volume for group in groups] == ["orientation 1", "orientation 2"]
    assert [group.findings[0].code for group in groups] == ["MIXED_ORIENTATION"] * 2


def test_two_frames_of_reference_are_never_one_volume(tmp_path):
    frames = frames_at(tmp_path, [*slices(4), *slices(4, FrameOfReferenceUID="1.2.9")])

    groups = part_series(frames, read_digests)

    assert [group.findings[0].code for group in groups] == ["MIXED_REFERENCE"] * 2


def test_sizes_without_a_majority_are_refused(tmp_path):
    frames = frames_at(tmp_path, [*slices(4), *slices(4, shape=(12, 10))])

    (group,) = part_series(frames, read_digests)

    assert group.is_refused
    assert group.findings[-1].code == "MIXED_SIZES"


def test_a_picture_of_the_dose_among_the_slices_is_left_out(tmp_path):
    picture = ct_slice((0, 0, 0), PhotometricInterpretation="RGB", SamplesPerPixel=3)
    frames = frames_at(tmp_path, [*slices(), picture])

    (group,) = part_series(frames, read_digests)

    assert [finding.code for finding in group.findings] == ["COLOUR"]
    assert group.findings[0].sop_uids == (picture.SOPInstanceUID,)
    assert len(group.frames) == 8


@pytest.mark.parametrize("error", [5e-4, -5e-4])
def test_rounded_cosines_are_one_orientation(tmp_path, error):
    turned = (1.0, error, 0.0, -error, 1.0, 0.0)
    frames = frames_at(tmp_path, [*slices()[:7], ct_slice((-20, -30, 31), orientation=turned)])

    assert len(part_series(frames, read_digests)) == 1
