"""A field of nuclei drawn: its picture, with outlines coloured by what went wrong."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.colours import in_8_bits
from delineate.core.instances import Instances
from delineate.metrics.mistakes import (
    MATCHED,
    PREDICTION_KINDS,
    SPURIOUS,
    TRUTH_KINDS,
    Mistakes,
)

Colour = tuple[int, int, int]
MISTAKE_COLOURS: dict[str, Colour] = {
    "matched": (70, 215, 90),
    "merged": (255, 210, 0),
    "split": (255, 120, 0),
    "rough": (20, 20, 20),
    "missed": (0, 225, 240),
    "spurious": (0, 60, 255),
    "mistyped": (215, 215, 215),
}
"""Colour of each kind of mistake, and of none; told apart on pink and violet tissue."""
SYNONYMS = {"merging": "merged", "fragment": "split"}
"""Kinds of predictions that share the colour of what they did to the truth."""
PAPER = 255
"""Grey of what lies beneath where there is no picture."""
WIDEST_PX = 1280
"""Largest side of a field that is drawn whole; of larger ones the worst part is."""
SHOWN_PX = 1800
"""Side that a drawn field should have at least, so that outlines are seen."""
QUALITY = 88
"""Of the JPEG."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Field:
    """What is drawn: truth, prediction, what went wrong and the picture beneath."""

    truth: Instances
    """True objects, (Y, X)."""
    prediction: Instances
    """Predicted objects, on the same grid."""
    mistakes: Mistakes
    """What became of them."""
    picture: NDArray[Any] | None = None
    """The picture, (C, Y, X); None draws on paper."""


def draw_field(field: Field) -> bytes:
    """Draw true nuclei by what became of them, and the spurious predictions.

    Args:
        field: What to draw; of a large one the part with most mistakes is shown.

    Returns:
        The bytes of a JPEG.
    """
    window = _window(field)
    scale = int(np.clip(round(SHOWN_PX / max(_size(window))), 1, 4))
    canvas = _beneath(field, window, scale)
    _outline(canvas, field.truth.ids[window], _truth_colours(field), scale)
    spurious = {id: colour for id, colour in _prediction_colours(field).items()
                if colour == MISTAKE_COLOURS["spurious"]}  # fmt: skip
    _outline(canvas, field.prediction.ids[window], spurious, scale)
    return _jpeg(canvas)


def draw_spot(field: Field, top: int, left: int, side: int, *, shown_px: int = 380) -> bytes:
    """Draw a small square twice: with the truth's outlines, and with the prediction's.

    Args:
        field: What to draw.
        top: First row; the square may reach over the edge, and is then cut.
        left: First column.
        side: Side in pixels.
        shown_px: Side of each drawn square, about.

    Returns:
        The bytes of a JPEG.
    """
    height, width = field.truth.ids.shape
    window = (
        slice(max(top, 0), min(top + side, height)),
        slice(max(left, 0), min(left + side, width)),
    )
    scale = max(1, round(shown_px / side))
    halves = []
    for ids, colours in (
        (field.truth.ids, _truth_colours(field)),
        (field.prediction.ids, _prediction_colours(field)),
    ):
        canvas = np.full((side * scale, side * scale, 3), 255, np.uint8)
        part = _beneath(field, window, scale)
        _outline(part, ids[window], colours, scale)
        y, x = (window[0].start - top) * scale, (window[1].start - left) * scale
        canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
        halves.append(canvas)
    gap = np.full((side * scale, 2 * scale, 3), 255, np.uint8)
    return _jpeg(np.concatenate([halves[0], gap, halves[1]], axis=1))


