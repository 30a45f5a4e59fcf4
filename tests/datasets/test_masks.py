import json

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import FileError
from delineate.core.labels import LabelTable
from delineate.datasets.masks import labels_of, masks_by_name, named_like

TABLE = LabelTable.of_names({"liver": 1})


@pytest.fixture
def folder(tmp_path):
    masks = tmp_path / "masks"
    masks.mkdir()
    for name in ("a10.png", "a2.png", "a2.tif"):
        Image.fromarray(np.eye(4, dtype=np.uint8)).save(masks / name)
    return masks


def test_names_come_in_natural_order_and_formats_once(folder):
    assert {name: path.name for name, path in masks_by_name(folder).items()} == {
        "a2": "a2.tif", "a10": "a10.png"
    }  # fmt: skip


def test_a_file_is_a_folder_of_one(folder):
    assert list(masks_by_name(folder / "a2.tif")) == ["a2"]


def test_nothing_to_read_is_an_error(tmp_path):
    with pytest.raises(FileError, match="holds no mask"):
        masks_by_name(tmp_path)


@pytest.mark.parametrize(("case", "file"), [("a", "a"), ("b", "b_0000"), ("c_0000", "c")])
def test_the_channel_number_may_be_there_or_not(case, file, tmp_path):
    files = {name: tmp_path / name for name in ("a", "a_0000", "b_0000", "c")}

    assert named_like(case, files) == tmp_path / file
    assert named_like("2019", files) is None


def test_a_file_beside_the_masks_names_labels_first(folder):
    (folder.parent / "dataset.json").write_text(json.dumps({"labels": {"kidney": 1}}))

    assert labels_of(folder, [folder / "a2.png"], otherwise=TABLE).names == ("kidney",)


def test_then_the_table_at_hand_and_then_the_values(folder):
    assert labels_of(folder, [folder / "a2.png"], otherwise=TABLE) == TABLE
    assert not labels_of(folder, [folder / "a2.png"]).names_known


def test_lists_of_objects_have_names_and_come_after_masks(tmp_path):
    for name in ("b.geojson.gz", "a.geojson", "a.tif", "a.overlay.png", "a.csv", "c.mat", ".d.mat"):
        (tmp_path / name).write_bytes(b"")

    found = {name: path.name for name, path in masks_by_name(tmp_path).items()}

    assert found == {"a": "a.tif", "b": "b.geojson.gz", "c": "c.mat"}
