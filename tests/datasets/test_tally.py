"""Counts of objects, by type and by size, in the unit that is known."""

import numpy as np
import pytest
from tests.datasets.nuclei import grid_of_ids, write_stardist

from delineate.core.image import Image
from delineate.core.instances import Instances
from delineate.core.labels import LabelTable
from delineate.datasets import open_dataset
from delineate.datasets.objects import COLOURS, grid_of, objects_case
from delineate.datasets.tally import count_objects, tally, types_told

LABELS = LabelTable.of_names({"tumour": 1, "stroma": 2}, ignore=255)
DISC = 2 * np.sqrt(25 / np.pi)
"""Diameter of a disc of 25 pixels."""


def counted(types, *, mpp=0.5, tissue="liver"):
    instances = Instances.of(grid_of_ids(len(types)), dict(enumerate(types)))
    instances = Instances(ids=instances.ids, types=np.array(types, np.int16))
    image = Image.of(np.zeros((3, 40, 60), np.uint8), grid_of((40, 60), mpp), COLOURS)
    facts = {"mpp_from": "file" if mpp else None, "tissue": tissue}
    return count_objects(
        objects_case(
            id="a", patient="a", image=image, labels=LABELS, load=lambda: instances, facts=facts
        )
    )


def test_objects_are_counted_by_type_and_measured_in_um():
    found = counted([1, 2, 2, 0])

    assert found.count == 4
    assert found.by_type == {"tumour": 1, "stroma": 2, "of unknown type": 1}
    assert found.diameter == pytest.approx(DISC / 2)
    assert found.diameter_by_type["stroma"] == pytest.approx(DISC / 2)
    assert (found.mpp, found.mpp_from, found.tissue) == (pytest.approx(0.5), "file", "liver")


def test_without_a_resolution_sizes_are_in_pixels():
    found = counted([1], mpp=None)

    assert found.diameter == pytest.approx(DISC)
    assert found.mpp is None
    assert "median diameter (pixels)" in types_told([found])[0]
    assert "not known; pass mpp" in dict(tally([found]))["um per pixel"]


def test_a_case_without_an_object_has_no_size():
    found = counted([])

    assert found.count == 0
    assert found.diameter is None
    assert found.diameter_by_type == {}


def test_a_dataset_is_summed_up_for_people():
    facts = [counted([1, 2]), counted([2, 2, 2, 2], mpp=0.25, tissue="lung"), counted([])]

    rows, (_, tumour, stroma) = dict(tally(facts)), types_told(facts)

    assert rows["Objects"] == "6; 2 a case (0 to 4), none in 1"
    assert rows["um per pixel"] == "0.25 to 0.5 (file 3)"
    assert rows["Tissue"] == "liver 2, lung 1"
    assert tumour[:3] == ("tumour", "1 of 3", "1")
    assert stroma[:4] == ("stroma", "2 of 3", "5", "83.3 %")


def test_regions_are_not_counted(abdomen):
    assert count_objects(abdomen) is None


def test_objects_of_a_folder_are_counted(tmp_path):
    data = open_dataset(write_stardist(tmp_path, {"a": grid_of_ids(10)}))

    assert count_objects(data.case("a")).by_type == {"nucleus": 10}
