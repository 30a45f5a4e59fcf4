"""Volumes over each other: parted by what tells them apart, or refused."""

from delineate.readers.dicom_frames import Frame, Group
from delineate.readers.dicom_phases import by, number_of, part_phases, places_of
from delineate.readers.dicom_sources import SourceFile


def frame(height, uid, **keys):
    plane = {
        "position": [0.0, 0.0, float(height)],
        "orientation": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        "spacing": [1.0, 1.0],
        "keys": keys,
    }
    values = {"sop_uid": uid, "image_type": []}
    return Frame(file=SourceFile(path=f"{uid}.dcm"), index=0, values=values, plane=plane)


def differing(frames):
    return [frame.sop_uid for frame in frames]


def alike(frames):
    return ["same"] * len(frames)


def test_places_are_numbered_with_a_tolerance():
    frames = [frame(height, str(height)) for height in (6.0, 0.0, 3.01, 3.0, 0.01)]

    assert places_of(frames) == [2, 0, 1, 1, 0]


def test_times_of_each_slice_are_no_phases():
    frames = [
        frame(height, f"{height}{echo}", ContentTime=f"{height}{echo}", EchoTime=str(echo))
        for height in range(4)
        for echo in (1, 2)
    ]

    groups = part_phases(Group(frames=tuple(frames)), differing)

    assert [group.volume for group in groups] == ["EchoTime 1", "EchoTime 2"]
    assert [len(group.frames) for group in groups] == [4, 4]


def test_a_time_series_of_one_slice_is_no_volume():
    frames = tuple(frame(0, str(time), AcquisitionNumber=str(time)) for time in range(5))

    (group,) = part_phases(Group(frames=frames), differing)

    assert group.is_refused
    assert group.findings[0].code == "AMBIGUOUS_POSITION"


def test_equal_pixels_at_one_place_are_copies():
    frames = tuple(frame(height, f"{height}.{copy}") for height in range(3) for copy in range(2))

    (group,) = part_phases(Group(frames=frames), alike)

    assert not group.is_refused
    assert len(group.frames) == 3
    assert group.findings[0].sop_uids == ("0.1", "1.1", "2.1")


def test_pixels_that_cannot_be_compared_are_no_copies():
    frames = tuple(frame(height, f"{height}.{copy}") for height in range(3) for copy in range(2))

    (group,) = part_phases(Group(frames=frames), lambda shared: [""] * len(shared))

    assert group.is_refused


def test_parts_keep_the_order_of_their_first_slices():
    parts = by([frame(2, "a"), frame(1, "b"), frame(2, "c")], lambda entry: entry.position[2])

    assert [[entry.sop_uid for entry in part] for part in parts.values()] == [["a", "c"], ["b"]]
    assert number_of(1, "slice") == "1 slice"
