"""Files of HoVer-Net."""

import numpy as np
import pytest
from scipy.io import savemat

from delineate.core.errors import FileError
from delineate.readers import read_instances
from delineate.readers.hovernet import read_nuclei

MAP = np.array([[0, 5, 5, 0], [0, 5, 0, 900], [0, 0, 0, 900]])


@pytest.mark.parametrize("types", [{"inst_type": np.array([[2], [4]])},
                                   {"type_map": (MAP == 5) * 2 + (MAP == 900) * 4}])  # fmt: skip
def test_hovernet_files_tell_types(tmp_path, types):
    savemat(tmp_path / "a.mat", {"inst_map": MAP.astype(float), **types})

    found = read_instances(tmp_path / "a.mat").instances

    assert found.types.tolist() == [2, 4]


def test_types_go_by_inst_uid_where_it_is_there(tmp_path):
    arrays = {"inst_uid": np.array([[900], [5]]), "inst_type": np.array([[2], [4]])}
    savemat(tmp_path / "a.mat", {"inst_map": MAP, **arrays})

    assert read_nuclei(tmp_path / "a.mat")[1] == {900: 2, 5: 4}


def test_an_object_takes_the_commonest_type_of_its_pixels(tmp_path):
    types = np.array([[1, 3, 3, 1], [1, 2, 1, 0], [1, 1, 1, 4]])
    savemat(tmp_path / "a.mat", {"inst_map": MAP, "type_map": types})

    assert read_nuclei(tmp_path / "a.mat")[1] == {5: 3, 900: 4}


def test_mat_of_something_else_is_refused(tmp_path):
    savemat(tmp_path / "a.mat", {"x": 1})

    with pytest.raises(FileError, match="no array inst_map"):
        read_instances(tmp_path / "a.mat")
