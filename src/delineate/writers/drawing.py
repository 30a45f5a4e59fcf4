"""A picture to look at: outlines over the image, sides, scale and a legend.

Pillow alone draws it: plotting libraries cost a second to import, and their axes would have to
be taken away again.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageChops, ImageDraw, ImageFilter, ImageFont

from delineate.core.case import Prediction
from delineate.core.geometry import Geometry
from delineate.core.image import Image
from delineate.core.instances import Instances
from delineate.core.labels import Label
from delineate.writers.measures import UNKNOWN, UNKNOWN_COLOUR
from delineate.writers.nuclei import draw_outlines
from delineate.writers.planes import Plane, planes_of

INK, FAINT, GROUND = (235, 235, 235), (150, 150, 155), (17, 17, 20)
MARGIN, GAP, LINE = 16, 12, 24
MAX_HEIGHT, MAX_WIDTH, MAX_SIDE = 460, 1500, 820
FILL = 0.16
"""Opacity of a label's inside; its outline is opaque."""
MAX_LISTED = 12
"""Up to so many labels the legend lists all, beyond only those in sight."""
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw_overlay(prediction: Prediction, image: Image | None = None) -> Picture.Image:
    """Draw a prediction over its image.

    Args:
        prediction: The labels.
        image: What lies under them; None shows labels on black.

    Returns:
        An RGB picture: one panel for a picture, three planes side by side for a volume, all
        planes at one scale with square millimetres.
    """
    if prediction.instances is not None and prediction.mask.geometry.dims == 2:
        return _draw_objects(prediction, prediction.instances, image)
    planes = planes_of(prediction, image)
    scale = _scale(planes)
    panels = [_panel(plane, prediction.labels.labels, scale) for plane in planes]
    legend = _legend(prediction, planes)
    top = MARGIN + LINE + (LINE if planes[0].title else 0)
    height = max(panel.height for panel in panels)
    panels_width = sum(panel.width for panel in panels) + GAP * (len(panels) - 1)
    width = max(panels_width + 2 * MARGIN, 420)
    rows = _wrapped(legend, width - 2 * MARGIN)
    below = top + height + GAP
    has_bar = prediction.mask.geometry.is_physical
    rows_top = below + (LINE - 4 if has_bar else 0)
    canvas = Picture.new("RGB", (width, rows_top + LINE * len(rows) + 8), GROUND)
    draw = ImageDraw.Draw(canvas)
    _text(draw, (MARGIN, MARGIN - 4), prediction.case_id, INK, 17, limit=width - 2 * MARGIN)
    left = MARGIN
    for plane, panel in zip(planes, panels, strict=True):
        canvas.paste(panel, (left, top))
        _text(draw, (left, top - LINE + 3), plane.title, FAINT, 13, limit=panel.width)
        _draw_sides(draw, plane.sides, (left, top, panel.width, panel.height))
        left += panel.width + GAP
    if has_bar:
        _draw_bar(draw, (MARGIN, below + 6), scale, panels[0].width)
    _draw_legend(draw, rows, rows_top)
    return canvas


def _draw_objects(
    prediction: Prediction, instances: Instances, image: Image | None
) -> Picture.Image:
    """Draw the picture with an outline for each object, and count the types below."""
    panel, shown = draw_outlines(prediction, instances, image)
    width = max(panel.width + 2 * MARGIN, 420)
    entries = _census(prediction, instances)
    if shown < 1:
        entries.append((None, f"shown at 1/{1 / shown:.0f} of its size"))
    rows = _wrapped(entries, width - 2 * MARGIN)
    top, geometry = MARGIN + LINE, prediction.mask.geometry
    below = top + panel.height + GAP
    rows_top = below + (LINE - 4 if geometry.is_physical else 0)
    canvas = Picture.new("RGB", (width, rows_top + LINE * len(rows) + 8), GROUND)
    draw = ImageDraw.Draw(canvas)
    _text(draw, (MARGIN, MARGIN - 4), prediction.case_id, INK, 17, limit=width - 2 * MARGIN)
    canvas.paste(panel, (MARGIN, top))
    if geometry.is_physical:
        per_um = shown / geometry.spacing_mm[-1] / 1000
        _draw_bar(draw, (MARGIN, below + 6), per_um, panel.width, unit="um")
    _draw_legend(draw, rows, rows_top)
    return canvas