def describe_spot(field: Field, top: int, left: int, side: int) -> str:
    """Count the mistakes whose centres lie in a square.

    Args:
        field: What was drawn.
        top: First row.
        left: First column.
        side: Side in pixels.

    Returns:
        Such as "2 merged, 1 missed, at x 310, y 120".
    """
    found = field.mistakes
    low, high = np.array([top, left]), np.array([top, left]) + side

    def inside(centres: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.asarray(((centres >= low) & (centres < high)).all(axis=1))

    true, said = inside(found.pairing.truth_centres), inside(found.pairing.prediction_centres)
    counts = {
        name: int((found.truth_kinds[true] == place).sum())
        for place, name in enumerate(TRUTH_KINDS)
        if place != MATCHED
    }
    counts["mistyped"] = int(found.is_mistyped[true].sum())
    counts["spurious"] = int((found.prediction_kinds[said] == SPURIOUS).sum())
    words = ", ".join(f"{number} {name}" for name, number in counts.items() if number)
    return f"{words or 'no mistake'}, at x {max(left, 0)}, y {max(top, 0)}"


def _truth_colours(field: Field) -> dict[int, Colour]:
    found = field.mistakes
    names = [TRUTH_KINDS[kind] for kind in found.truth_kinds]
    names = [
        "mistyped" if wrong else name for name, wrong in zip(names, found.is_mistyped, strict=True)
    ]
    return {int(id): MISTAKE_COLOURS[name]
            for id, name in zip(found.pairing.truth_ids, names, strict=True)}  # fmt: skip


def _prediction_colours(field: Field) -> dict[int, Colour]:
    found = field.mistakes
    names = [PREDICTION_KINDS[kind] for kind in found.prediction_kinds]
    for true, said in found.pairing.matches:
        names[said] = "mistyped" if found.is_mistyped[true] else names[said]
    return {int(id): MISTAKE_COLOURS[SYNONYMS.get(name, name)]
            for id, name in zip(found.pairing.prediction_ids, names, strict=True)}  # fmt: skip


def _window(field: Field) -> tuple[slice, slice]:
    """Choose the whole field, or of a large one the square with most mistakes."""
    height, width = field.truth.ids.shape
    if max(height, width) <= WIDEST_PX:
        return slice(0, height), slice(0, width)
    places = field.mistakes.places
    corner = [0, 0]
    if len(places):
        steps = places // (WIDEST_PX // 2)
        squares, counts = np.unique(steps, axis=0, return_counts=True)
        corner = [int(step) * (WIDEST_PX // 2) for step in squares[counts.argmax()]]
    top, left = (
        max(0, min(start - WIDEST_PX // 4, size - WIDEST_PX))
        for start, size in zip(corner, (height, width), strict=True)
    )
    return slice(top, min(top + WIDEST_PX, height)), slice(left, min(left + WIDEST_PX, width))


def _size(window: tuple[slice, slice]) -> tuple[int, int]:
    rows, columns = window
    return rows.stop - rows.start, columns.stop - columns.start


def _beneath(field: Field, window: tuple[slice, slice], scale: int) -> NDArray[np.uint8]:
    """Cut the picture out as red, green and blue and enlarge it, (Y, X, 3)."""
    from PIL import Image as Picture

    height, width = _size(window)
    if field.picture is None:
        return np.full((height * scale, width * scale, 3), PAPER, np.uint8)
    channels = field.picture if len(field.picture) == 3 else np.repeat(field.picture[:1], 3, axis=0)
    part = np.moveaxis(in_8_bits(channels[:, *window]), 0, -1)
    size = (width * scale, height * scale)
    enlarged = Picture.fromarray(np.ascontiguousarray(part)).resize(
        size, Picture.Resampling.BICUBIC
    )
    return np.array(enlarged)


def _outline(
    canvas: NDArray[np.uint8], ids: NDArray[np.int32], colours: dict[int, Colour], scale: int
) -> None:
    """Paint the inner rim of each object that has a colour: thin if matched, else thick."""
    table = np.zeros((int(ids.max(initial=0)) + 1, 3), np.uint8)
    rims = np.zeros(len(table), int)
    for id, colour in colours.items():
        if id < len(table):
            table[id] = colour
            rims[id] = (2 if colour == MISTAKE_COLOURS["matched"] else 4) if scale > 1 else 1
    large = np.pad(ids.repeat(scale, axis=0).repeat(scale, axis=1), 1, mode="edge")
    core = np.ones((large.shape[0] - 2, large.shape[1] - 2), dtype=bool)
    here = large[1:-1, 1:-1]
    for other in (large[:-2, 1:-1], large[2:, 1:-1], large[1:-1, :-2], large[1:-1, 2:]):
        core &= here == other
    rim = ~core
    for thickness in range(1, 5):
        edge = rim & (rims[here] >= thickness)
        canvas[edge] = table[here[edge]]
        wide = np.pad(rim, 1)
        rim = wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]


def _jpeg(canvas: NDArray[np.uint8]) -> bytes:
    from PIL import Image as Picture

    target = io.BytesIO()
    Picture.fromarray(canvas).save(target, format="JPEG", quality=QUALITY, subsampling=0)
    return target.getvalue()
