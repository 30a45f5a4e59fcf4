import csv

import numpy as np

from delineate.core.encodings import decode_runs, runs_from_text
from delineate.core.labels import LabelTable
from delineate.writers import write_prediction


def decoded(path, name):
    """Read the table by nothing but what it says of itself."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["name"] == name]
    shape = tuple(int(rows[0][key]) for key in ("num_slices", "height", "width"))
    volume = np.zeros(shape, dtype=bool)
    for row in rows:
        if row["slice"]:
            runs = runs_from_text(row["runs"])
            options = {"order": row["order"], "first": int(row["first"])}
            volume[int(row["slice"])] = decode_runs(runs, shape[1:], **options)
    return volume


def test_the_table_gives_the_mask_again(tmp_path, predict):
    prediction = predict()

    write_prediction(prediction, tmp_path / "a.rle.csv")

    assert np.array_equal(decoded(tmp_path / "a.rle.csv", "Magen ü"), prediction.mask.array == 1)
    assert np.array_equal(
        decoded(tmp_path / "a.rle.csv", "small bowel"), prediction.mask.array == 3
    )


def test_pictures_have_one_slice(tmp_path, predict):
    array = np.array([[0, 1], [3, 3]])

    write_prediction(predict(array), tmp_path / "a.rle.csv")

    assert np.array_equal(decoded(tmp_path / "a.rle.csv", "small bowel")[0], array == 3)


def test_overlapping_layers_are_written_as_they_are(tmp_path, predict):
    layers = np.random.default_rng(0).random((2, 4, 6, 5)) > 0.4
    table = LabelTable(labels=predict().labels.labels, overlapping=True)

    write_prediction(predict(layers, labels=table, is_stack=True), tmp_path / "a.rle.csv")

    assert np.array_equal(decoded(tmp_path / "a.rle.csv", "small bowel"), layers[1])


def test_an_absent_class_has_one_empty_row(tmp_path, predict):
    write_prediction(predict(np.zeros((4, 5, 6), np.uint8)), tmp_path / "a.rle.csv")

    with (tmp_path / "a.rle.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["name"], row["slice"], row["runs"]) for row in rows] == [
        ("Magen ü", "", ""),
        ("small bowel", "", ""),
    ]
