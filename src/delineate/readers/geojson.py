"""GeoJSON into objects: our own files, and what QuPath exports.

QuPath lists whatever somebody drew: regions, lines and points beside nuclei. Where a file holds
detections or cells, those alone are the objects; else all areas are.
"""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import FileError
from delineate.core.geometry import Geometry
from delineate.core.instances import UNTYPED, Instances
from delineate.core.labels import LabelTable
from delineate.core.rasters import rasterise
from delineate.core.tags import KEY, geometry_of_tag, labels_of_tag
from delineate.readers.guard import guarded, present
from delineate.readers.objects import Objects

ENDINGS = (".geojson", ".geojson.gz", ".json")
MOST_PIXELS = 1 << 30
"""Pixels of the largest grid that is painted, 32,768 along each side; ids take 4 GB."""
AREAS = ("Polygon", "MultiPolygon")
SMALL = ("detection", "cell")
Ring = NDArray[np.float64]


class _Row(NamedTuple):
    """What a feature says of its object."""

    name: str
    colour: tuple[int, int, int] | None
    confidence: float | None
    type_probability: float | None


def read_geojson(path: Path) -> Objects:
    """Paint the outlines of a GeoJSON file; of a foreign one the grid ends at the last outline.

    Args:
        path: A file of QuPath or of our own, compressed or not.

    Returns:
        The objects; where outlines overlap, the first wins. Of a cell, its nucleus.

    Raises:
        FileError: If it is damaged, holds no features, or reaches too far.
    """
    with guarded(present(path), "GeoJSON"):
        raw = path.read_bytes()
        content = json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
    own = content.get(KEY) if isinstance(content, dict) else None
    comment = json.dumps({KEY: own}) if own else ""
    listed = _listed(content, path)
    with guarded(path, "GeoJSON"):
        features = _areas(listed)
        if listed and not features:
            raise FileError(
                f"{path} holds {len(listed)} features, but none of them is a polygon. "
                "Export outlines, not points."
            )
        outlines = [_rings(feature) for feature in features]
        rows = [_row(feature) for feature in features]
        shape = (int(own["shape"][0]), int(own["shape"][1])) if own else _extent(outlines)
        if shape[0] * shape[1] > MOST_PIXELS:
            raise FileError(
                f"{path} has outlines as far as row {shape[0]} and column {shape[1]}, which is too "
                "much for one picture. Export a part of the slide."
            )
        labels = labels_of_tag(comment) or _labels(rows)
        numbers = {label.name: label.id for label in labels.labels}
        instances = Instances(
            ids=_paint(outlines, shape),
            types=np.array([numbers.get(row.name, UNTYPED) for row in rows], dtype=np.int16),
            confidence=_column([row.confidence for row in rows]),
            type_probability=_column([row.type_probability for row in rows]),
        )
    geometry = geometry_of_tag(comment, shape) or Geometry.of_spacing(shape)
    return Objects(instances, labels, geometry)


def _listed(content: Any, path: Path) -> list[Any]:  # noqa: ANN401 - any JSON
    """Take the features of a collection, of a bare list or of a single one."""
    if isinstance(content, dict):
        content = [content] if content.get("type") == "Feature" else content.get("features")
    if not isinstance(content, list):
        raise FileError(f"{path} holds no list of features. Export it as GeoJSON again.")
    return content


def _areas(features: list[Any]) -> list[dict[str, Any]]:
    """Keep what encloses something: detections and cells, or whatever there is without those."""
    areas = [entry for entry in features if (entry.get("geometry") or {}).get("type") in AREAS]
    small = [entry for entry in areas if _facts(entry).get("objectType") in SMALL]
    return small or areas


def _facts(feature: dict[str, Any]) -> dict[str, Any]:
    return feature.get("properties") or {}


def _rings(feature: dict[str, Any]) -> list[Ring]:
    shape = feature.get("nucleusGeometry") or feature["geometry"]
    parts = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
    return [np.array(ring, dtype=np.float64)[:, :2] for part in parts for ring in part if ring]


def _extent(outlines: list[list[Ring]]) -> tuple[int, int]:
    ends = [ring.max(0) for rings in outlines for ring in rings]
    x, y = np.max(ends, axis=0) if ends else (1, 1)
    return max(1, int(np.ceil(y))), max(1, int(np.ceil(x)))


def _paint(outlines: list[list[Ring]], shape: tuple[int, int]) -> NDArray[np.int32]:
    """Fill the outlines; the rings of one object take turns, so that inner ones are holes."""
    simple = [place for place, rings in enumerate(outlines) if len(rings) == 1]
    table = np.array([0, *(place + 1 for place in simple)], dtype=np.int32)
    ids = table[rasterise([outlines[place][0] for place in simple], shape, centre="half")]
    for place, rings in enumerate(outlines):
        if len(rings) > 1:
            corners = np.concatenate(rings)
            # Only the touched part of the picture is worked on: there may be thousands.
            left, top = np.clip(np.floor(corners.min(0)).astype(int), 0, shape[::-1])
            right, bottom = np.clip(np.ceil(corners.max(0)).astype(int), 0, shape[::-1])
            part = ids[top:bottom, left:right]
            inside = np.zeros(part.shape, dtype=bool)
            for ring in rings:
                inside ^= rasterise([ring - (left, top)], part.shape, centre="half") > 0
            part[inside & ((part == 0) | (part > place + 1))] = place + 1
    return ids


def _row(feature: dict[str, Any]) -> _Row:
    facts = _facts(feature)
    kind = facts.get("classification") or {}
    kind = {"name": kind} if isinstance(kind, str) else kind
    name = kind.get("name") or ": ".join(kind.get("names") or ()) or "nucleus"
    colour = kind.get("color")
    values = facts.get("measurements") or {}
    if isinstance(values, list):  # QuPath before 0.4
        values = {entry["name"]: entry["value"] for entry in values}
    return _Row(
        name=str(name),
        colour=(int(colour[0]), int(colour[1]), int(colour[2])) if colour else None,
        confidence=values.get("Confidence"),
        type_probability=values.get("Type probability"),
    )


def _labels(rows: list[_Row]) -> LabelTable:
    colours = {row.name: row.colour for row in rows if row.name != "unknown"}
    names = sorted(colours) or ["nucleus"]
    table = LabelTable.of_names({name: place + 1 for place, name in enumerate(names)})
    return LabelTable(
        labels=tuple(
            replace(label, colour=colours.get(label.name) or label.colour) for label in table.labels
        )
    )


def _column(values: list[float | None]) -> NDArray[np.float32] | None:
    """Join numbers, if every object has one; QuPath writes "NaN" for those that have none."""
    known = np.array([np.nan if value is None else value for value in values], dtype=np.float32)
    return known if len(known) and np.isfinite(known).all() else None
