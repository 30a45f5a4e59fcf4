"""Turns whatever a damaged file makes a library raise into one sentence that a user can act on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from delineate.core.discretion import SILENCE, words_of
from delineate.core.errors import DelineateError, FileError


def present(path: Path) -> Path:
    """Make sure that there is a file with something in it.

    Args:
        path: The file.

    Returns:
        The same path.

    Raises:
        FileError: If the path does not exist, is a folder, is empty or may not be looked at.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise FileError(
            f"{path} cannot be opened ({error.strerror}). Check the spelling and the permissions."
        ) from error
    if path.is_dir():
        raise FileError(f"{path} is a folder where a file was expected. Name a file in it.")
    if size == 0:
        raise FileError(f"{path} is empty (0 bytes). Copy or export the file again.")
    return path


@contextmanager
def guarded(path: Path, kind: str) -> Iterator[None]:
    """Answer any failure inside the block with the file's name, what is wrong and a mend.

    Libraries raise some twenty kinds of error at damaged files (even `SyntaxError`), so every
    exception but our own is taken to speak of the file; the original stays attached to it.

    Args:
        path: The file that is read.
        kind: What it should be, such as "NIfTI".

    Yields:
        Nothing.

    Raises:
        DelineateError: What the block raised itself, as it is.
        FileError: If the block failed otherwise.
    """
    try:
        yield
    except DelineateError:
        raise
    except MemoryError as error:
        raise FileError(
            f"{path} promises more voxels than fit into memory. "
            "Its header is damaged, or the file has to be cropped first."
        ) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None and error.strerror:
            raise FileError(
                f"{path} cannot be read ({error.strerror}). Check the disk and the permissions."
            ) from error
        words = words_of(error)
        detail = type(error).__name__ if words == SILENCE else words.splitlines()[0][:120]
        raise FileError(
            f"{path} is damaged, cut short or no {kind} file ({detail}). "
            "Copy or export the file again."
        ) from error
