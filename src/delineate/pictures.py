"""A case drawn on three planes: outlines of truth and prediction, classes, errors of the border."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable
from delineate.metrics.border_error import border_error, rim

TRUTH, PREDICTION = "#00c8ff", "#ff8c1a"  # told apart by every kind of colour vision
NO_BORDER = "#ff40ff"
"""Colour of a predicted border where the truth has no such class."""
STYLE: dict[Any, Any] = {
    "font.size": 9, "axes.titlesize": 10, "axes.titlecolor": "white", "text.color": "white",
}  # fmt: skip
PLANES = (  # what one sees when an axis is cut: name, then top, bottom, left, right
    ("axial", "A", "P", "R", "L"),
    ("coronal", "S", "I", "R", "L"),
    ("sagittal", "S", "I", "A", "P"),
)
Planes = list[tuple[str, tuple[slice | int, ...], float]]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A drawn case."""

    case: str
    """The case's id."""
    caption: str
    """What it shows, such as "worst: Dice 0.31"."""
    data: bytes
    """The file's bytes: a PNG or a JPEG."""

    @property
    def source(self) -> str:
        """The picture as a data URL."""
        kind = "jpeg" if self.data.startswith(b"\xff\xd8") else "png"
        return f"data:image/{kind};base64," + base64.b64encode(self.data).decode("ascii")


