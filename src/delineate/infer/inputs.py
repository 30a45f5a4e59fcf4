"""What a user names becomes cases: paths, globs and folders, one or several files a case."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import count
from pathlib import Path

import numpy as np

from delineate.core.case import Case
from delineate.core.errors import FileError, GeometryError, ShapeError
from delineate.core.image import AnyArray, Image
from delineate.core.plan import Plan
from delineate.infer.studies import Find, look_into
from delineate.readers import READERS, find_files, holds_dicom, read_image, strip_suffix

CHANNEL_FILE = re.compile(r"(?P<id>.+)_(?P<channel>\d{4})")
"""nnU-Net's names: case, underscore, number of the channel in four digits."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """The files of one case, one for all channels or one for each."""

    id: str
    """The case's id; it names the outputs."""
    paths: tuple[Path, ...]
    """Files; of a DICOM volume all those that it is made of."""
    image: Image | None = None
    """The DICOM volume that the files hold, its pixels not read; None for other files."""

    def stamp(self) -> list[list[str | int]]:
        """Describe the files so that a change is noticed.

        Returns:
            Path, size in bytes and time of change in ns of each file; of a DICOM volume its source,
            the number of files and a digest of all that.
        """
        stats = [(path, path.stat()) for path in self.paths]
        rows: list[list[str | int]] = [
            [str(path), stat.st_size, stat.st_mtime_ns] for path, stat in stats
        ]
        if self.image is None:
            return rows
        digest = sha256(json.dumps(rows).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return [[self.image.source, len(rows), digest]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Inputs:
    """What the user named, sorted out."""

    sources: tuple[Source, ...]
    """The cases, in the order of the inputs."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """What could not become a case, and why, by name."""
    aside: Mapping[str, str] = field(default_factory=dict)
    """DICOM volumes that are none of the model's kind, and why, by name; none if there is nothing
    else, since they count as refused then."""


def find_inputs(inputs: Sequence[str | Path], plan: Plan) -> Inputs:
    """Expand what the user named into cases.

    Files named ID_0000, ID_0001, ... are the channels of case ID if the model has several;
    for a model of one channel the ending _0000 is dropped from the id. Pictures in colour have
    all channels in one file, so that such names are tiles that somebody counted. Folders, zips and
    indexes of DICOM give one case for each volume that suits a model of one channel.

    Args:
        inputs: Files, globs, folders of files or of DICOM, however deep.
        plan: The model's plan.

    Returns:
        Cases in the order of the inputs; equal ids are told apart by their folders.

    Raises:
        FileError: If an input does not exist or a folder holds nothing that can be read.
    """
    num_channels, is_colour = len(plan.channels), plan.task == "instances"
    paths = [path for entry in inputs for path in _expand(Path(entry), num_channels)]
    unique = list({path.resolve(): path for path in paths}.values())
    if not unique:
        raise FileError("There is no input. Name files, globs or folders of images.")
    grouped: dict[tuple[Path, str, int], Source] = {}
    others: list[Find] = []
    for path in unique:
        is_volumes = num_channels == 1 and _is_dicom(path)
        for find in look_into(path, plan) if is_volumes else [Find(name=strip_suffix(path))]:
            if find.reason:
                others.append(find)
                continue
            case_id = find.name if is_colour else _case_id(find.name, num_channels)
            key = path.parent, case_id, len(grouped) if find.image else -1  # a volume stands alone
            before = () if key not in grouped else grouped[key].paths
            grouped[key] = Source(
                id=case_id, paths=(*before, *(find.files or (path,))), image=find.image
            )
    sources = tuple(_told_apart(grouped))
    taken = {source.id for source in sources}
    names = {_keep(taken, find.name): find for find in others}
    refused = {name: find.reason for name, find in names.items() if not find.is_aside}
    aside = {name: find.reason for name, find in names.items() if find.is_aside}
    if not sources and not refused:  # then it was meant, and answering nothing is a failure
        refused, aside = aside, {}
    return Inputs(sources=sources, refused=refused, aside=aside)


def open_source(source: Source, plan: Plan) -> Case:
    """Read a case's files into memory and stack their channels.

    Args:
        source: The files.
        plan: The plan, whose channels several files must be.

    Returns:
        The case, its pixels loaded.
    """
    if source.image is not None:
        image = replace(source.image)  # a fresh one, so that the pixels go when the case is done
    else:
        images = [read_image(path) for path in source.paths]
        image = images[0] if len(images) == 1 else _stack(source, images, plan)
    image.array  # noqa: B018 - loads the pixels now, in the thread that reads ahead
    return Case(id=source.id, patient=source.id, image=image)


def _told_apart(grouped: Mapping[tuple[Path, str, int], Source]) -> Iterator[Source]:
    counts = Counter(case_id for _, case_id, _ in grouped)
    taken: set[str] = set()
    for (folder, case_id, _), source in grouped.items():
        name = case_id if counts[case_id] == 1 else f"{folder.resolve().name}_{case_id}"
        paths = source.paths if source.image is not None else tuple(sorted(source.paths))
        yield replace(source, id=_keep(taken, name), paths=paths)


def _keep(taken: set[str], name: str) -> str:
    """Take a name, with a number behind it if it is no longer free."""
    numbered = (f"{name}_{number}" for number in count(2))
    free = name if name not in taken else next(word for word in numbered if word not in taken)
    taken.add(free)
    return free


def _is_dicom(path: Path) -> bool:
    """Tell whether the reader of DICOM would be the one to read a path."""
    others = (reader for name, reader in READERS.items() if name != "dicom")
    return path.is_dir() or (
        READERS["dicom"].can_read(path) and not any(reader.can_read(path) for reader in others)
    )


def _expand(path: Path, num_channels: int) -> list[Path]:
    if path.is_dir():
        found = find_files(path)
        packed = [entry for entry in found if not _is_dicom(entry) or entry.suffix == ".zip"]
        has_slices = len(packed) < len(found) or (not packed and holds_dicom(path))
        if num_channels == 1 and has_slices:
            return [*packed, path]  # slices of one series may lie in several folders
        if not found:
            raise FileError(
                f"{path} holds no image that can be read. Name the folder of the images itself; "
                "sub-folders are searched for DICOM only."
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


def _case_id(stem: str, num_channels: int) -> str:
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
