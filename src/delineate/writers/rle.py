"""A table of run lengths that says itself how it is to be read."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from delineate.core.case import Prediction
from delineate.core.encodings import encode_runs, runs_to_text
from delineate.core.files import write_text
from delineate.core.formats import Writer
from delineate.core.image import Image

COLUMNS = (
    "case", "label", "name", "num_slices", "slice", "height", "width", "order", "first", "runs"
)  # fmt: skip


class RleWriter(Writer):
    """Writes .rle.csv with one row per class and slice that has any of it.

    Order ("row": along the columns first) and number of the first pixel (1) stand in every
    row. `slice` counts from 0. A class that is nowhere has one row with no slice and no runs,
    so that absent and forgotten differ. Overlapping classes are written as they are.
    """

    suffix = ".rle.csv"

    def write(self, prediction: Prediction, path: Path, *, image: Image | None = None) -> None:
        """Write the table.

        Args:
            prediction: What to write.
            path: A file that ends in .rle.csv.
            image: Not used.
        """
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(_rows(prediction))
        write_text(path, text.getvalue())


def _rows(prediction: Prediction) -> Iterator[tuple[object, ...]]:
    *stack, height, width = prediction.mask.geometry.shape
    num_slices = stack[0] if stack else 1
    for label in prediction.labels.labels:
        region = prediction.mask.region(label, prediction.labels).reshape(num_slices, height, width)
        head = (prediction.case_id, label.id, label.name, num_slices)
        if not region.any():
            yield (*head, "", height, width, "row", 1, "")
        for place in range(num_slices):
            if region[place].any():
                runs = runs_to_text(encode_runs(region[place], order="row", first=1))
                yield (*head, place, height, width, "row", 1, runs)