def _census(prediction: Prediction, instances: Instances) -> list[tuple[Label | None, str]]:
    """Count the objects of each type, and those of none."""
    counts = {label: int((instances.types == label.id).sum()) for label in prediction.labels.labels}
    strange = instances.count - sum(counts.values())
    if strange:
        counts[Label(id=0, name=UNKNOWN, colour=UNKNOWN_COLOUR)] = strange
    rows = [(label, f"{label.name}  {count:,}") for label, count in counts.items()]
    return [(None, f"{instances.count:,} objects"), *rows]


def _scale(planes: list[Plane]) -> float:
    """Choose pixels per mm, the same for all planes, so that they fit side by side."""
    heights = [plane.size[0] for plane in planes]
    widths = [plane.size[1] for plane in planes]
    if len(planes) == 1:
        return MAX_SIDE / max(heights[0], widths[0])
    return min(MAX_HEIGHT / max(heights), (MAX_WIDTH - 2 * MARGIN - 2 * GAP) / sum(widths))


def _panel(plane: Plane, labels: tuple[Label, ...], scale: float) -> Picture.Image:
    height, width = plane.size
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = Picture.fromarray(np.ascontiguousarray(plane.pixels))
    panel = picture.resize(size, Picture.Resampling.BICUBIC)
    for label, region in zip(labels, plane.regions, strict=True):
        if region.any():
            place, inside, outline = _shapes(region, size)
            colour = Picture.new("RGB", inside.size, label.colour)
            panel.paste(colour, place, inside.point(lambda value: value * FILL))
            panel.paste(colour, place, outline)
    return panel


def _shapes(
    region: NDArray[np.bool_], size: tuple[int, int]
) -> tuple[tuple[int, int], Picture.Image, Picture.Image]:
    """Enlarge a region smoothly: where it begins, its inside and its outline, 0 to 255."""
    # Only the touched part of the panel is worked on: there may be a hundred labels.
    ends = []  # of the touched part in panel pixels, (first, last) of x and of y
    for axis, (length, target) in enumerate(zip(region.shape[::-1], size, strict=True)):
        touched = np.flatnonzero(region.any(axis=axis))
        first, last = (touched[0] - 2) * target // length, -((touched[-1] + 3) * -target // length)
        ends.append((max(0, int(first)), min(target, int(last))))
    (left, right), (top, bottom) = ends
    across, down = region.shape[1] / size[0], region.shape[0] / size[1]
    cut = (right - left, bottom - top)
    smooth = Picture.fromarray(region.astype(np.uint8) * 255).resize(
        (2 * cut[0], 2 * cut[1]),
        Picture.Resampling.BICUBIC,
        box=(left * across, top * down, right * across, bottom * down),
    )
    hard = smooth.point(lambda value: 255 if value >= 128 else 0)
    mean = hard.filter(ImageFilter.BoxBlur(3))  # full where all 7 x 7 are: an erosion, but fast
    core = mean.point(lambda value: 255 if value >= 253 else 0)
    ring = ImageChops.subtract(hard, core)
    box = Picture.Resampling.BOX
    return (left, top), hard.resize(cut, box), ring.resize(cut, box)


def _legend(prediction: Prediction, planes: list[Plane]) -> list[tuple[Label | None, str]]:
    """List labels with their sizes: all if they are few, else those in sight."""
    labels = prediction.labels
    in_sight = [
        any(plane.regions[place].any() for plane in planes) for place in range(len(labels.labels))
    ]
    is_short = len(labels.labels) <= MAX_LISTED
    counts = _counts(prediction)
    rows: list[tuple[Label | None, str]] = []
    for label, is_seen, count in zip(labels.labels, in_sight, counts, strict=True):
        if is_seen or is_short:
            rows.append((label, f"{label.name}  {_amount(prediction.mask.geometry, count)}"))
    if len(rows) < len(labels.labels):
        rows.append((None, f"and {len(labels.labels) - len(rows)} not in these planes"))
    return rows


