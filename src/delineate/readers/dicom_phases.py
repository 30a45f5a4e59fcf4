"""Volumes that lie over each other in one series: told apart by time, echo or acquisition."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np

from delineate.readers.dicom_frames import Frame, Group

SAME_PLACE_MM = 0.05
"""Distance along the normal within which two slices lie at one place."""
MAX_KEYS = 10
"""Words that are tried in pairs and threes to tell volumes apart."""
Digest = Callable[[Sequence[Frame]], list[str]]
SEPARATE = "Give each a series of its own, or send the scan again."


def part_phases(group: Group, digest: Digest) -> list[Group]:
    """Part slices that share their places by time, echo or acquisition; never interleave.

    Args:
        group: Slices of one size and orientation.
        digest: Makes a fingerprint of the pixels of slices, empty where they cannot be read.

    Returns:
        One group a volume, or the same group, refused.
    """
    places = places_of(group.frames)
    count = max(Counter(places).values())
    if count == 1:
        return [group]
    spots = dict(zip(group.frames, places, strict=True))
    shared = [frame for frame, much in _with_counts(spots) if much > 1]
    if max(places) == 0:
        return _copies_or_doubt(group, spots, shared, digest)
    for words in _candidates(group.frames):
        parts = by(group.frames, partial(_values, words))
        if len(parts) == count and all(_is_stack(part, spots) for part in parts.values()):
            return _volumes(group, words, parts)
    return _copies_or_doubt(group, spots, shared, digest)


def _values(words: tuple[str, ...], frame: Frame) -> tuple[str, ...]:
    return tuple(frame.keys.get(word, "") for word in words)


def _with_counts(spots: dict[Frame, int]) -> Iterator[tuple[Frame, int]]:
    counts = Counter(spots.values())
    for frame, place in spots.items():
        yield frame, counts[place]


def _is_stack(frames: Sequence[Frame], spots: dict[Frame, int]) -> bool:
    return len({spots[frame] for frame in frames}) == len(frames)


def _candidates(frames: Sequence[Frame]) -> Iterator[tuple[str, ...]]:
    words = list(dict.fromkeys(word for frame in frames for word in frame.keys))
    varied = [word for word in words if len({frame.keys.get(word) for frame in frames}) > 1]
    for size in (1, 2, 3):
        yield from combinations(varied[:MAX_KEYS] if size > 1 else varied, size)


def _volumes(
    group: Group, words: tuple[str, ...], parts: dict[Hashable, list[Frame]]
) -> list[Group]:
    """Name each volume by what tells it from the others."""
    found = []
    told = " and ".join(words)
    for value, frames in parts.items():
        values = value if isinstance(value, tuple) else (value,)
        own = ", ".join(f"{word} {text}" for word, text in zip(words, values, strict=True))
        name = ", ".join(part for part in (group.volume, own) if part)
        sentence = f"The series holds {len(parts)} volumes at the same places, parted by {told}."
        mend = "Each is a volume of its own."
        part = replace(group, frames=tuple(frames), volume=name)
        found.append(part.noting("MULTI_PHASE", "note", sentence, mend, ()))
    return found


def _copies_or_doubt(
    group: Group, spots: dict[Frame, int], shared: list[Frame], digest: Digest
) -> list[Group]:
    """Drop copies under other UIDs; what differs at one place is refused."""
    marks = dict(zip(shared, digest(shared), strict=True))
    alike: dict[tuple[int, str], list[Frame]] = defaultdict(list)
    for frame in shared:
        alike[spots[frame], marks[frame]].append(frame)
    spare = [frame for (_, mark), same in alike.items() if mark for frame in same[1:]]
    left = tuple(frame for frame in group.frames if frame not in set(spare))
    if len({spots[frame] for frame in left}) == len(left):
        sentence = f"{number_of(len(spare), 'instance')} with the pixels of another were left out."
        kept = replace(group, frames=left)
        return [kept.noting("DUPLICATE", "note", sentence, "", spare)]
    doubtful = [frame for frame in shared if frame not in spare]
    sentence = (
        f"{len(doubtful)} slices share their positions, differ in their pixels, and nothing in "
        "their headers tells which belong together."
    )
    return [group.noting("AMBIGUOUS_POSITION", "refusal", sentence, SEPARATE, doubtful)]


def places_of(frames: Sequence[Frame]) -> list[int]:
    """Number the places along the normal at which slices lie.

    Args:
        frames: Slices of one orientation.

    Returns:
        For each slice the number of its place, equal for those at one place.
    """
    heights = np.array([frame.position @ frames[0].normal for frame in frames])
    order = np.argsort(heights, kind="stable")
    steps = np.diff(heights[order])
    wide = steps[steps > 1e-3]
    limit = min(SAME_PLACE_MM, 0.2 * float(np.median(wide))) if wide.size else SAME_PLACE_MM
    numbers = np.zeros(len(frames), dtype=int)
    numbers[order] = np.concatenate([[0], np.cumsum(steps > limit)])
    return [int(number) for number in numbers]


def by(frames: Iterable[Frame], key: Callable[[Frame], Hashable]) -> dict[Hashable, list[Frame]]:
    """Sort slices into parts.

    Args:
        frames: Slices.
        key: What those of one part have in common.

    Returns:
        Parts in the order of their first slices.
    """
    parts: dict[Hashable, list[Frame]] = defaultdict(list)
    for frame in frames:
        parts[key(frame)].append(frame)
    return dict(parts)


def number_of(count: int, noun: str) -> str:
    """Say how many.

    Args:
        count: The number.
        noun: In the singular.

    Returns:
        Such as "3 slices".
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
