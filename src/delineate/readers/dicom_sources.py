"""Where DICOM files may hide: folders in folders, a zip, a DICOMDIR, files without endings.

Nothing is unpacked to the disk, and no name inside of a zip or an index is ever used as a path
before it is known to stay below its folder.
"""

import os
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from delineate.core.errors import FileError
from delineate.readers.dicom_child import read_headers
from delineate.readers.guard import guarded, present

MAX_FILES = 500_000
"""Files of one study that are looked at."""
MAX_RATIO = 200
"""Times that a member of a zip may grow, once it is larger than `FREE_BYTES`."""
FREE_BYTES = 2**26
"""Bytes that a member of a zip may unpack to, whatever its ratio."""
INDEX = "DICOMDIR"


@dataclass(frozen=True, kw_only=True, order=True)
class SourceFile:
    """A file on the disk, or a member of a zip."""

    path: str
    """The file."""
    member: str = ""
    """Its name inside of the zip; empty for a plain file."""

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return f"{Path(self.path).name}/{self.member}" if self.member else Path(self.path).name


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The files of a study, and what was left aside on the way."""

    files: tuple[SourceFile, ...]
    """Files to be looked into, in the order of their names."""
    skipped: dict[str, int] = field(default_factory=dict)
    """How many were left aside, by reason."""
    missing: tuple[str, ...] = ()
    """Files that an index names and that are not there, or that lie outside of its folder."""


def find_sources(path: Path) -> Sources:
    """List what may be DICOM below a path.

    Args:
        path: A folder, a zip, a DICOMDIR or one file.

    Returns:
        The files; whether they are DICOM is for their reading to say.

    Raises:
        FileError: If nothing is there, or there is more than any study holds.
    """
    if path.is_dir():
        found = _below(path)
    elif present(path).name.upper() == INDEX:
        found = _of_index(path)
    elif path.suffix.lower() == ".zip":
        found = _of_zip(path)
    else:
        found = Sources(files=(SourceFile(path=str(path)),))
    if len(found.files) > MAX_FILES:
        raise FileError(
            f"{path} holds {len(found.files)} files, more than the {MAX_FILES} of any study. "
            "Name the folder of one study."
        )
    return found


def _below(folder: Path) -> Sources:
    files: list[SourceFile] = []
    skipped: Counter[str] = Counter()

    def stop(error: OSError) -> None:
        raise FileError(
            f"{error.filename} cannot be listed ({error.strerror}). Check the permissions."
        ) from error

    for place, folders, names in os.walk(folder, onerror=stop):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            whole = Path(place, name)
            if name.startswith("."):
                skipped["hidden"] += 1
            elif name.upper() == INDEX:
                skipped["index"] += 1
            elif not whole.is_file():  # a pipe would wait for ever
                skipped["no regular file"] += 1
            elif whole.stat().st_size == 0 and not name.lower().endswith(".dcm"):
                skipped["no DICOM"] += 1
            else:
                files.append(SourceFile(path=str(whole)))
    return Sources(files=tuple(files), skipped=dict(skipped))


def _of_zip(path: Path) -> Sources:
    skipped: Counter[str] = Counter()
    files = []
    with guarded(path, "zip"), zipfile.ZipFile(path) as archive:
        for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
            parts = PurePosixPath(entry.filename).parts
            if entry.is_dir():
                continue
            if parts[-1].startswith(".") or "__MACOSX" in parts:
                skipped["hidden"] += 1
            elif parts[-1].upper() == INDEX:
                skipped["index"] += 1
            elif entry.flag_bits & 1:
                skipped["encrypted"] += 1
            elif entry.file_size > max(FREE_BYTES, MAX_RATIO * entry.compress_size):
                skipped["too large when unpacked"] += 1
            else:
                files.append(SourceFile(path=str(path), member=entry.filename))
    return Sources(files=tuple(files), skipped=dict(skipped))


def _of_index(path: Path) -> Sources:
    (header,) = read_headers([(str(path), "")])
    if header["kind"] != "directory":
        raise FileError(
            f"{path} is no index that can be read. Name its folder instead, which finds every file."
        )
    files, missing = [], []
    for name in dict.fromkeys(header["files"]):
        found = _inside(path.parent, name)
        if found is None:
            missing.append(name)
        else:
            files.append(SourceFile(path=str(found)))
    return Sources(files=tuple(files), missing=tuple(missing))


def _inside(folder: Path, name: str) -> Path | None:
    """Find a file that an index names below its folder; None if it is absent or elsewhere."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or any(part in ("..", "/") or ":" in part for part in parts):
        return None
    root = folder.resolve()
    for spelling in (parts, tuple(part.lower() for part in parts)):  # as discs are often copied
        found = root.joinpath(*spelling).resolve()
        if found.is_file() and found.is_relative_to(root):
            return found
    return None
