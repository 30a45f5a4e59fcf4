"""A row for each object."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from delineate.core.errors import FileError, LabelError
from delineate.core.image import Image
from delineate.core.instances import Instances
from delineate.writers import write_prediction


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_object_has_a_row_with_its_type_place_and_size(tmp_path, predict_objects):
    write_prediction(predict_objects(), tmp_path / "a.csv")

    ring, bar, parts = rows_of(tmp_path / "a.csv")

    assert (ring["id"], ring["type"], ring["confidence"]) == ("1", "Magen ü", "0.9")
    assert (bar["area_px"], float(bar["area_um2"])) == ("27", pytest.approx(27 / 16, abs=1e-3))
    assert (float(bar["x_px"]), float(bar["y_px"])) == (14.0, 7.0)
    assert parts["area_px"] == "17"


def test_mean_colours_are_those_of_the_image(tmp_path, predict_objects):
    prediction = predict_objects()
    array = np.stack([prediction.instances.ids * 10, 0 * prediction.instances.ids])
    image = Image.of(array, prediction.mask.geometry, ("red", "green"))

    write_prediction(prediction, tmp_path / "a.csv", image=image)

    assert [row["mean_red"] for row in rows_of(tmp_path / "a.csv")] == ["10.0", "20.0", "30.0"]


def test_pixels_stand_in_where_the_resolution_is_unknown(tmp_path, predict_objects):
    write_prediction(predict_objects(None), tmp_path / "a.csv")

    row = rows_of(tmp_path / "a.csv")[0]
    assert "perimeter_px" in row
    assert not any(name.endswith(("_um", "_um2")) for name in row)


def test_no_object_gives_a_header(tmp_path, predict_objects):
    empty = Instances.of(np.zeros((24, 30), np.int32))

    write_prediction(replace(predict_objects(), instances=empty), tmp_path / "a.csv")

    assert rows_of(tmp_path / "a.csv") == []
    assert (tmp_path / "a.csv").read_text().startswith("id,uuid,type")


def test_models_of_regions_have_no_table_of_objects(tmp_path, predict):
    with pytest.raises(LabelError, match="lists objects"):
        write_prediction(predict(np.ones((3, 3), np.uint8)), tmp_path / "a.csv")


def test_parquet_holds_the_same_table(tmp_path, predict_objects):
    parquet = pytest.importorskip("pyarrow.parquet")

    write_prediction(predict_objects(), tmp_path / "a.parquet")
    write_prediction(predict_objects(), tmp_path / "a.csv")

    table = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert [row["uuid"] for row in table] == [row["uuid"] for row in rows_of(tmp_path / "a.csv")]
    assert table[1]["area_px"] == 27


def test_parquet_names_the_extra_that_it_needs(tmp_path, predict_objects, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)

    with pytest.raises(FileError, match=r"delineate\[parquet\]"):
        write_prediction(predict_objects(), tmp_path / "a.parquet")
