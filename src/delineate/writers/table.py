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
    UNKNOWN,
    FloatArray,
    Measures,
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
    columns: Columns = {
        "id": list(range(1, instances.count + 1)),
        "uuid": name_objects(prediction, found),
        "type": [names.get(int(kind), UNKNOWN) for kind in instances.types],
        "type_id": instances.types.tolist(),
    }
    for name, values in (
        ("type_probability", instances.type_probability),
        ("confidence", instances.confidence),
    ):
        if values is not None:
            columns[name] = _rounded(values.astype(np.float64), 4)
    columns |= _places(found, micrometres(prediction)) | _shapes(found, micrometres(prediction))
    if image is not None and found.colours is not None:
        for name, values in zip(image.channels, found.colours.T, strict=True):
            columns[f"mean_{name}"] = _rounded(values, 2)
    return columns


def _places(found: Measures, sides: tuple[float, float] | None) -> Columns:
    y, x = found.centre.T
    corners = ("y_min_px", "x_min_px", "y_max_px", "x_max_px")
    columns: Columns = {
        "x_px": _rounded(x, 2),
        "y_px": _rounded(y, 2),
        "area_px": found.area.astype(int).tolist(),
        **{name: side.tolist() for name, side in zip(corners, found.box.T, strict=True)},
    }
    if sides is not None:
        down, across = sides
        columns |= {
            "x_um": _rounded(x * across, 3),
            "y_um": _rounded(y * down, 3),
            "area_um2": _rounded(found.area * down * across, 3),
        }
    return columns


def _shapes(found: Measures, sides: tuple[float, float] | None) -> Columns:
    unit, scale = ("px", 1.0) if sides is None else ("um", (sides[0] * sides[1]) ** 0.5)
    lengths = {
        "perimeter": found.perimeter,
        "equivalent_diameter": np.sqrt(found.area * (4 / np.pi)),
        "major_axis": found.major,
        "minor_axis": found.minor,
    }
    ratio = np.minimum(found.minor / np.maximum(found.major, 1e-9), 1)
    return {
        **{f"{name}_{unit}": _rounded(values * scale, 3) for name, values in lengths.items()},
        "eccentricity": _rounded(np.sqrt(1 - ratio**2), 4),
        "orientation_degrees": _rounded(found.orientation, 2),
    }


def _rounded(values: FloatArray, digits: int) -> list[Any]:
    rounded: list[Any] = np.round(values, digits).tolist()
    return rounded
