"""Cases of objects: one load, two views."""

import numpy as np
import pytest

from delineate.core.errors import DatasetError
from delineate.core.image import Image
from delineate.core.instances import Instances
from delineate.core.labels import LabelTable
from delineate.datasets.objects import COLOURS, NUCLEUS, checked_mpp, grid_of, objects_case

IDS = np.array([[1, 0, 3], [1, 2, 3]], dtype=np.int32)
TYPED = LabelTable.of_names({"tumour": 1, "stroma": 2}, ignore=255)


def made(types, labels, *, ids=IDS, calls=None):
    """Make a case of three objects, counting the loads."""

    def load():
        if calls is not None:
            calls.append(1)
        return Instances(ids=ids, types=np.array(types, dtype=np.int16))

    image = Image.of(np.zeros((3, 2, 3), np.uint8), grid_of((2, 3), 0.25), COLOURS)
    return objects_case(
        id="a", patient="p", image=image, labels=labels, load=load, facts={"tissue": "liver"}
    )


def test_objects_and_mask_come_from_one_load_when_touched():
    calls = []
    case = made([1, 1, 1], NUCLEUS, calls=calls)
    before = len(calls)

    mask, instances = case.mask.array, case.instances

    assert before == 0
    assert len(calls) == 1
    assert mask.tolist() == [[1, 0, 1], [1, 1, 1]]
    assert instances.count == 3
    assert case.mask.geometry is case.image.geometry
    assert case.facts["tissue"] == "liver"


def test_objects_of_unknown_type_show_the_ignored_value():
    case = made([2, 0, 1], TYPED)

    assert case.mask.array.tolist() == [[2, 0, 1], [2, 255, 1]]
    assert case.instances.types.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("types", "labels"), [([1, 0, 1], NUCLEUS), ([1, 2, 1], NUCLEUS), ([1, 9, 1], TYPED)]
)
def test_types_that_the_labels_do_not_know_are_refused(types, labels):
    with pytest.raises(DatasetError, match="Case a has objects of the types"):
        _ = made(types, labels).mask.array


def test_objects_on_another_grid_are_refused():
    with pytest.raises(DatasetError, match=r"shape \(2, 3\) but objects on a grid of \(4, 4\)"):
        _ = made([1], NUCLEUS, ids=np.ones((4, 4), np.int32)).instances


def test_micrometres_are_the_geometry():
    known, unknown = grid_of((4, 5), 0.25), grid_of((4, 5), None)

    assert known.spacing_mm == (0.00025, 0.00025)
    assert known.is_physical
    assert not unknown.is_physical


def test_an_impossible_resolution_is_refused():
    assert checked_mpp(None) is None
    assert checked_mpp(0.5) == 0.5
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(DatasetError, match="mpp must be a positive number"):
            checked_mpp(wrong)
