"""MATLAB files: arrays by name, and a clear word on the versions that are not read."""

import numpy as np
import pytest
from scipy.io import savemat

from delineate.core.errors import FileError, LabelError
from delineate.readers.matlab import names_in_mat, read_mat, whole_numbers


def test_arrays_are_read_by_name(tmp_path):
    savemat(tmp_path / "a.mat", {"inst_map": np.eye(3), "other": np.ones((2, 1))})

    found = read_mat(tmp_path / "a.mat", ["inst_map", "absent"])

    assert list(found) == ["inst_map"]
    assert found["inst_map"].tolist() == np.eye(3).tolist()
    assert set(read_mat(tmp_path / "a.mat")) == {"inst_map", "other"}
    assert names_in_mat(tmp_path / "a.mat") == {"inst_map": (3, 3), "other": (2, 1)}


def test_version_7_3_is_refused_with_the_mend(tmp_path):
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n"
    (tmp_path / "a.mat").write_bytes(head)

    with pytest.raises(FileError, match=r"version 7.3 .*Save it in MATLAB with save"):
        read_mat(tmp_path / "a.mat")


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "absent"])
def test_damaged_file_is_one_sentence(tmp_path, damage):
    path = tmp_path / "a.mat"
    savemat(path, {"inst_map": np.arange(4000).reshape(40, 100)})
    content = path.read_bytes()
    path.write_bytes({"cut": content[:900], "noise": b"no file" * 99}.get(damage, b""))
    if damage == "absent":
        path.unlink()

    with pytest.raises(FileError, match=r"a\.mat"):
        read_mat(path)


def test_types_become_whole_numbers_or_are_refused(tmp_path):
    assert whole_numbers(np.array([[1.0], [3.0]]), tmp_path).tolist() == [1, 3]
    for array in (np.array([[1.5]]), np.array(["a"]), np.array([np.nan])):
        with pytest.raises(LabelError, match="no whole numbers"):
            whole_numbers(array, tmp_path)
