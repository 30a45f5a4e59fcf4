"""Objects told apart: numbering, columns and the view of their types."""

import numpy as np
import pytest

from delineate.core.errors import LabelError, ShapeError
from delineate.core.instances import Instances


def test_gaps_are_closed_in_the_order_of_the_ids_and_types_follow():
    ids = np.array([[0, 40, 40], [7, 0, 70000]])

    found = Instances.of(ids, {7: 2, 40: 3}, default=1)

    assert found.ids.tolist() == [[0, 2, 2], [1, 0, 3]]
    assert found.types.tolist() == [2, 3, 1]
    assert found.ids.dtype == np.int32


def test_map_without_background_and_map_without_objects_are_fine():
    full, empty = Instances.of(np.full((2, 2), 9)), Instances.of(np.zeros((2, 2), np.uint16))

    assert (full.count, full.ids.min()) == (1, 1)
    assert (empty.count, empty.label_map().any()) == (0, False)


def test_label_map_shows_types():
    found = Instances.of(np.array([[1, 2, 0]]), {1: 5, 2: 3})

    assert found.label_map().tolist() == [[5, 3, 0]]


@pytest.mark.parametrize("ids", [np.array([[0.0, 1.0]]), np.array([[-1, 1]])])
def test_ids_that_are_no_counts_are_refused(ids):
    with pytest.raises(LabelError, match="whole numbers from 0"):
        Instances.of(ids)


def test_columns_must_have_a_row_an_object():
    ids = np.array([[1, 2]], dtype=np.int32)

    with pytest.raises(ShapeError, match="one entry an object"):
        Instances(ids=ids, types=np.array([1], dtype=np.int16))
    with pytest.raises(ShapeError, match="int32"):
        Instances(ids=ids.astype(np.int64), types=np.array([1, 1], dtype=np.int16))


def test_object_that_others_cover_keeps_its_row():
    found = Instances(
        ids=np.array([[1, 1]], dtype=np.int32), types=np.array([1, 2], dtype=np.int16)
    )

    assert found.count == 2
