import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from delineate.core.labels import LabelTable
from delineate.truth import find_truth, holds_objects


def many(shape=(60, 60), side=6):
    """A map of many squares, each with its id."""
    ids = np.zeros(shape, np.uint16)
    for number in range(25):
        top, left = 12 * (number // 5), 12 * (number % 5)
        ids[top : top + side, left : left + side] = 3 * number + 1
    return ids


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        tifffile.imwrite(path, array)
    else:
        Image.fromarray(array).save(path)
    return path


@pytest.mark.parametrize("ending", [".tif", ".png"])
def test_label_images_are_objects(tmp_path, ending):
    write(tmp_path / "truth" / f"tile_day1{ending}", many())

    truth = find_truth(tmp_path / "truth")

    assert truth.has_objects
    assert truth.patients == {"tile_day1": "tile"}
    assert truth.labels.names == ("nucleus",)
    assert truth.open("tile_day1").load_instances().count == 25


def test_few_numbers_are_classes(tmp_path):
    path = write(tmp_path / "truth" / "a.png", (many() > 0).astype(np.uint8))

    truth = find_truth(path)

    assert not truth.has_objects
    assert truth.open("a").mask is not None
    assert truth.open("a").load_instances is None


def test_numbers_that_a_file_names_are_classes(tmp_path):
    path = write(tmp_path / "truth" / "a.tif", many())
    card = {"labels": {f"organ {value}": value for value in range(1, 80)}}
    (tmp_path / "truth" / "dataset.json").write_text(json.dumps(card), encoding="utf-8")

    assert not holds_objects([path])


def test_who_asks_is_answered_whatever_it_looks_like(tmp_path):
    path = write(tmp_path / "a.tif", many())

    regions = find_truth(path, has_objects=False)
    objects = find_truth(path, has_objects=True, labels=LabelTable.of_names({"cell": 1}))

    assert not regions.has_objects
    assert any("made up" in note for note in regions.notes)
    assert objects.labels.names == ("cell",)


def test_a_dataset_of_nuclei_gives_images_and_tissues(tmp_path, monkeypatch):
    data = tmp_path / "data"
    write(data / "images" / "a.png", np.zeros((60, 60, 3), np.uint8))
    write(data / "masks" / "a.png", many())
    monkeypatch.setattr("delineate.datasets.base.Dataset.tissue", lambda self, id: "colon")

    truth = find_truth(data)

    answer = truth.open("a")
    assert truth.is_dataset
    assert truth.has_objects
    assert answer.image.array.shape == (3, 60, 60)
    assert answer.tissue == "colon"
    assert not find_truth(data, has_objects=False).has_objects


def test_images_may_lie_elsewhere(tmp_path):
    write(tmp_path / "truth" / "a.tif", many())
    write(tmp_path / "pictures" / "a.png", np.zeros((60, 60, 3), np.uint8))

    truth = find_truth(tmp_path / "truth", images=tmp_path / "pictures")

    assert truth.open("a").image.array.shape == (3, 60, 60)


def test_a_zip_of_monuseg_is_a_dataset(shared_data):
    (archive,) = (shared_data / "pathology" / "monuseg").glob("*.zip")

    truth = find_truth(archive)

    assert truth.has_objects
    assert truth.open(next(iter(truth.patients))).tissue
