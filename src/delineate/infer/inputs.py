"""What a user names becomes cases: paths, globs and folders, one or several files a case."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from delineate.core.case import Case
from delineate.core.errors import FileError, GeometryError, ShapeError
from delineate.core.image import AnyArray, Image
from delineate.core.plan import Plan
from delineate.readers import find_files, read_image, strip_suffix

CHANNEL_FILE = re.compile(r"(?P<id>.+)_(?P<channel>\d{4})")
"""nnU-Net's names: case, underscore, number of the channel in four digits."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """The files of one case, one for all channels or one for each."""

    id: str
    """The case's id; it names the outputs."""
    paths: tuple[Path, ...]
    """Files, or folders of DICOM series."""

    def stamp(self) -> list[list[str | int]]:
        """Describe the files so that a change is noticed.

        Returns:
            Path, size in bytes and time of change in ns of each file.
        """
        stats = [(path, path.stat()) for path in self.paths]
        return [[str(path), stat.st_size, stat.st_mtime_ns] for path, stat in stats]


def find_sources(
    inputs: Sequence[str | Path], num_channels: int, *, is_colour: bool = False
) -> list[Source]:
    """Expand what the user named into cases.

    Files named ID_0000, ID_0001, ... are the channels of case ID if the model has several;
    for a model of one channel the ending _0000 is dropped from the id. Pictures in colour have
    all channels in one file, so that such names are tiles that somebody counted.

    Args:
        inputs: Files, globs, folders of files or folders of a DICOM series.
        num_channels: Channels that the model takes.
        is_colour: Whether these are the colours of one picture.

    Returns:
        Cases in the order of the inputs; equal ids are told apart by their folders.

    Raises:
        FileError: If an input does not exist or a folder holds nothing that can be read.
    """
    paths = [path for entry in inputs for path in _expand(Path(entry))]
    unique = list({path.resolve(): path for path in paths}.values())
    grouped: dict[tuple[Path, str], list[Path]] = {}
    for path in unique:
        case_id = strip_suffix(path) if is_colour else _case_id(path, num_channels)
        grouped.setdefault((path.parent, case_id), []).append(path)
    if not grouped:
        raise FileError("There is no input. Name files, globs or folders of images.")
    ids = [case_id for _, case_id in grouped]
    return [
        Source(
            id=case_id if ids.count(case_id) == 1 else f"{folder.resolve().name}_{case_id}",
            paths=tuple(sorted(files)),
        )
        for (folder, case_id), files in grouped.items()
    ]


def open_source(source: Source, plan: Plan) -> Case:
    """Read a case's files into memory and stack their channels.

    Args:
        source: The files.
        plan: The plan, whose channels several files must be.

    Returns:
        The case, its pixels loaded.
    """
    images = [read_image(path) for path in source.paths]
    image = images[0] if len(images) == 1 else _stack(source, images, plan)
    image.array  # noqa: B018 - loads the pixels now, in the thread that reads ahead
    return Case(id=source.id, patient=source.id, image=image)


def _expand(path: Path) -> list[Path]:
    if path.is_dir():
        found = find_files(path)
        if not found:
            raise FileError(
                f"{path} holds no image that can be read. Name the folder of the images itself; "
                "sub-folders are not searched."
            )
        return found
    if path.exists():
        return [path]
    if any(sign in str(path) for sign in "*?["):
        anchor = Path(path.anchor)
        found = sorted(anchor.glob(str(path.relative_to(anchor))))
        if found:
            return found
        raise FileError(f"{path} matches no file. Check the pattern, and quote it.")
    raise FileError(f"{path} does not exist. Check the spelling.")


def _case_id(path: Path, num_channels: int) -> str:
    stem = strip_suffix(path)
    match = CHANNEL_FILE.fullmatch(stem)
    if match and (num_channels > 1 or match["channel"] == "0000"):
        return match["id"]
    return stem


def _stack(source: Source, images: list[Image], plan: Plan) -> Image:
    numbers = [int(strip_suffix(path)[-4:]) for path in source.paths]
    if numbers != list(range(len(plan.channels))):
        raise ShapeError(
            f"{source.id} has files for the channels {numbers}, but the model wants 0 to "
            f"{len(plan.channels) - 1} ({', '.join(plan.channels)}). Add or remove files."
        )
    first = images[0]
    for image in images:
        if not image.geometry.agrees_with(first.geometry, tolerance_mm=1e-2):
            raise GeometryError(
                f"{image.source} lies on another grid than {first.source}. "
                "Resample the channels of a case to one grid."
            )

    def load() -> AnyArray:
        return np.concatenate([image.array for image in images])

    notes = tuple(note for image in images for note in image.notes)
    return Image(
        geometry=first.geometry,
        channels=plan.channels,
        load=load,
        source=first.source,
        notes=notes,
        series=first.series,
    )
