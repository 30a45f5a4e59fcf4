import numpy as np
import pytest

from delineate.core.errors import GeometryError, LabelError
from delineate.core.geometry import Geometry
from delineate.core.image import Mask
from delineate.core.labels import LabelTable
from delineate.metrics import METRICS
from delineate.metrics.scoring import score_case

TABLE = LabelTable.of_names({"liver": 1, "spleen": 2})
GRID = Geometry.of_spacing((6, 8), (2.0, 1.0))


def ids(**boxes):
    array = np.zeros((6, 8), np.uint8)
    for value, (rows, columns) in boxes.items():
        array[slice(*rows), slice(*columns)] = int(value[1:])
    return array


def score(prediction, truth, labels=TABLE, **options):
    given = {"case": "c1", "patient": "p1", "tolerance_mm": 1.0, **options}
    said, true = (
        each if isinstance(each, Mask) else Mask.of(each, GRID) for each in (prediction, truth)
    )
    return score_case(said, true, labels, METRICS, **given)


def test_every_class_gets_a_row_with_its_status():
    truth = ids(_1=((0, 3), (0, 4)))
    liver, spleen = score(truth, truth)

    assert (liver.label, liver.status, liver.values["dice"], liver.values["hd95"]) == (
        "liver", "scored", 1.0, 0.0
    )  # fmt: skip
    assert spleen.status == "absent"
    assert np.isnan(spleen.values["dice"])


def test_ignored_voxels_do_not_count():
    table = LabelTable.of_names({"liver": 1}, ignore=9)
    truth = ids(_1=((0, 3), (0, 4)), _9=((3, 6), (0, 8)))
    prediction = ids(_1=((0, 6), (0, 4)))

    (row,) = score(prediction, truth, table)

    assert row.values["dice"] == 1.0


def test_painted_regions_hold_the_regions_within_them():
    table = LabelTable.of_names({"whole": [1, 2, 4], "core": [1, 4], "enhancing": [4]})
    truth = ids(_2=((0, 6), (0, 8)), _1=((1, 5), (1, 7)), _4=((2, 3), (2, 5)))
    written = np.select([truth == 4, truth == 1, truth == 2], [3, 2, 1]).astype(np.uint8)

    rows = score(written, truth, table)

    assert [row.values["dice"] for row in rows] == [1.0, 1.0, 1.0]


def test_predictions_may_hold_the_ids_of_the_truth():
    table = LabelTable.of_names({"whole": [1, 2, 4], "core": [1, 4]})
    truth = ids(_2=((0, 6), (0, 8)), _1=((1, 5), (1, 7)), _4=((2, 3), (2, 5)))

    rows = score(truth, truth, table, has_truth_ids=True)

    assert [row.values["dice"] for row in rows] == [1.0, 1.0]


def test_layers_are_compared_one_by_one():
    layers = np.stack([ids(_1=((0, 3), (0, 4))), ids(_1=((2, 5), (2, 6)))]).astype(bool)
    table = LabelTable(labels=TABLE.labels, overlapping=True)

    rows = score(*(Mask.of(layers, GRID, is_stack=True) for _ in range(2)), table)

    assert [row.values["iou"] for row in rows] == [1.0, 1.0]


def test_a_wrong_number_of_layers_is_refused():
    layers = Mask.of(np.zeros((3, 6, 8), bool), GRID, is_stack=True)

    with pytest.raises(LabelError, match=r"prediction of c1 has 3 layers .* 2 classes"):
        score(layers, ids())


def test_different_shapes_are_refused_by_name():
    with pytest.raises(GeometryError, match=r"prediction of c1 has shape \(5, 8\)"):
        score(Mask.of(np.zeros((5, 8), np.uint8)), ids())


def test_grids_that_lie_apart_are_refused_by_name():
    moved = np.array(GRID.affine)
    moved[:-1, -1] += 3.0
    prediction = Mask.of(ids(), Geometry(shape=(6, 8), affine=moved))

    with pytest.raises(GeometryError, match=r"of c1 lie up to 4.24 mm apart"):
        score(prediction, ids())


def test_grids_that_differ_by_rounding_are_accepted():
    moved = np.array(GRID.affine)
    moved[:-1, -1] += 0.01

    assert score(Mask.of(ids(), Geometry(shape=(6, 8), affine=moved)), ids())


@pytest.mark.parametrize("side", ["prediction", "truth"])
def test_unknown_label_values_are_refused_by_name(side):
    strange, good = ids(_7=((0, 1), (0, 1))), ids()

    with pytest.raises(LabelError, match=rf"the {side} of c1 holds label values \[7\]"):
        score(strange, good) if side == "prediction" else score(good, strange)


def test_probabilities_are_no_label_ids():
    with pytest.raises(LabelError, match="float32, not label ids"):
        score(np.full((6, 8), 0.3, np.float32), ids())
