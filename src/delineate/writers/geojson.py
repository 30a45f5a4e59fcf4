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

from delineate.core.case import Prediction
from delineate.core.encodings import mask_to_polygons
from delineate.core.errors import LabelError
from delineate.core.files import whole
from delineate.core.formats import Writer
from delineate.core.image import Image
from delineate.core.labels import Label
from delineate.core.tags import KEY, tag_values
from delineate.writers.measures import (
    UNKNOWN,
    UNKNOWN_COLOUR,
    Measures,
    measure,
    micrometres,
    name_objects,
    name_of,
    rounded,
)
from delineate.writers.outlines import geometry_of, outline_objects


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
        # Not a number is an error here, since no reader takes it.
        encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
        with whole(path) as draft, _opened(draft, path) as stream:
            stream.write(f'{{"type":"FeatureCollection",{json.dumps(KEY)}:{json.dumps(about)},')
            stream.write('"features":[')
            for place, feature in enumerate(features):
                stream.write(",\n" if place else "\n")
                stream.write(encode(feature))
            stream.write("\n]}\n")


@contextmanager
def _opened(draft: Path, path: Path) -> Iterator[TextIO]:
    if not path.name.lower().endswith(".gz"):
        with draft.open("w", encoding="utf-8") as stream:
            yield stream
        return
    # Neither name nor time go into the file, so that equal results are equal files.
    with draft.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
        stream = io.TextIOWrapper(packed, encoding="utf-8")
        yield stream
        stream.flush()


def _objects(prediction: Prediction) -> Iterator[dict[str, Any]]:
    instances = prediction.instances
    if instances is None:
        return
    measures = measure(instances)
    names = name_objects(prediction, measures)
    labels = {label.id: label for label in prediction.labels.labels}
    sides = micrometres(prediction)
    for number, rings in outline_objects(instances.ids):
        place = number - 1
        label = labels.get(int(instances.types[place]))
        values = _measurements(measures, place, sides)
        for name, column in (
            ("Confidence", instances.confidence),
            ("Type probability", instances.type_probability),
        ):
            if column is not None:
                values[name] = rounded(column[place], 4)
        yield {
            "type": "Feature",
            "id": names[place],
            "geometry": geometry_of(rings),
            "properties": {
                "objectType": "detection",
                # The number in label images and tables, so that one finds the row of an object.
                "name": f"{UNKNOWN if label is None else label.name} {number}",
                "classification": _classification(label),
                "isLocked": False,
                "measurements": {
                    name: value for name, value in values.items() if value is not None
                },
            },
        }


def _regions(prediction: Prediction) -> Iterator[dict[str, Any]]:
    for label in prediction.labels.labels:
        region = prediction.mask.region(label, prediction.labels)
        if region.any():
            yield {
                "type": "Feature",
                "id": name_of(prediction, f"label {label.id}"),
                "geometry": geometry_of(mask_to_polygons(region)),
                "properties": {
                    "objectType": "annotation",
                    "name": label.name,
                    "classification": _classification(label),
                    "isLocked": False,
                },
            }


def _classification(label: Label | None) -> dict[str, Any]:
    if label is None:
        return {"name": UNKNOWN, "color": list(UNKNOWN_COLOUR)}
    return {"name": label.name, "color": list(label.colour)}


def _measurements(
    measures: Measures, place: int, sides: tuple[float, float] | None
) -> dict[str, float | None]:
    unit, (down, across) = ("px", (1.0, 1.0)) if sides is None else ("µm", sides)
    y, x = measures.centre[place] + 0.5
    step = (down * across) ** 0.5
    values = {
        f"Area {unit}^2": measures.area[place] * down * across,
        f"Perimeter {unit}": measures.perimeter[place] * step,
        f"Major axis {unit}": measures.major[place] * step,
        f"Minor axis {unit}": measures.minor[place] * step,
        f"Centroid X {unit}": x * across,
        f"Centroid Y {unit}": y * down,
    }
    return {name: rounded(value, 3) for name, value in values.items()}
