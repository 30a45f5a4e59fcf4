"""Labels found by looking."""

import numpy as np
import pytest
from tests.datasets.fakes import write_picture

from delineate.core.errors import DatasetError, DelineateError
from delineate.datasets.legend import discover, table_of, values_in


def test_values_are_counted_for_any_integer_type():
    for kind in (np.uint8, np.int16, np.int64):
        assert values_in(np.array([[0, 2], [2, 7]], kind)) == {0: 1, 2: 2, 7: 1}


def test_list_of_names_may_start_with_background(tmp_path):
    assert table_of(["background", "liver"], where=tmp_path).by_name("liver").id == 1
    assert table_of(["liver", "spleen"], where=tmp_path).by_name("spleen").id == 2


def test_too_many_values_are_no_classes(tmp_path):
    write_picture(tmp_path / "a.png", np.arange(256, dtype=np.uint8).reshape(16, 16))

    with pytest.raises(DatasetError, match="more than 200 distinct values"):
        discover([tmp_path / "a.png"])


def test_masks_of_nothing_teach_nothing(tmp_path):
    write_picture(tmp_path / "a.png", np.zeros((4, 4), np.uint8))

    with pytest.raises(DatasetError, match="nothing but background"):
        discover([tmp_path / "a.png"])


def test_unreadable_masks_say_why(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")

    with pytest.raises(DelineateError, match=r"a\.png"):
        discover([tmp_path / "a.png"])