def choose_cases(
    cases: Sequence[str], scores: NDArray[np.float64], number: int, *, name: str = "mean Dice"
) -> dict[str, str]:
    """Choose cases worth looking at: the worst, the median, the best, then more of the worst.

    Args:
        cases: Ids.
        scores: Score of each case and class, (cases, classes), the higher the better; nan where
            absent.
        number: How many at most.
        name: What the mean of a case's scores is called.

    Returns:
        What to write beside each chosen case, by its id, in that order.
    """
    known = [place for place, line in enumerate(scores) if np.isfinite(line).any()]
    means = {cases[place]: float(np.nanmean(scores[place])) for place in known}
    order = sorted(means, key=lambda case: means[case])
    if len(order) >= 3:
        first = {order[0]: "worst: ", order[len(order) // 2]: "median: ", order[-1]: "best: "}
        order = [*first, *(case for case in order if case not in first)]
    else:
        first = {}
    return {case: f"{first.get(case, '')}{name} {means[case]:.3f}" for case in order[:number]}


def draw_case(
    prediction: Mask, truth: Mask, labels: LabelTable, *, image: Image | None = None
) -> bytes:
    """Draw truth and prediction: outlines, the predicted classes and the error of their border.

    A volume is cut in three planes, each where most of every class lies in truth or
    prediction, and shown as radiologists hold it (the patient's right on the left); all are
    cropped to what is outlined and its surroundings. The lowest row colours the predicted
    border by its distance to the true one, through all three axes, in mm.

    Args:
        prediction: What the model says, on the truth's grid; ids (*S) or layers (L, *S).
        truth: What is so.
        labels: What the numbers mean.
        image: What lies beneath; None draws on black.

    Returns:
        The bytes of a PNG.
    """
    grid = truth.geometry
    order, flips = grid.canonical_axes() if grid.dims == 3 else ((0, 1), ())
    said, true = (
        np.stack([_turn(mask.region(label, labels), order, flips) for label in labels.labels])
        for mask in (prediction, truth)
    )
    spacing = np.asarray(grid.spacing_mm)[list(order)]
    box = _crop((said | true).any(axis=0), spacing)
    said, true = said[:, *box], true[:, *box]
    black = np.zeros((1, *said.shape[1:]))
    beneath = black if image is None else _beneath(image, order, flips, box)
    planes = _planes(said | true, spacing)
    with rc_context(STYLE):
        figure = _lay_out(planes, said.shape[1:], spacing)
        panels = np.atleast_2d(figure.subplots(3, len(planes), squeeze=False))
        for column, (name, cut, aspect) in enumerate(planes):
            for panel, light in zip(panels[:, column], (1.0, 1.0, 0.55), strict=True):
                _show(panel, light * beneath[:, *cut], aspect)
            panels[0, column].set_title(name)
            _outline(panels[0, column], true[:, *cut], TRUTH, 2.4)
            _outline(panels[0, column], said[:, *cut], PREDICTION, 1.1)
            _fill(panels[1, column], said[:, *cut], labels)
            panels[1, column].set_title("predicted classes")
            if grid.dims == 3 and grid.is_physical:
                _letter(panels[0, column], name)
        _paint_errors(figure, panels, _error_maps(said, true, planes, spacing), grid.is_physical)
        _legend(figure, labels)
        target = io.BytesIO()
        figure.savefig(target, format="png", dpi=100, facecolor="black")
    return target.getvalue()


def _turn(array: NDArray[Any], order: Sequence[int], flips: Sequence[int]) -> NDArray[Any]:
    """Bring an array (*S) to how it is shown: from head to feet, front to back, right to left."""
    if array.ndim == 2:
        return array
    turned = np.flip(array.transpose(order), axis=tuple(flips))
    return np.flip(turned)


def _crop(inside: NDArray[Any], spacing: NDArray[Any]) -> tuple[slice, ...]:
    if not inside.any():
        return tuple(slice(None) for _ in inside.shape)
    places = np.argwhere(inside)
    low, high = places.min(0), places.max(0) + 1
    margin = np.ceil(0.2 * ((high - low) * spacing).max() / spacing).astype(int) + 3
    return tuple(
        slice(max(0, int(start)), int(stop))
        for start, stop in zip(low - margin, high + margin, strict=True)
    )


def _beneath(
    image: Image, order: Sequence[int], flips: Sequence[int], box: tuple[slice, ...]
) -> NDArray[np.float64]:
    """Cut the image out and window it to 0 to 1, (3 or 1, *S)."""
    is_colour = image.array.shape[0] == 3 and image.geometry.dims == 2
    channels = image.array[:3] if is_colour else image.array[:1]
    part = np.stack([_turn(channel, order, flips)[box] for channel in channels]).astype(np.float64)
    part = np.nan_to_num(part, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = (0.0, max(part.max(), 1.0)) if is_colour else np.percentile(part, [0.5, 99.5])
    return np.asarray(np.clip((part - low) / max(high - low, 1e-9), 0, 1))


def _planes(union: NDArray[np.bool_], spacing: NDArray[Any]) -> Planes:
    """Choose the cuts: name, index and the height of a pixel by its width."""
    inside = union.any(axis=0)
    if inside.ndim == 2:
        return [("", (slice(None), slice(None)), float(spacing[0] / spacing[1]))]
    planes: Planes = []
    for axis, (name, *_) in enumerate(PLANES):
        rest = tuple(place for place in range(3) if place != axis)
        areas = union.sum(axis=tuple(place + 1 for place in rest)).astype(np.float64)
        shares = areas / np.maximum(areas.max(axis=1, keepdims=True), 1)  # classes count alike
        where = int(shares.sum(axis=0).argmax()) if areas.any() else inside.shape[axis] // 2
        cut = tuple(where if place == axis else slice(None) for place in range(3))
        planes.append((name, cut, float(spacing[rest[0]] / spacing[rest[1]])))
    return planes


def _lay_out(planes: Planes, shape: tuple[int, ...], spacing: NDArray[Any]) -> Figure:
    """Make room by the true proportions of the planes."""
    extents = np.asarray(shape) * spacing
    sides = [
        [float(extents[axis]) for axis, part in enumerate(cut) if isinstance(part, slice)]
        for _, cut, _ in planes
    ]
    tallest = max(height / width for height, width in sides)
    width = 10.0 if len(planes) > 1 else 5.0
    height = 3 * min(max(width / len(planes) * tallest, 1.2), 3.6) + 0.9
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="black")
    figure.get_layout_engine().set(h_pad=0.1)  # type: ignore[union-attr, call-arg]
    return figure


def _show(panel: Axes, shown: NDArray[Any], aspect: float) -> None:
    picture = np.moveaxis(shown, 0, -1) if len(shown) == 3 else shown[0]
    panel.imshow(picture, cmap="gray", vmin=0, vmax=1, aspect=aspect, interpolation="nearest")
    panel.set(xticks=[], yticks=[], anchor="N")  # ticks cost time even where none is seen
    panel.set_axis_off()


def _outline(panel: Axes, masks: NDArray[np.bool_], colour: str, width: float) -> None:
    rows, columns = (np.arange(-1, size + 1) for size in masks.shape[1:])
    for mask in masks:
        if mask.any():  # the rim of zeros closes outlines at the edge
            panel.contour(columns, rows, np.pad(mask, 1).astype(np.float64), [0.5],
                          colors=[colour], linewidths=width)  # fmt: skip


def _fill(panel: Axes, masks: NDArray[np.bool_], labels: LabelTable) -> None:
    for place, mask in enumerate(masks):
        paint = np.zeros((*mask.shape, 4))
        paint[mask] = (*(part / 255 for part in labels.labels[place].colour), 0.55)
        panel.imshow(paint, aspect=panel.get_aspect(), interpolation="nearest")


def _error_maps(
    said: NDArray[np.bool_], true: NDArray[np.bool_], planes: Planes, spacing: NDArray[Any]
) -> list[NDArray[np.float32]]:
    """Measure the predicted borders on each plane: signed mm, nan elsewhere, the worst class."""
    maps = [np.full(said[0][cut].shape, np.nan, dtype=np.float32) for _, cut, _ in planes]
    steps = tuple(float(step) for step in spacing)
    for mask, goal in zip(said, true, strict=True):
        if not mask.any():
            continue
        places = np.argwhere(mask | goal)
        low, high = places.min(0), places.max(0) + 1
        box = tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))
        error = np.full(mask.shape, np.inf, dtype=np.float32)
        error[box] = border_error(mask[box], goal[box], steps)
        for picture, (_, cut, _) in zip(maps, planes, strict=True):
            edge = rim(mask[cut]) & ~(np.abs(picture) > np.abs(error[cut]))
            picture[edge] = error[cut][edge]
    return maps


