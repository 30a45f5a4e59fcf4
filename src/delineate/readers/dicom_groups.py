"""The instances of one series parted into stacks; what does not belong is named, never mixed in."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from delineate.readers.dicom_frames import Frame, Group
from delineate.readers.dicom_phases import SEPARATE, Digest, by, number_of, part_phases

SAME_COSINES = 1e-3
"""Difference of direction cosines that is rounding only."""
SAME_SPACING = 1e-3
"""Difference of pixel spacings in mm that is rounding only."""
FEW = 3
"""Slices of another orientation that are a scout, or a tenth of the stack if that is more."""


def part_series(frames: Sequence[Frame], digest: Digest) -> list[Group]:
    """Part the slices of one series into volumes.

    Args:
        frames: Every slice of one series of one study of one patient, copies included.
        digest: Makes a fingerprint of the pixels of slices, empty where they cannot be read.

    Returns:
        One group a volume; a group that is refused holds the finding that says why.
    """
    group = _without_copies(Group(frames=tuple(frames)), digest)
    for sieve in (_without_colour, _without_scouts, _without_homeless):
        if group.is_refused:
            return [group]
        group = sieve(group)
    if not group.is_refused:
        group = _only_sound(group)
    if group.is_refused:
        return [group]
    parts = [
        _of_one_size(part) for oriented in _oriented(group) for part in _by_reference(oriented)
    ]
    return [
        volume
        for part in parts
        for volume in ([part] if part.is_refused else part_phases(part, digest))
    ]


def _without_copies(group: Group, digest: Digest) -> Group:
    """Drop instances that were sent twice under one UID."""
    alike: dict[tuple[str, int], list[Frame]] = defaultdict(list)
    for frame in group.frames:
        alike[frame.sop_uid or str(frame.file), frame.index].append(frame)
    copies = [entry for entry in alike.values() if len(entry) > 1]
    if not copies:
        return group
    kept = replace(group, frames=tuple(entry[0] for entry in alike.values()))
    at_odds = [entry[0] for entry in copies if len({str(one.plane) for one in entry}) > 1]
    for entry in copies if not at_odds else []:
        marks = digest(entry)
        if len(set(marks)) > 1 and "" not in marks:
            at_odds.append(entry[0])
    if at_odds:
        sentence = f"{len(at_odds)} instances came twice under one UID with different content."
        return kept.noting("CONFLICTING_COPIES", "refusal", sentence, SEPARATE, at_odds)
    files = {frame.file for entry in copies for frame in entry[1:]}
    sentence = f"{len(files)} instances came again and were counted once."
    return kept.noting("DUPLICATE", "note", sentence, "", (entry[0] for entry in copies))


def _sieved(
    group: Group, code: str, what: str, mend: str, is_stranger: Callable[[Frame], bool]
) -> Group:
    """Leave strangers out; if there is nobody else, refuse."""
    strangers = [frame for frame in group.frames if is_stranger(frame)]
    if not strangers:
        return group
    others = tuple(frame for frame in group.frames if not is_stranger(frame))
    count = number_of(len(strangers), "slice")
    if not others:
        return group.noting(code, "refusal", f"All {count} {what}.", mend, strangers)
    kept = replace(group, frames=others)
    return kept.noting(code, "repair", f"{count} left out that {what}.", "", strangers)


def _without_colour(group: Group) -> Group:
    def is_colour(frame: Frame) -> bool:
        shown = frame.values["photometric"] or "MONOCHROME2"
        return frame.values["samples"] != 1 or not shown.startswith("MONOCHROME")

    what = "are colour pictures, no scan"
    return _sieved(group, "COLOUR", what, "Leave the series out, or save it as PNG.", is_colour)


def _without_scouts(group: Group) -> Group:
    mend = "Choose the series of the scan itself."
    return _sieved(
        group,
        "LOCALIZER",
        "are marked as localizer",
        mend,
        lambda frame: "LOCALIZER" in frame.words,
    )


def _without_homeless(group: Group) -> Group:
    mend = "Use the original series, not a capture or a converted one."
    what = "do not say where they lie: position, orientation or pixel spacing is absent"
    return _sieved(group, "NO_GEOMETRY", what, mend, lambda frame: not frame.has_geometry)


def _only_sound(group: Group) -> Group:
    broken = [frame for frame in group.frames if not frame.is_sound]
    if not broken:
        return group
    sentence = (
        f"{number_of(len(broken), 'slice')} with a position, orientation or pixel spacing that "
        "cannot be: not finite, not positive or not at right angles."
    )
    return group.noting("BAD_GEOMETRY", "refusal", sentence, "Send the series again.", broken)


def _oriented(group: Group) -> Iterator[Group]:
    """Part by orientation; a few slices across the stack are a scout."""
    clusters: list[list[Frame]] = []
    for frame in group.frames:
        for cluster in clusters:
            if np.abs(frame.orientation - cluster[0].orientation).max() <= SAME_COSINES:
                cluster.append(frame)
                break
        else:
            clusters.append([frame])
    clusters.sort(key=len, reverse=True)
    largest = len(clusters[0])
    if len(clusters) == 1:
        yield group
        return
    if largest <= FEW:
        sentence = f"Its {len(group.frames)} slices lie in {len(clusters)} orientations: a scout."
        yield group.noting(
            "LOCALIZER", "refusal", sentence, "Choose the series of the scan itself.", group.frames
        )
        return
    few = max(FEW, largest // 10)
    scouts = [frame for cluster in clusters if len(cluster) <= few for frame in cluster]
    stacks = [cluster for cluster in clusters if len(cluster) > few]
    for place, stack in enumerate(stacks):
        name = f"orientation {place + 1}" if len(stacks) > 1 else ""
        part = replace(group, frames=tuple(stack), volume=name)
        if scouts:
            sentence = f"{number_of(len(scouts), 'slice')} left out that lie across the stack."
            part = part.noting("LOCALIZER", "repair", sentence, "", scouts)
        if len(stacks) > 1:
            sentence = f"The series holds {len(stacks)} stacks of different orientation."
            part = part.noting("MIXED_ORIENTATION", "note", sentence, "", ())
        yield part


def _by_reference(group: Group) -> Iterator[Group]:
    parts = by(group.frames, lambda frame: str(frame.values["reference"]))
    if len(parts) == 1:
        yield group
        return
    for place, frames in enumerate(parts.values()):
        name = ", ".join(part for part in (group.volume, f"frame of reference {place + 1}") if part)
        sentence = f"The series holds slices of {len(parts)} frames of reference."
        part = replace(group, frames=tuple(frames), volume=name)
        yield part.noting("MIXED_REFERENCE", "note", sentence, "", ())


def _of_one_size(group: Group) -> Group:
    def kind(frame: Frame) -> Hashable:
        return frame.size, *(round(float(step) / SAME_SPACING / 2) for step in frame.spacing)

    parts = by(group.frames, kind)
    if len(parts) == 1:
        return group
    largest = max(parts.values(), key=len)
    others = [frame for part in parts.values() if part is not largest for frame in part]
    if 2 * len(largest) <= len(group.frames):
        sentence = f"Its slices have {len(parts)} sizes or pixel spacings, none of them the most."
        return group.noting("MIXED_SIZES", "refusal", sentence, SEPARATE, others)
    sentence = f"{number_of(len(others), 'slice')} left out whose size or pixel spacing differs."
    kept = replace(group, frames=tuple(largest))
    return kept.noting("MIXED_SIZES", "repair", sentence, "", others)
