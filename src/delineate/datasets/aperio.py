"""Outlines drawn in Aperio ImageScope: its XML into polygons, and polygons into objects."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import FileError
from delineate.core.instances import Instances
from delineate.core.rasters import Centre, Stacking, rasterise, to_pixels

PLAUSIBLE_MPP = (0.01, 20.0)
"""Micrometres per pixel that a microscope can have; a file with others knows none."""
FEWEST_CORNERS = 3
SHORT = "with fewer than three corners were left out"
CUTTING = "marked as cut out (NegativeROA) were left out"
OUTSIDE = "wholly outside the picture were left out"
COVERED = "wholly covered by others, or too thin to hold a pixel's centre, were left out"
CLIPPED = "across the picture's edge were cut there"


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawing:
    """What an XML file holds: outlines in the order in which they were drawn."""

    polygons: tuple[NDArray[np.float64], ...]
    """Corners (x, y) of each outline with an inside, (V, 2), in the file's own convention."""
    mpp: float | None
    """Micrometres per pixel, None if the file does not say."""
    set_aside: Mapping[str, int] = field(default_factory=dict)
    """How many outlines were left out, by the reason as `sentence` wants it."""


class _Collector:
    """Gathers regions while expat walks through the file."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.mpp: float | None = None
        self.regions: list[list[float]] = []
        self.negative: set[int] = set()
        self.is_inside = False
        self.first_tag = ""

    def start(self, tag: str, values: dict[str, str]) -> None:
        self.first_tag = self.first_tag or tag
        if tag == "Vertex" and self.is_inside:
            point = (float(values["X"]), float(values["Y"]))
            if not all(map(math.isfinite, point)):
                raise ValueError(f"a vertex at {point}")
            self.regions[-1].extend(point)
        elif tag == "Region":
            self.is_inside = True
            self.regions.append([])
            if values.get("NegativeROA", "0") == "1":
                self.negative.add(len(self.regions) - 1)
        elif tag == "Annotations":
            self.mpp = _plausible(values.get("MicronsPerPixel", ""))

    def end(self, tag: str) -> None:
        self.is_inside = self.is_inside and tag != "Region"

    def refuse(self, *_: object) -> None:
        # ImageScope writes none; entities could grow without bound or name other files.
        raise FileError(
            f"{self.where} declares a document type, which annotations never need and attacks "
            "do. Delete the lines with <!DOCTYPE and <!ENTITY if you trust the file."
        )


def read_aperio(content: bytes, where: str) -> Drawing:
    """Read every region of every layer of an annotation file.

    Args:
        content: The XML.
        where: Its path, for messages.

    Returns:
        The outlines; regions with fewer than three corners and regions that cut out
        (NegativeROA) are left out and counted.

    Raises:
        FileError: If it is cut short, no XML, no annotation, or declares a document type.
    """
    collector = _Collector(where)
    parser = expat.ParserCreate()
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.StartDoctypeDeclHandler = collector.refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, KeyError, ValueError) as error:
        raise FileError(
            f"{where} cannot be read as an Aperio annotation ({type(error).__name__}: {error}). "
            "Download or export it again."
        ) from error
    if collector.first_tag != "Annotations":
        raise FileError(
            f"{where} is XML, but its first element is not <Annotations>. Export the outlines "
            "from ImageScope, or leave the file out."
        )
    return _drawing(collector)


def drawn_objects(
    drawing: Drawing,
    shape: Sequence[int],
    *,
    order: Stacking = "first",
    centre: Centre = "matlab",
) -> tuple[Instances, dict[str, int]]:
    """Paint outlines into objects of type 1, and number those that are left.

    Args:
        drawing: The outlines.
        shape: (Y, X) of the picture.
        order: Who keeps a pixel that several outlines claim, see `rasterise`.
        centre: Where the file puts the first pixel's centre, see `rasterise`.

    Returns:
        The objects, with their outlines as drawn but moved to our convention; and how many
        outlines were left out or cut, by reason.
    """
    outlines = [to_pixels(polygon, centre) for polygon in drawing.polygons]
    painted = rasterise(outlines, shape, order=order, centre="skimage")
    areas = np.bincount(painted.ravel(), minlength=len(outlines) + 1)[1:]
    number = np.concatenate([[0], np.cumsum(areas > 0)]).astype(np.int32)
    number[1:][areas == 0] = 0
    low = np.array([outline.min(axis=0) for outline in outlines]).reshape(-1, 2)
    high = np.array([outline.max(axis=0) for outline in outlines]).reshape(-1, 2)
    edge = np.array([shape[1], shape[0]]) - 0.5  # half a pixel beyond the last centre
    is_out = ((high <= -0.5) | (low >= edge)).any(axis=1)
    is_cut = ((low < -0.5) | (high > edge)).any(axis=1) & ~is_out
    counts = {
        OUTSIDE: int(is_out.sum()),
        COVERED: int(((areas == 0) & ~is_out).sum()),
        CLIPPED: int(is_cut.sum()),
    }
    instances = Instances(
        ids=number[painted],
        types=np.ones(int((areas > 0).sum()), dtype=np.int16),
        outlines=tuple(outlines[place] for place in np.flatnonzero(areas)),
    )
    return instances, {reason: number for reason, number in counts.items() if number}


def sentence(reason: str, number: int) -> str:
    """Say how many outlines were left out or cut, and why.

    Args:
        reason: A key of `Drawing.set_aside`, or of what `drawn_objects` gives.
        number: How many.

    Returns:
        One sentence.

    Example:
        >>> sentence(SHORT, 2)
        'Outlines with fewer than three corners were left out: 2.'
    """
    return f"Outlines {reason}: {number}."


def _drawing(collector: _Collector) -> Drawing:
    arrays = [np.array(region, dtype=np.float64).reshape(-1, 2) for region in collector.regions]
    is_short = [len(array) < FEWEST_CORNERS for array in arrays]
    cutting = {place for place in collector.negative if not is_short[place]}
    counts = {SHORT: sum(is_short), CUTTING: len(cutting)}
    return Drawing(
        polygons=tuple(
            array
            for place, array in enumerate(arrays)
            if not is_short[place] and place not in cutting
        ),
        mpp=collector.mpp,
        set_aside={reason: number for reason, number in counts.items() if number},
    )


def _plausible(text: str) -> float | None:
    try:
        mpp = float(text)
    except ValueError:
        return None
    return mpp if PLAUSIBLE_MPP[0] <= mpp <= PLAUSIBLE_MPP[1] else None