def _counts(prediction: Prediction) -> list[int]:
    """Count the voxels of each label, in one pass slice by slice where ids allow it."""
    mask, labels = prediction.mask, prediction.labels
    if mask.num_layers is not None or mask.array.dtype.kind != "u":
        regions = (mask.region(label, labels) for label in labels.labels)
        return [int(np.count_nonzero(region)) for region in regions]
    totals = np.zeros(max(int(mask.array.max()), *labels.values) + 1, dtype=np.int64)
    for part in mask.array:
        totals += np.bincount(part.ravel(), minlength=len(totals))
    return [int(totals[list(label.ids)].sum()) for label in labels.labels]


def _amount(geometry: Geometry, count: int) -> str:
    """Say how much there is of a label, in ml where that makes sense."""
    if not count:
        return "none"
    if geometry.is_physical and geometry.dims == 3:
        volume = count * float(np.prod(geometry.spacing_mm)) / 1000
        return f"{volume:,.0f} ml" if volume >= 100 else f"{volume:.3g} ml"
    return f"{100 * count / np.prod(geometry.shape):.3g} %"


def _wrapped(
    entries: list[tuple[Label | None, str]], width: int
) -> list[list[tuple[int, Label | None, str]]]:
    """Set legend entries into lines; each with its distance from the left."""
    font = _font(14)
    lines: list[list[tuple[int, Label | None, str]]] = [[]]
    left = 0
    for label, text in entries:
        need = 20 + round(font.getlength(text)) + 22
        if left and left + need > width + 22:
            lines.append([])
            left = 0
        lines[-1].append((left, label, text))
        left += need
    return lines


def _draw_legend(
    draw: ImageDraw.ImageDraw, rows: list[list[tuple[int, Label | None, str]]], top: int
) -> None:
    for line, row in enumerate(rows):
        for left, label, text in row:
            x, y = MARGIN + left, top + line * LINE
            if label is not None:
                draw.rounded_rectangle((x, y + 3, x + 12, y + 15), 3, fill=label.colour)
            _text(draw, (x + 20 if label else x, y), text, INK if label else FAINT, 14)


def _draw_sides(draw: ImageDraw.ImageDraw, sides: str, box: tuple[int, int, int, int]) -> None:
    left, top, width, height = box
    middle, centre = top + height // 2, left + width // 2
    places = (
        (left + 4, middle, "lm"), (left + width - 4, middle, "rm"),
        (centre, top + 3, "ma"), (centre, top + height - 3, "md"),
    )  # fmt: skip
    for letter, (x, y, anchor) in zip(sides, places, strict=False):
        draw.text(
            (x, y), letter, fill=INK, font=_font(13), anchor=anchor,
            stroke_width=2, stroke_fill=GROUND,
        )  # fmt: skip


def _draw_bar(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    scale: float,
    width: int,
    *,
    unit: str = "mm",
) -> None:
    """Draw a bar of a round length, at most a third of the first panel."""
    longest = width / 3 / scale
    decade = 10.0 ** np.floor(np.log10(longest))
    length = max(step * decade for step in (1, 2, 5) if step * decade <= longest)
    x, y = place
    end = x + round(length * scale)
    draw.line((x, y, end, y), fill=FAINT, width=2)
    _text(draw, (end + 8, y - 9), f"{length:g} {unit}", FAINT, 13)


def _text(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    text: str,
    colour: tuple[int, int, int],
    size: int,
    *,
    limit: float = float("inf"),
) -> None:
    font = _font(size)
    shown = text[:300]
    while shown and font.getlength(shown) > limit:
        shown = shown[:-2] + "…" if len(shown) > 2 else ""
    draw.text(place, shown, fill=colour, font=font)


@lru_cache
def _font(size: int) -> Font:
    return ImageFont.load_default(size)
