"""Outlines of QuPath and others."""

import gzip
import json

import pytest

from delineate.core.errors import FileError
from delineate.readers import read_instances


def feature(x, y, side, **properties):
    corners = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    shape = {"type": "Polygon", "coordinates": [corners]}
    return {"type": "Feature", "geometry": shape, "properties": properties}


def write(path, features):
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_geojson_of_others_is_painted_with_holes_and_classes(tmp_path):
    square = [[1, 1], [6, 1], [6, 6], [1, 6], [1, 1]]
    hole = [[3, 3], [3, 4], [4, 4], [4, 3], [3, 3]]
    features = [
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [square, hole]},
         "properties": {"objectType": "detection", "classification": {"name": "Tumor"},
                        "measurements": [{"name": "Confidence", "value": 0.5}]}},
        {"type": "Feature",
         "geometry": {"type": "Polygon", "coordinates": [[[8, 0], [9, 0], [9, 2], [8, 0]]]},
         "properties": {"objectType": "detection"}},
    ]  # fmt: skip
    (tmp_path / "a.geojson").write_text(json.dumps(features))

    found, labels, _ = read_instances(tmp_path / "a.geojson")

    assert found.count == 2
    assert (found.ids == 1).sum() == 24
    assert found.ids[3, 3] == 0
    assert labels.names == ("Tumor", "nucleus")


def test_regions_lines_and_points_beside_detections_are_no_objects(tmp_path):
    corners = [[1, 1], [6, 1], [6, 6], [1, 6], [1, 1]]
    area = {"type": "Polygon", "coordinates": [corners]}
    whole = {"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]]]}
    features = [
        {"type": "Feature", "geometry": whole, "properties": {"objectType": "annotation"}},
        {"type": "Feature", "geometry": area, "properties": {"objectType": "detection"}},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [3, 3]}},
    ]
    (tmp_path / "a.geojson").write_text(json.dumps({"features": features}))
    (tmp_path / "regions.geojson").write_text(json.dumps(features[:1]))
    (tmp_path / "points.geojson").write_text(json.dumps(features[2:]))

    assert read_instances(tmp_path / "a.geojson").instances.ids.sum() == 25
    assert read_instances(tmp_path / "regions.geojson").instances.ids.sum() == 81
    with pytest.raises(FileError, match="none of them is a polygon"):
        read_instances(tmp_path / "points.geojson")


def test_a_cell_is_its_nucleus_and_old_lists_of_measurements_are_read(tmp_path):
    cell = feature(0, 0, 9, objectType="cell", measurements=[{"name": "Confidence", "value": 0.5}])
    cell["nucleusGeometry"] = feature(2, 3, 4)["geometry"]

    found = read_instances(write(tmp_path / "a.geojson", [cell])).instances

    assert (found.ids > 0).sum() == 16
    assert found.ids[3, 2] == 1
    assert found.confidence.tolist() == [0.5]


def test_parts_of_one_object_share_its_id_and_the_first_of_two_wins(tmp_path):
    two = feature(0, 0, 2)
    two["geometry"] = {
        "type": "MultiPolygon",
        "coordinates": [feature(0, 0, 2)["geometry"]["coordinates"],
                        feature(6, 0, 2)["geometry"]["coordinates"]],
    }  # fmt: skip

    ids = read_instances(write(tmp_path / "a.geojson", [two, feature(1, 0, 3)])).instances.ids

    assert (ids == 1).sum() == 8
    assert (ids == 2).sum() == 7
    assert ids[0, 0] == ids[1, 7] == 1


def test_colours_and_nested_classes_become_labels(tmp_path):
    kinds = [{"name": "Tumor", "color": [1, 2, 3]}, "Stroma", {"names": ["Immune", "CD8"]}]
    features = [feature(4 * place, 0, 3, classification=kind) for place, kind in enumerate(kinds)]

    found, labels, _ = read_instances(write(tmp_path / "a.geojson", features))

    assert labels.names == ("Immune: CD8", "Stroma", "Tumor")
    assert labels.labels[2].colour == (1, 2, 3)
    assert found.types.tolist() == [3, 2, 1]


def test_confidence_that_one_object_lacks_is_no_confidence(tmp_path):
    features = [
        feature(0, 0, 2, measurements={"Confidence": 0.7}),
        feature(4, 0, 2, measurements={"Confidence": "NaN"}),
    ]

    assert read_instances(write(tmp_path / "a.geojson", features)).instances.confidence is None


def test_what_reaches_beyond_any_picture_is_refused_before_it_is_painted(tmp_path):
    path = write(tmp_path / "a.geojson", [feature(90_000, 90_000, 5)])

    with pytest.raises(FileError, match="as far as row 90005 and column 90005"):
        read_instances(path)


def test_compressed_files_and_single_features_are_read(tmp_path):
    (tmp_path / "a.geojson.gz").write_bytes(gzip.compress(json.dumps(feature(0, 0, 3)).encode()))

    assert (read_instances(tmp_path / "a.geojson.gz").instances.ids == 1).sum() == 9
