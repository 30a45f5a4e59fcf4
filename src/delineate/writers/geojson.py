"""GeoJSON as QuPath reads it: a detection for each nucleus, streamed to the file.

QuPath counts from the corner of the first pixel, Delineate from its centre, so half a pixel is
added to every coordinate; y runs down. Schema: QuPath's QuPathTypeAdapters, since version 0.4.
"""

import gzip
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Prediction
from delineate.core.encodings import mask_to_polygons
from delineate.core.errors import LabelError
from delineate.core.files import whole
from delineate.core.formats import Writer
from delineate.core.image import Image
from delineate.core.labels import Label
from delineate.core.tags import KEY, tag_values
from delineate.writers.measures import Measures, measure, micrometres, name_objects, number

UNKNOWN = (128, 128, 128)
"""Colour of an object of unknown type."""


class GeojsonWriter(Writer):
    """Writes one Feature an object, or one a label where a model knows regions only."""

    suffix = ".geojson"

    def write(self, prediction: Prediction, path: Path, *, image: Image | None = None) -> None:
        """Write a FeatureCollection, compressed if the path ends in .gz.

        Args:
            prediction: What to write; two-dimensional.
            path: A file that ends in .geojson or .geojson.gz.
            image: Not used.

        Raises:
            LabelError: If it is a volume.
        """
        if prediction.mask.geometry.dims != 2:
            raise LabelError(
                f"{prediction.case_id} is a volume, and GeoJSON holds outlines of one plane. "
                "Write it as nifti or nrrd."
            )
        features = _regions(prediction) if prediction.instances is None else _objects(prediction)
        about = tag_values(prediction.mask.geometry, prediction.labels)
        about["shape"] = list(prediction.mask.geometry.shape)
        with whole(path) as draft, _opened(draft, path) as stream:
            stream.write(f'{{"type":"FeatureCollection",{json.dumps(KEY)}:{json.dumps(about)},')
            stream.write('"features":[')
            for place, feature in enumerate(features):
                stream.write(",\n" if place else "\n")
                stream.write(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
            stream.write("\n]}\n")


@contextmanager
def _opened(draft: Path, path: Path) -> Iterator[TextIO]:
    if not path.name.endswith(".gz"):
        with draft.open("w", encoding="utf-8") as stream:
            yield stream
        return
    # Neither name nor time go into the file, so that equal results are equal files.
    with draft.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
        stream = io.TextIOWrapper(packed, encoding="utf-8")
        yield stream
        stream.flush()


def _objects(prediction: Prediction) -> Iterator[dict[str, Any]]:
    from scipy.ndimage import find_objects  # this format alone needs it

    instances = prediction.instances
    if instances is None:
        return
    measures = measure(instances)
    names = name_objects(prediction, measures)
    labels = {label.id: label for label in prediction.labels.labels}
    scale = micrometres(prediction)
    for place, box in enumerate(find_objects(instances.ids)):
        if box is None:
            continue
        label = labels.get(int(instances.types[place]))
        values = _measurements(measures, place, scale)
        for name, column in (
            ("Confidence", instances.confidence),
            ("Type probability", instances.type_probability),
        ):
            if column is not None and (value := number(column[place], 4)) is not None:
                values[name] = value
        yield {
            "type": "Feature",
            "id": names[place],
            "geometry": _geometry(instances.ids[box] == place + 1, box[0].start, box[1].start),
            "properties": {
                "objectType": "detection",
                "classification": _classification(label),
                "isLocked": False,
                "measurements": values,
            },
        }


def _regions(prediction: Prediction) -> Iterator[dict[str, Any]]:
    for label in prediction.labels.labels:
        region = prediction.mask.region(label, prediction.labels)
        if region.any():
            yield {
                "type": "Feature",
                "geometry": _geometry(region, 0, 0),
                "properties": {
                    "objectType": "annotation",
                    "name": label.name,
                    "classification": _classification(label),
                    "isLocked": False,
                },
            }


def _classification(label: Label | None) -> dict[str, Any]:
    name, colour = ("unknown", UNKNOWN) if label is None else (label.name, label.colour)
    return {"name": name, "color": list(colour)}


def _measurements(measures: Measures, place: int, scale: float | None) -> dict[str, float]:
    unit, step = ("px", 1.0) if scale is None else ("µm", scale)
    y, x = measures.centre[place] + 0.5
    values = {
        f"Area {unit}^2": measures.area[place] * step**2,
        f"Perimeter {unit}": measures.perimeter[place] * step,
        f"Major axis {unit}": measures.major[place] * step,
        f"Minor axis {unit}": measures.minor[place] * step,
        f"Centroid X {unit}": x * step,
        f"Centroid Y {unit}": y * step,
    }
    rounded = {name: number(value, 3) for name, value in values.items()}
    return {name: value for name, value in rounded.items() if value is not None}


def _geometry(mask: NDArray[np.bool_], top: int, left: int) -> dict[str, Any]:
    """Outline a mask: outer rings with their holes, in QuPath's coordinates."""
    outer: list[tuple[NDArray[np.float64], list[NDArray[np.float64]]]] = []
    holes = []
    for ring in mask_to_polygons(mask):
        if _area(ring) > 0:
            outer.append((ring, []))
        else:
            holes.append(ring)
    for hole in holes:
        # The edge of a hole runs along its ring, so the ring around it is the least that holds it.
        around = [entry for entry in outer if _holds(entry[0], hole)]
        min(around, key=lambda entry: _area(entry[0]))[1].append(hole)
    parts = [[_closed(ring, top, left) for ring in (shell, *inner)] for shell, inner in outer]
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def _closed(ring: NDArray[np.float64], top: int, left: int) -> list[list[float]]:
    shift = np.array([left + 0.5, top + 0.5])
    points: list[list[float]] = (ring + shift).tolist()
    return [*points, points[0]]


def _area(ring: NDArray[np.float64]) -> float:
    """Signed area: positive for outer rings, which run clockwise with y downwards."""
    x, y = ring.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _holds(ring: NDArray[np.float64], hole: NDArray[np.float64]) -> bool:
    low, high = ring.min(0), ring.max(0)
    if (hole.min(0) < low).any() or (hole.max(0) > high).any():
        return False
    # A point within the hole, a quarter pixel to the inner side of its first edge.
    (x0, y0), (x1, y1) = hole[0], hole[1]
    length = max(abs(x1 - x0), abs(y1 - y0))
    px = (x0 + x1) / 2 + (y1 - y0) / length / 4
    py = (y0 + y1) / 2 - (x1 - x0) / length / 4
    ends = np.roll(ring, -1, axis=0)
    crosses = (ring[:, 1] > py) != (ends[:, 1] > py)
    return bool(np.count_nonzero(crosses & (ring[:, 0] > px)) % 2)
