"""Objects of other programs' files."""

import json

import numpy as np
import pytest
from PIL import Image as Picture
from scipy.io import savemat

from delineate.core.errors import DelineateError, FileError
from delineate.readers import read_instances

MAP = np.array([[0, 5, 5, 0], [0, 5, 0, 900], [0, 0, 0, 900]])


def test_label_images_of_16_bits_and_arrays_are_numbered_anew(tmp_path):
    Picture.fromarray(MAP.astype(np.uint16)).save(tmp_path / "a.png")
    np.save(tmp_path / "b.npy", MAP)

    for name in ("a.png", "b.npy"):
        found, labels, geometry = read_instances(tmp_path / name)
        assert found.ids.max() == found.count == 2
        assert np.array_equal(found.ids > 0, MAP > 0)
        assert labels is None
        assert not geometry.is_physical


@pytest.mark.parametrize("types", [{"inst_type": np.array([[2], [4]])},
                                   {"type_map": (MAP == 5) * 2 + (MAP == 900) * 4}])  # fmt: skip
def test_hovernet_files_tell_types(tmp_path, types):
    savemat(tmp_path / "a.mat", {"inst_map": MAP.astype(float), **types})

    found = read_instances(tmp_path / "a.mat").instances

    assert found.types.tolist() == [2, 4]


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


@pytest.mark.parametrize("array", [np.array([[0.5, 1.0]]), np.array([[-1, 2]]), np.zeros(4, int)])
def test_arrays_that_are_no_map_of_ids_are_refused(tmp_path, array):
    np.save(tmp_path / "a.npy", array)

    with pytest.raises(DelineateError, match=r"a\.npy"):
        read_instances(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.geojson", b"{", "GeoJSON"),
        ("b.geojson", b"{}", "no list of features"),
        ("c.npy", b"nothing", "array of numbers"),
    ],
)
def test_damaged_files_are_answered_with_a_sentence(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(FileError, match=said):
        read_instances(tmp_path / name)


def test_mat_of_something_else_is_refused(tmp_path):
    savemat(tmp_path / "a.mat", {"x": 1})

    with pytest.raises(FileError, match="no array inst_map"):
        read_instances(tmp_path / "a.mat")
