"""A table with a row for each object, as text or as Parquet."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from delineate.core.case import Prediction
from delineate.core.errors import FileError
from delineate.core.files import whole
from delineate.core.formats import Writer
from delineate.core.image import Image
from delineate.writers.measures import (
    measure,
    micrometres,
    name_objects,
    objects_of,
    type_names,
)

Columns = dict[str, list[Any]]


class CsvWriter(Writer):
    """Writes comma-separated text with a header; unknown values are empty."""

    suffix = ".csv"

    def write(self, prediction: Prediction, path: Path, *, image: Image | None = None) -> None:
        """Write the table.

        Args:
            prediction: What to write; its objects are told apart.
            path: A file that ends in .csv.
            image: The image it was made from; adds the mean of each channel.
        """
        columns = make_columns(prediction, image, "csv")
        with whole(path) as draft, draft.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))


class ParquetWriter(Writer):
    """Writes Parquet, which keeps types and is read in a blink; needs the extra `parquet`."""

    suffix = ".parquet"

    def write(self, prediction: Prediction, path: Path, *, image: Image | None = None) -> None:
        """Write the table.

        Args:
            prediction: What to write; its objects are told apart.
            path: A file that ends in .parquet.
            image: The image it was made from; adds the mean of each channel.

        Raises:
            FileError: If pyarrow is not installed.
        """
        columns = make_columns(prediction, image, "parquet")
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            raise FileError(
                "parquet needs the package pyarrow. Install it with "
                "`pip install 'delineate[parquet]'`, or choose csv."
            ) from error
        with whole(path) as draft:
            parquet.write_table(pyarrow.table(columns), draft)


def make_columns(prediction: Prediction, image: Image | None, format_name: str) -> Columns:
    """Make the table's columns; lengths in um where the resolution is known, and in pixels.

    Args:
        prediction: Whose objects to list.
        image: The image, for the mean of each channel.
        format_name: The format, for messages.

    Returns:
        Values by column, a row an object; places count from the centre of the first pixel.
    """
    instances = objects_of(prediction, format_name)
    found, names = measure(instances, image), type_names(prediction)
    y, x = found.centre.T
    columns: Columns = {
        "id": list(range(1, instances.count + 1)),
        "uuid": name_objects(prediction, found),
        "type": [names.get(int(kind), "unknown") for kind in instances.types],
        "type_id": instances.types.tolist(),
    }
    for name, values in (
        ("type_probability", instances.type_probability),
        ("confidence", instances.confidence),
    ):
        if values is not None:
            columns[name] = np.round(values.astype(np.float64), 4).tolist()
    columns |= {
        "x_px": np.round(x, 2).tolist(),
        "y_px": np.round(y, 2).tolist(),
        "area_px": found.area.astype(int).tolist(),
    }
    step = micrometres(prediction)
    unit, scale = ("px", 1.0) if step is None else ("um", step)
    lengths = {
        "perimeter": found.perimeter,
        "equivalent_diameter": np.sqrt(found.area * (4 / np.pi)),
        "major_axis": found.major,
        "minor_axis": found.minor,
    }
    if step is not None:
        columns |= {
            "x_um": np.round(x * step, 3).tolist(),
            "y_um": np.round(y * step, 3).tolist(),
            "area_um2": np.round(found.area * step**2, 3).tolist(),
        }
    for name, values in lengths.items():
        columns[f"{name}_{unit}"] = np.round(values * scale, 3).tolist()
    ratio = np.minimum(found.minor / np.maximum(found.major, 1e-9), 1)
    columns["eccentricity"] = np.round(np.sqrt(1 - ratio**2), 4).tolist()
    columns["orientation_degrees"] = np.round(found.orientation, 2).tolist()
    if image is not None and found.colours is not None:
        for name, values in zip(image.channels, found.colours.T, strict=True):
            columns[f"mean_{name}"] = np.round(values, 2).tolist()
    return columns
