"""What can be said of each object from its pixels: size, place, shape, colour and a name.

All objects are measured together, by sums over the image's foreground, so forty thousand take
little longer than forty; strip by strip, so that a large picture takes no more memory.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Prediction
from delineate.core.errors import LabelError
from delineate.core.image import Image
from delineate.core.instances import Instances

FloatArray = NDArray[np.float64]
NAMESPACE = uuid.UUID("5f1d2b0e-6f0c-5b53-9a4e-0d5f0c2a7e11")
"""Under this the names of objects are made; a constant, so that they last."""
UNKNOWN, UNKNOWN_COLOUR = "unknown", (128, 128, 128)
"""How an object of unknown type is called and drawn."""
STRIP = 1024
"""Rows that are measured at once, since each pixel takes some dozens of bytes meanwhile."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Measures:
    """Columns of one row an object, in pixels and array order; the first pixel's centre is 0."""

    area: FloatArray
    """Pixels, (N,); 0 for an object that others cover."""
    first: NDArray[np.int64]
    """Its first pixel (y, x) in reading order, which no other object has, (N, 2); -1 if none."""
    box: NDArray[np.int64]
    """Least y and x, greatest y and x of its pixels, (N, 4); -1 if none."""
    centre: FloatArray
    """Centre of gravity (y, x), (N, 2)."""
    perimeter: FloatArray
    """Length of the border, (N,): pi / 4 times the pixel edges along it (Cauchy, Crofton)."""
    major: FloatArray
    """Longest axis of the ellipse of equal second moments, (N,)."""
    minor: FloatArray
    """Its shortest axis, (N,)."""
    orientation: FloatArray
    """Angle of the longest axis from the x axis towards the y axis, (N,), in degrees, (-90, 90]."""
    colours: FloatArray | None = None
    """Mean of each channel, (N, C), where an image was given."""


def measure(instances: Instances, image: Image | None = None) -> Measures:
    """Measure every object.

    Args:
        instances: Objects of a picture, (Y, X).
        image: The picture, for mean colours.

    Returns:
        The columns.
    """
    count = instances.count
    area, centre = np.zeros(count), np.zeros((count, 2))
    first = np.full(count, -1)
    for owners, places, flat in _strips(instances.ids):
        area += np.bincount(owners, minlength=count)
        centre += _totals(owners, places, count)
        begins = np.full(count, -1)
        begins[owners[::-1]] = flat[::-1]  # of repeated places the last stays, here the first
        first = np.where(first < 0, begins, first)
    safe = np.maximum(area, 1)[:, None]
    centre = centre / safe
    seconds, colours = np.zeros((count, 3)), None
    if image is not None:
        colours = np.zeros((count, len(image.array)))
    for owners, places, flat in _strips(instances.ids):
        y, x = (along - middle[owners] for along, middle in zip(places, centre.T, strict=True))
        seconds += _totals(owners, (y * y, x * x, x * y), count)
        if image is not None and colours is not None:
            channels = image.array.reshape(len(image.array), -1)
            colours += _totals(owners, [channel[flat] for channel in channels], count)
    # A pixel is a square, not a point: its own second moment is a twelfth.
    yy, xx, xy = (seconds / safe + [1 / 12, 1 / 12, 0]).T
    spread = np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    return Measures(
        area=area,
        first=np.where(first < 0, -1, np.divmod(first, instances.ids.shape[1])).T,
        box=_boxes(instances),
        centre=centre,
        perimeter=_perimeter(instances.ids, count),
        major=4 * np.sqrt((xx + yy) / 2 + spread),
        minor=4 * np.sqrt(np.maximum((xx + yy) / 2 - spread, 0)),
        orientation=np.degrees(np.arctan2(2 * xy, xx - yy) / 2),
        colours=None if colours is None else colours / safe,
    )


def _strips(
    ids: NDArray[np.int32],
) -> Iterator[tuple[NDArray[np.intp], tuple[FloatArray, FloatArray], NDArray[np.intp]]]:
    """Go over the foreground some rows at a time: whose pixels, their (y, x), and where."""
    width = ids.shape[1]
    for start in range(0, len(ids), STRIP):
        strip = ids[start : start + STRIP].reshape(-1)
        flat = np.flatnonzero(strip)
        y, x = (places.astype(np.float64) for places in np.divmod(flat, width))
        yield (strip[flat] - 1).astype(np.intp), (y + start, x), flat + start * width


