"""Slices as the parent knows them: sound geometry, rescaling and the noun for writers."""

import numpy as np
import pytest

from delineate.readers.dicom_frames import Frame, Group, frames_of
from delineate.readers.dicom_sources import SourceFile

PLANE = {
    "position": [1.0, 2.0, 3.0],
    "orientation": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    "spacing": [2.0, 1.5],
    "slope": None,
    "intercept": None,
}
VALUES = {
    "sop_uid": "1.2.3",
    "sop_class": "1.2.840.10008.5.1.4.1.1.2",
    "modality": "CT",
    "rows": 4,
    "columns": 5,
    "num_frames": 1,
    "is_enhanced": False,
    "image_type": ["ORIGINAL"],
}


def frame(plane=None, **values):
    return Frame(
        file=SourceFile(path="a.dcm"),
        index=0,
        values={**VALUES, **values},
        plane={**PLANE, **(plane or {})},
    )


def test_the_noun_for_writers_says_what_the_file_says():
    source = frame().source()

    assert source.position_mm == (1, 2, 3)
    assert source.spacing_mm == (2, 1.5)
    assert (source.rows, source.columns, source.frame) == (4, 5, None)
    assert frame(num_frames=7).source().frame == 1
    assert frame(is_enhanced=True).source().frame == 1


@pytest.mark.parametrize(
    "plane",
    [
        {"spacing": [0.0, 1.0]},
        {"spacing": [float("nan"), 1.0]},
        {"position": [float("inf"), 0.0, 0.0]},
        {"orientation": [1.0, 0.0, 0.0, 0.5, 0.9, 0.0]},
        {"orientation": [2.0, 0.0, 0.0, 0.0, 1.0, 0.0]},
    ],
)
def test_a_place_that_cannot_be_is_unsound(plane):
    assert frame().is_sound
    assert not frame(plane).is_sound


@pytest.mark.parametrize(
    ("slope", "intercept", "expected"),
    [(None, None, (1, 0)), (0.0, 5.0, (1, 5)), (float("nan"), -3.0, (1, -3)), (2.0, None, (2, 0))],
)
def test_absent_and_impossible_rescaling_is_none(slope, intercept, expected):
    assert frame({"slope": slope, "intercept": intercept}).rescaling() == expected


def test_a_tile_of_a_mosaic_has_its_own_size_and_reads_the_first_frame():
    tile = frame({"tile": [4, 5, 2, 3]})

    assert tile.size == (2, 3)
    assert tile.pixel_item()["frame"] == 0
    assert tile.source().frame is None


def test_frames_share_what_their_file_says():
    values = {**VALUES, "frames": [PLANE, {**PLANE, "position": [1.0, 2.0, 6.0]}]}

    first, second = frames_of(SourceFile(path="a.dcm"), values)

    assert first.values is second.values
    assert np.array_equal(second.position - first.position, [0, 0, 3])


def test_a_finding_names_each_instance_once():
    group = Group(frames=()).noting("GAP", "refusal", "It is.", "", [frame(), frame()])

    assert group.is_refused
    assert group.findings[0].sop_uids == ("1.2.3",)
