"""Files written whole or not at all: a temporary neighbour first, then a rename.

Who writes holds a lock on the folder, which ends with the process however it ends. So `sweep` can
tell drafts that a killed process left from those that somebody is writing just now.
"""

import os
import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from delineate.core.errors import FileError

DRAFT = re.compile(r"\.(?P<host>[0-9a-f]{4})?[0-9a-f]{8}\.partial\..+", re.DOTALL)
"""Names of drafts: four digits of the machine, eight by chance, the target's name."""
OLD_SECONDS = 86_400.0
"""Age from which drafts of other machines count as left, whose locks may not be seen here."""


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside the target that replaces it if all went well.

    The temporary name keeps the target's ending, since writers choose formats by it. Data
    are flushed to the disk before the rename, so a power cut leaves the old file or the new.

    Args:
        path: The file to be written; its folder is made if absent.

    Yields:
        Where to write.

    Raises:
        FileError: If the disk is full or the folder cannot be written; what stood at the
            target before stays as it was.
    """
    target = Path(path)
    draft = _draft_of(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.parent):
            yield draft
            draft.chmod(0o666 & ~_umask())  # some libraries make files for their owner alone
            with draft.open("rb") as handle:
                os.fsync(handle.fileno())
            draft.replace(target)
    except OSError as error:
        raise FileError(
            f"{target} could not be written ({error.strerror or error}). "
            "Free some space or choose another --out; what stood there before is unchanged."
        ) from error
    finally:
        with suppress(OSError):  # there is none where its folder could not be made
            draft.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Give a temporary folder beside the target that becomes it if all went well.

    Args:
        path: The folder to be made; it must not exist, its parent must.

    Yields:
        Where to write.

    Raises:
        FileError: If something stands there already, or the disk refuses; nothing is left.
    """
    target = Path(path)
    draft = _draft_of(target)
    try:
        with _locked(target.parent):
            draft.mkdir()
            yield draft
            if target.exists():  # a rename would take an empty folder's place
                raise FileError(f"{target} exists already. Choose another name, or move it away.")
            draft.rename(target)
    except OSError as error:
        raise FileError(
            f"{target} could not be made ({error.strerror or error}). "
            "Free some space or choose another place; nothing was left there."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)  # gone already where all went well


def sweep(folder: str | Path) -> int:
    """Remove the drafts that killed processes left in a folder, never one that is being written.

    While anybody writes there, on this machine, nothing is touched. Drafts of other machines, as
    on a shared disk, go after a day only. Where the disk knows no locks, nothing is removed.

    Args:
        folder: The folder; it need not exist. Folders below it are not looked into.

    Returns:
        How many drafts were removed.
    """
    place = Path(folder)
    removed = 0
    with suppress(OSError), _locked(place, alone=True) as is_alone:
        drafts = [entry for entry in place.iterdir() if is_alone and _is_left(entry)]
        for draft in drafts:
            if draft.is_dir() and not draft.is_symlink():
                shutil.rmtree(draft, ignore_errors=True)
            else:
                draft.unlink(missing_ok=True)
            removed += not draft.exists()
    return removed


def _draft_of(target: Path) -> Path:
    return target.with_name(f".{_host()}{uuid4().hex[:8]}.partial.{target.name}")


def _host() -> str:
    return sha256(socket.gethostname().encode("utf-8", "replace")).hexdigest()[:4]


def _is_left(entry: Path) -> bool:
    match = DRAFT.fullmatch(entry.name)
    if match is None:
        return False
    return match["host"] == _host() or time.time() - entry.lstat().st_mtime > OLD_SECONDS


@contextmanager
def _locked(folder: Path, *, alone: bool = False) -> Iterator[bool]:
    """Hold a folder with others who write there, or alone; True if that could be had."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield False
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # it may be written but not looked into, or it is not there
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
        except OSError:  # somebody writes, or the disk knows no locks
            is_held = False
        else:
            is_held = True
        yield is_held
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | Path, text: str) -> None:
    """Write a text file whole or not at all.

    Args:
        path: The file to be written.
        text: Its content, written as UTF-8.
    """
    with whole(path) as draft:
        draft.write_text(text, encoding="utf-8")
