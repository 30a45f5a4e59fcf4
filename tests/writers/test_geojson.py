"""GeoJSON by the schema that QuPath reads, held by hand."""

import gzip
import json
import uuid
from dataclasses import replace

import numpy as np
import pytest

from delineate.core.errors import LabelError
from delineate.core.instances import Instances
from delineate.readers import read_instances
from delineate.writers import write_prediction


def written(prediction, path):
    write_prediction(prediction, path)
    raw = path.read_bytes()
    return json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)


def area(ring):
    x, y = np.array(ring[:-1]).T
    return (np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


@pytest.mark.parametrize("name", ["a.geojson", "a.geojson.gz"])
def test_every_object_is_a_detection_with_closed_rings_and_plain_measurements(
    tmp_path, predict_objects, name
):
    content = written(predict_objects(), tmp_path / name)

    assert content["type"] == "FeatureCollection"
    assert len(content["features"]) == 3
    for feature in content["features"]:
        values = feature["properties"]
        assert feature["type"] == "Feature"
        assert str(uuid.UUID(feature["id"])) == feature["id"]
        assert values["objectType"] == "detection"
        assert set(values["classification"]) == {"name", "color"}
        assert all(isinstance(value, float) for value in values["measurements"].values())
        assert np.isfinite(list(values["measurements"].values())).all()
        shape = feature["geometry"]
        parts = [shape["coordinates"]]
        if shape["type"] == "MultiPolygon":
            parts = shape["coordinates"]
            assert len(parts) > 1
        for part in parts:
            assert all(ring[0] == ring[-1] and len(ring) >= 5 for ring in part)
            assert area(part[0]) > 0
            assert all(area(hole) < 0 for hole in part[1:])


def test_coordinates_count_from_the_corner_of_the_first_pixel(tmp_path, predict_objects):
    ring, bar, parts = written(predict_objects(), tmp_path / "a.geojson")["features"]

    outer, hole = ring["geometry"]["coordinates"]
    assert (np.min(outer, 0).tolist(), np.max(outer, 0).tolist()) == ([4, 3], [13, 12])
    assert (np.min(hole, 0).tolist(), np.max(hole, 0).tolist()) == ([7, 6], [10, 9])
    assert bar["geometry"]["type"] == "Polygon"
    assert parts["geometry"]["type"] == "MultiPolygon"
    assert bar["properties"]["measurements"]["Centroid X µm"] == pytest.approx(14.5 * 0.25)
    assert bar["properties"]["measurements"]["Area µm^2"] == pytest.approx(27 / 16, abs=1e-3)


def test_measurements_are_in_pixels_where_the_resolution_is_unknown(tmp_path, predict_objects):
    content = written(predict_objects(None), tmp_path / "a.geojson")

    values = content["features"][1]["properties"]["measurements"]
    assert values["Area px^2"] == 27
    assert not any("µm" in name for name in values)


def test_names_last_from_run_to_run_and_depend_on_case_and_weights(tmp_path, predict_objects):
    def names(**options):
        content = written(predict_objects(**options), tmp_path / "a.geojson")
        return [feature["id"] for feature in content["features"]]

    assert names() == names()
    assert not set(names()) & set(names(case_id="tile 2"))
    assert not set(names()) & set(names(weights="xyz"))
    assert len(set(names())) == 3


def test_equal_results_are_equal_files(tmp_path, predict_objects):
    for name in ("a.geojson.gz", "b.geojson.gz"):
        write_prediction(predict_objects(), tmp_path / name)

    assert (tmp_path / "a.geojson.gz").read_bytes() == (tmp_path / "b.geojson.gz").read_bytes()


@pytest.mark.parametrize("name", ["a.geojson", "a.geojson.gz", "a.tif", "a.tiff"])
def test_objects_types_and_grid_come_back(tmp_path, predict_objects, name):
    prediction = predict_objects()

    write_prediction(prediction, tmp_path / name)
    found, labels, geometry = read_instances(tmp_path / name)

    assert np.array_equal(found.ids, prediction.instances.ids)
    assert np.array_equal(found.types, prediction.instances.types)
    assert np.allclose(found.confidence, prediction.instances.confidence, atol=1e-4)
    assert labels == prediction.labels
    assert geometry.agrees_with(prediction.mask.geometry, tolerance_mm=1e-6)


def test_no_object_at_all_is_a_valid_file(tmp_path, predict_objects):
    empty = Instances.of(np.zeros((24, 30), np.int32))
    prediction = replace(predict_objects(), instances=empty)

    content = written(prediction, tmp_path / "a.geojson")

    assert content["features"] == []
    assert read_instances(tmp_path / "a.geojson").instances.count == 0


def test_regions_become_annotations_and_volumes_are_refused(tmp_path, predict):
    flat = predict(np.array([[0, 1, 1], [0, 3, 0]]))

    content = written(flat, tmp_path / "a.geojson")

    kinds = [feature["properties"]["objectType"] for feature in content["features"]]
    assert kinds == ["annotation", "annotation"]
    with pytest.raises(LabelError, match="is a volume"):
        write_prediction(predict(), tmp_path / "b.geojson")
