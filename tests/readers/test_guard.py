"""Whatever a damaged file makes a library raise becomes one sentence."""

import errno
import os

import pytest

from delineate.core.errors import FileError, LabelError
from delineate.readers.guard import guarded, present


def test_file_with_something_in_it_is_let_through(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x")

    assert present(path) == path


def test_absent_file_folder_and_empty_file_have_a_sentence_each(tmp_path):
    empty = tmp_path / "empty"
    empty.touch()

    for path, words in ((tmp_path / "no", "cannot be opened"), (tmp_path, "is a folder")):
        with pytest.raises(FileError, match=words):
            present(path)
    with pytest.raises(FileError, match="is empty"):
        present(empty)


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (ValueError("bad header\nmore"), r"no NIfTI file \(bad header\)"),
        (SyntaxError(""), r"\(SyntaxError\)"),
        (MemoryError(), "more voxels than fit into memory"),
        (OSError(errno.EIO, os.strerror(errno.EIO)), "Check the disk"),
        (OSError("truncated"), "damaged, cut short"),
    ],
)
def test_every_error_of_a_library_names_file_and_mend(tmp_path, raised, words):
    with pytest.raises(FileError, match=words) as caught, guarded(tmp_path / "a.nii", "NIfTI"):
        raise raised
    assert "a.nii" in str(caught.value)
    assert caught.value.__cause__ is raised


def test_our_own_errors_pass_as_they_are(tmp_path):
    with pytest.raises(LabelError, match="mine"), guarded(tmp_path, "NIfTI"):
        raise LabelError("mine")