def _paint_errors(
    figure: Figure, panels: NDArray[Any], maps: Sequence[NDArray[np.float32]], is_physical: bool
) -> None:
    known = np.concatenate([np.abs(error[np.isfinite(error)]) for error in maps])
    limit = max(float(np.percentile(known, 99)), 1.0) if known.size else 1.0
    has_none = any(np.isinf(error).any() for error in maps)
    colours = colormaps["coolwarm"].with_extremes(over=NO_BORDER, bad=(0, 0, 0, 0))
    for panel, error in zip(panels[-1], maps, strict=True):
        shown = np.where(np.isinf(error), error, np.clip(error, -limit, limit))
        paint = panel.imshow(shown, cmap=colours, vmin=-limit, vmax=limit,
                             aspect=panel.get_aspect(), interpolation="nearest")  # fmt: skip
        more = "; magenta: the truth has none" if has_none else ""
        panel.set_title(f"error of the border{more}")
    bar = figure.colorbar(paint, ax=panels, location="right", shrink=0.3, anchor=(0, 0), pad=0.01)
    unit = "mm" if is_physical else "px"
    bar.set_label(f"{unit} outside (+) or\ninside (−) the true border", color="white", fontsize=8)
    bar.ax.tick_params(colors="white", labelsize=8)


def _letter(panel: Axes, name: str) -> None:
    top, bottom, left, right = next(letters for plane, *letters in PLANES if plane == name)
    places = ((0.5, 0.97), (0.5, 0.03), (0.03, 0.5), (0.97, 0.5))
    for text, (x, y) in zip((top, bottom, left, right), places, strict=True):
        panel.text(x, y, text, transform=panel.transAxes, ha="center", va="center", fontsize=8,
                   color="#ffe08a", bbox={"facecolor": "black", "alpha": 0.55, "pad": 1.2,
                                          "linewidth": 0})  # fmt: skip


def _legend(figure: Figure, labels: LabelTable) -> None:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=TRUTH, lw=2.4, label="truth"),
        Line2D([], [], color=PREDICTION, lw=1.4, label="prediction"),
    ]
    handles += [
        Patch(color="#{:02x}{:02x}{:02x}".format(*label.colour), label=_short(label.name))
        for label in labels.labels[:12]
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=6, frameon=False)


def _short(name: str, limit: int = 24) -> str:
    plain = name.replace("$", r"\$")  # no formulas out of names
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"