def _totals(owners: NDArray[np.intp], columns: Iterable[NDArray[Any]], count: int) -> FloatArray:
    return np.stack([np.bincount(owners, column, minlength=count) for column in columns], axis=1)


def _boxes(instances: Instances) -> NDArray[np.int64]:
    from scipy.ndimage import find_objects  # tables alone need it

    boxes = np.full((instances.count, 4), -1)
    for place, box in enumerate(find_objects(instances.ids)):
        if box is not None:
            boxes[place] = (*(side.start for side in box), *(side.stop - 1 for side in box))
    return boxes


def _perimeter(ids: NDArray[np.int32], count: int) -> FloatArray:
    edges = np.zeros(count + 1)
    height, width = ids.shape
    for start in range(0, height, STRIP):
        stop = min(start + STRIP, height)
        block = np.zeros((stop - start + 2, width + 2), np.int32)
        above, below = max(start - 1, 0), min(stop + 1, height)
        first = above - start + 1
        block[first : first + below - above, 1:-1] = ids[above:below]
        last = len(block) if stop == height else len(block) - 1  # the next strip has that edge
        for before, after in (
            (block[: last - 1, 1:-1], block[1:last, 1:-1]),
            (block[1:-1, :-1], block[1:-1, 1:]),
        ):
            differs = before != after
            for side in (before, after):
                edges += np.bincount(side[differs], minlength=count + 1)
    return edges[1:] * (np.pi / 4)


def name_objects(prediction: Prediction, measures: Measures) -> list[str]:
    """Give each object a name that a second run gives again, in whatever order it finds them.

    Args:
        prediction: Whose objects they are; its case and its weights enter the name.
        measures: Their places and sizes.

    Returns:
        A UUID (version 5) each, all different.
    """
    rows = zip(measures.first.tolist(), measures.area.tolist(), strict=True)
    return [
        # One without pixels has no place, so its row has to stand in.
        name_of(prediction, f"{y}|{x}|{area:.0f}" if area else f"row {row}")
        for row, ((y, x), area) in enumerate(rows)
    ]


def name_of(prediction: Prediction, what: str) -> str:
    """Make a name that a second run makes again.

    Args:
        prediction: Its case and its weights enter the name.
        what: What tells the thing from others of this prediction.

    Returns:
        A UUID (version 5).
    """
    weights = prediction.provenance.get("weights_hash", "")
    return str(uuid.uuid5(NAMESPACE, f"{prediction.case_id}|{weights}|{what}"))


def micrometres(prediction: Prediction) -> tuple[float, float] | None:
    """Say how large a pixel is.

    Args:
        prediction: Whose grid counts.

    Returns:
        Micrometres to a pixel along y and x, None if unknown.
    """
    grid = prediction.mask.geometry
    return (grid.spacing_mm[0] * 1000, grid.spacing_mm[1] * 1000) if grid.is_physical else None


def objects_of(prediction: Prediction, format_name: str) -> Instances:
    """Take the objects of a prediction for a format that writes such.

    Args:
        prediction: What to write.
        format_name: The format, for the message.

    Returns:
        The objects.

    Raises:
        LabelError: If the model does not tell objects apart.
    """
    if prediction.instances is None:
        raise LabelError(
            f"{prediction.case_id} was predicted by a model of regions, and {format_name} lists "
            "objects. Choose another format, or a model that tells objects apart, such as nuclei."
        )
    return prediction.instances


def type_names(prediction: Prediction) -> Mapping[int, str]:
    """Name the types by their ids.

    Args:
        prediction: Whose labels count.

    Returns:
        Name by id; 0 is `UNKNOWN`.
    """
    return {0: UNKNOWN, **{label.id: label.name for label in prediction.labels.labels}}


def rounded(value: Any, digits: int) -> float | None:  # noqa: ANN401 - any real number
    """Round a number for a file.

    Args:
        value: The number.
        digits: Digits behind the point.

    Returns:
        The rounded number, None if it is not finite.
    """
    return round(float(value), digits) if np.isfinite(value) else None
