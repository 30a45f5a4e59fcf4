"""Files that tell objects apart: TIFF, GeoJSON, label images, arrays and HoVer-Net's .mat."""

import gzip
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import FileError
from delineate.core.geometry import Geometry
from delineate.core.image import Mask
from delineate.core.instances import Instances
from delineate.core.labels import Label, LabelTable
from delineate.core.rasters import rasterise
from delineate.core.tags import KEY, geometry_of_tag, instances_of_tag, labels_of_tag
from delineate.readers.guard import guarded, present
from delineate.readers.matlab import read_mat, whole_numbers

GEOJSON = (".geojson", ".geojson.gz", ".json")


class Objects(NamedTuple):
    """What a file says of objects."""

    instances: Instances
    """The objects."""
    labels: LabelTable | None
    """What their types mean, None if the file does not say."""
    geometry: Geometry
    """The grid."""


def objects_of_mask(mask: Mask, comment: str) -> Objects:
    """Take an id map, and what the file's comment tells of it.

    Args:
        mask: Ids, (*S).
        comment: The comment, empty if there is none.

    Returns:
        The objects, of type 1 where the comment does not say.
    """
    plain = Instances.of(mask.array)
    told = instances_of_tag(comment, plain.ids) if comment else None
    return Objects(told or plain, labels_of_tag(comment), mask.geometry)


def read_geojson(path: Path) -> Objects:
    """Paint the outlines of a GeoJSON file; of a foreign one the grid ends at the last outline.

    Args:
        path: A file of QuPath or of our own, compressed or not.

    Returns:
        The objects; where outlines overlap, the first wins.

    Raises:
        FileError: If it is damaged or holds no features.
    """
    with guarded(present(path), "GeoJSON"):
        raw = path.read_bytes()
        content = json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
    features = content.get("features") if isinstance(content, dict) else content
    if not isinstance(features, list):
        raise FileError(f"{path} holds no list of features. Export it as GeoJSON again.")
    own = content.get(KEY) if isinstance(content, dict) else None
    comment = json.dumps({KEY: own}) if own else ""
    with guarded(path, "GeoJSON"):
        rings, owners = _rings(features)
        shape = tuple(own["shape"]) if own else _extent(rings)
        ids = _paint(rings, owners, len(features), shape)
        columns = [_facts(feature) for feature in features]
    labels = labels_of_tag(comment) or _labels(columns)
    numbers = {label.name: label.id for label in labels.labels}
    return Objects(
        Instances(
            ids=ids,
            types=np.array([numbers.get(row[0], 0) for row in columns], dtype=np.int16),
            confidence=_column([row[1] for row in columns]),
            type_probability=_column([row[2] for row in columns]),
        ),
        labels,
        geometry_of_tag(comment, shape) or Geometry.of_spacing(shape),
    )


def read_array(path: Path) -> Objects:
    """Read an id map from a .npy file, without running what it may hold.

    Args:
        path: The file.

    Returns:
        The objects.

    Raises:
        FileError: If it is damaged, or holds Python objects instead of numbers.
    """
    try:
        ids = np.load(present(path), allow_pickle=False)
    except (OSError, ValueError) as error:
        raise FileError(
            f"{path} cannot be read as an array of numbers ({error}). Save the id map alone."
        ) from error
    return Objects(Instances.of(ids), None, Geometry.of_spacing(ids.shape))


def read_hovernet(path: Path) -> Objects:
    """Read ids and types of a .mat file of HoVer-Net.

    Args:
        path: The file; `inst_map`, and `inst_type` or `type_map` if there are types.

    Returns:
        The objects.

    Raises:
        FileError: If it has no `inst_map`.
    """
    found = read_mat(path)
    if "inst_map" not in found:
        raise FileError(f"{path} has no inst_map, only {sorted(found)}. Is it of HoVer-Net?")
    ids = np.rint(found["inst_map"]).astype(np.int64)
    known = np.unique(ids[ids > 0])
    types: dict[int, int] | None = None
    if "inst_type" in found:
        kinds = whole_numbers(found["inst_type"], path)
        types = dict(zip(known.tolist(), kinds.tolist(), strict=False))
    elif "type_map" in found:
        kinds = np.rint(found["type_map"]).astype(np.int64)
        types = {int(number): int(np.bincount(kinds[ids == number]).argmax()) for number in known}
    return Objects(Instances.of(ids, types), None, Geometry.of_spacing(ids.shape))


def _rings(features: list[Any]) -> tuple[list[NDArray[np.float64]], list[list[int]]]:
    """Take every ring, and say which rings belong to which feature."""
    rings: list[NDArray[np.float64]] = []
    owners = []
    for feature in features:
        shape = feature["geometry"]
        parts = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
        first = len(rings)
        rings += [np.array(ring, dtype=np.float64)[:, :2] for part in parts for ring in part]
        owners.append(list(range(first, len(rings))))
    return rings, owners


def _extent(rings: list[NDArray[np.float64]]) -> tuple[int, int]:
    if not rings:
        return (1, 1)
    x, y = np.max([ring.max(0) for ring in rings], axis=0)
    return max(1, int(np.ceil(y))), max(1, int(np.ceil(x)))


def _paint(
    rings: list[NDArray[np.float64]], owners: list[list[int]], count: int, shape: tuple[int, ...]
) -> NDArray[np.int32]:
    """Fill the outlines; the rings of one feature take turns, so that inner ones are holes."""
    simple = [rows[0] for rows in owners if len(rows) == 1]
    ids = np.zeros(shape, np.int32)
    if simple:
        table = np.zeros(len(simple) + 1, np.int32)
        table[1:] = [place + 1 for place, rows in enumerate(owners) if len(rows) == 1]
        ids = table[rasterise([rings[row] for row in simple], shape, centre="half")]
    for place in range(count):
        if len(owners[place]) > 1:
            inside = np.zeros(shape, bool)
            for row in owners[place]:
                inside ^= rasterise([rings[row]], shape, centre="half") > 0
            ids[inside & (ids == 0)] = place + 1
    return ids


def _facts(feature: Any) -> tuple[str, float | None, float | None]:  # noqa: ANN401 - any JSON
    values = feature.get("properties") or {}
    name = (values.get("classification") or {}).get("name") or "nucleus"
    numbers = values.get("measurements") or {}
    if isinstance(numbers, list):  # QuPath before 0.4
        numbers = {entry["name"]: entry["value"] for entry in numbers}
    return str(name), numbers.get("Confidence"), numbers.get("Type probability")


def _labels(columns: list[tuple[str, float | None, float | None]]) -> LabelTable:
    names = sorted({row[0] for row in columns} - {"unknown"}) or ["nucleus"]
    return LabelTable(
        labels=tuple(Label(id=place + 1, name=name) for place, name in enumerate(names))
    )


def _column(values: list[float | None]) -> NDArray[np.float32] | None:
    known = [value for value in values if value is not None]
    return np.array(known, dtype=np.float32) if len(known) == len(values) else None
