"""Files written whole or not at all: a temporary neighbour first, then a rename."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from delineate.core.errors import FileError


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
    draft = target.with_name(f".{uuid4().hex[:8]}.partial.{target.name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        draft.chmod(0o666 & ~_umask())  # some libraries make files that only their owner may read
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
    draft = target.with_name(f".{uuid4().hex[:8]}.partial.{target.name}")
    try:
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
