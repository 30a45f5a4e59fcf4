"""Which volume a SEG or RTSTRUCT belongs to, and what a case is called after its folder."""

from collections import Counter
from collections.abc import Mapping, Sequence
from os.path import commonpath
from pathlib import Path

from delineate.readers.dicom_drawn import Drawn
from delineate.readers.dicom_volume import Volume


def volume_of(drawn: Drawn, volumes: Mapping[str, Sequence[Volume]]) -> Volume | None:
    """Find the volume of its series that has most of the slices that a file names.

    Args:
        drawn: A SEG or RTSTRUCT. One that names no series is of the only one in its frame of
            reference.
        volumes: Accepted volumes by the UID of their series.

    Returns:
        The volume; None if there is none.
    """
    found = volumes.get(drawn.series_uid, ())
    if not drawn.series_uid and drawn.reference_uid:
        every = [one for many in volumes.values() for one in many]
        same = [
            one
            for one in every
            if one.series and one.series.frame_of_reference_uid == drawn.reference_uid
        ]
        found = same if len(same) == 1 else ()
    counts = [
        len(drawn.instances & {entry.sop_uid for entry in one.series.slices})
        for one in found
        if one.series is not None
    ]
    return found[counts.index(max(counts))] if counts else None


def names_of(folders: Sequence[Path], root: Path) -> dict[Path, str]:
    """Name the folders of single series as `predict` does: with the folder above where need be.

    Args:
        folders: The folder of each series.
        root: The folder that holds them all.

    Returns:
        Name by folder; folders of several series have none.
    """
    alone = [folder for folder, count in Counter(folders).items() if count == 1]
    short = Counter(folder.name for folder in alone)
    longer = Counter(_with_parent(folder) for folder in alone)
    found = {}
    for folder in alone:
        name = below(folder, root)
        if longer[_with_parent(folder)] == 1:
            name = folder.name if short[folder.name] == 1 else _with_parent(folder)
        found[folder] = name.replace(" ", "_")
    return found


def below(path: Path, root: Path) -> str:
    """Name a path by the folders between it and the root, or by the root's own name.

    Args:
        path: A path below the root, or the root itself.
        root: A folder, or a file, which stands for its folder.

    Returns:
        Names joined by underscores, without spaces.
    """
    home = root.resolve() if root.is_dir() else root.resolve().parent
    inside = path.resolve().relative_to(home)
    return "_".join(inside.parts).replace(" ", "_") or home.name.replace(" ", "_")


def folder_of(volume: Volume) -> Path:
    """Find the folder that holds all files of a volume.

    Args:
        volume: The volume.

    Returns:
        Its absolute path.
    """
    return Path(commonpath({str(Path(one.file.path).resolve().parent) for one in volume.frames}))


def _with_parent(folder: Path) -> str:
    return f"{folder.parent.name}_{folder.name}"
