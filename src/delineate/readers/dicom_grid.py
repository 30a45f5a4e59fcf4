"""A regular grid laid over the slices of one volume, and the values brought onto it.

Steps are judged by an absolute and a relative tolerance together: headers round, and scanners
jitter by hundredths of a millimetre, while a missing slice is always a whole step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.core.findings import Finding
from delineate.core.geometry import Geometry
from delineate.core.image import AnyArray
from delineate.readers.dicom_frames import AIR, FloatArray, Frame

TOLERANCE_MM = 0.1
"""Millimetres by which one slice distance may differ."""
TOLERANCE = 0.1
"""Share of the slice distance by which it may differ; the smaller of both counts."""
DRIFT_PX = 0.25
"""Pixels that the whole stack may drift aside before it counts as tilted."""
MAX_TILT_DEGREES = 45.0
"""Tilt beyond which the header is not believed; gantries reach 30."""
MAX_GAP_MM = 30.0
"""Longest gap that is filled for the model."""
MAX_MISSING = 0.25
"""Largest share of planes that may be missing."""
MAX_GROWTH = 4
"""Times that an uneven stack may have planes on the grid."""
GIVE_AGAIN = "Send the series again, all slices of it."


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Slices in order, the grid over them, and what was found on the way."""

    frames: tuple[Frame, ...]
    """Slices along the normal."""
    geometry: Geometry | None
    """The regular grid (Z, Y, X); None if there is a refusal among the findings."""
    places: FloatArray
    """Index of each slice's first pixel on the grid, (n, 3); empty without a grid."""
    is_resampled: bool
    """True if planes of the grid are not slices, one to one."""
    findings: tuple[Finding, ...]
    """What was found."""


def lay_grid(frames: Sequence[Frame]) -> Grid:
    """Order slices of one size and orientation, none two at one place, and lay a grid.

    Args:
        frames: At least one slice with sound geometry.

    Returns:
        The grid and what was found: ONE_SLICE, GAP, VARIABLE_SPACING, TILT or OFF_LINE.
    """
    first = frames[0]
    heights = np.array([frame.position @ first.normal for frame in frames])
    ordered = tuple(frames[place] for place in np.argsort(heights, kind="stable"))
    heights = np.sort(heights)
    if len(ordered) == 1:
        return _of_one(ordered)
    positions = np.array([frame.position for frame in ordered])
    step, findings = _step_of(ordered, heights)
    aside, trouble = _drift(ordered, heights, positions)
    findings += trouble
    if any(finding.severity == "refusal" for finding in findings):
        return Grid(
            frames=ordered,
            geometry=None,
            places=np.empty((0, 3)),
            is_resampled=False,
            findings=tuple(findings),
        )
    is_tilted = any(finding.code == "TILT" for finding in findings)
    is_uneven = step is not None
    if is_tilted or step is not None:
        usual = step if step is not None else float(np.mean(np.diff(heights)))
        matrix, shape = _upright(ordered, heights, aside, usual)
    else:
        along = (positions[-1] - positions[0]) / (len(ordered) - 1)
        matrix, shape = _matrix(ordered[0], positions[0], along), (len(ordered), *first.size)
    geometry = Geometry(shape=shape, affine=_to_ras(matrix))
    world = np.c_[positions, np.ones(len(positions))]
    places = (np.linalg.inv(matrix) @ world.T)[:3].T
    return Grid(
        frames=ordered,
        geometry=geometry,
        places=places,
        is_resampled=is_tilted or is_uneven,
        findings=tuple(findings),
    )


def bring(stack: AnyArray, grid: Grid) -> AnyArray:
    """Interpolate slices onto the regular grid.

    Between two slices the values run linearly; in the plane a shifted slice is interpolated
    linearly, too. What no slice covers is air in a CT, elsewhere 0.

    Args:
        stack: Values of the slices in order, (n, rows, columns).
        grid: The grid that was laid over them.

    Returns:
        Values on the grid, (Z, Y, X), same dtype; the stack itself where nothing was resampled.
    """
    if not grid.is_resampled or grid.geometry is None:
        return stack
    shape = grid.geometry.shape
    fill = AIR if grid.frames[0].modality == "CT" else 0.0
    target = np.empty(shape, dtype=stack.dtype)
    heights = grid.places[:, 0]
    for z in range(shape[0]):
        upper = int(np.searchsorted(heights, z).clip(1, len(heights) - 1))
        lower = upper - 1
        share = float(np.clip((z - heights[lower]) / (heights[upper] - heights[lower]), 0, 1))
        plane = np.zeros(shape[1:], dtype=np.float64)
        for place, weight in ((lower, 1 - share), (upper, share)):
            if weight > 1e-3:
                plane += weight * _shifted(stack[place], grid.places[place, 1:], shape[1:], fill)
        target[z] = np.rint(plane) if stack.dtype.kind in "iu" else plane
    return target


def _of_one(frames: tuple[Frame, ...]) -> Grid:
    frame = frames[0]
    told = [frame.plane.get("between"), frame.plane.get("thickness")]
    usable = [value for value in told if value is not None and np.isfinite(value) and value > 0]
    step = usable[0] if usable else 1.0
    matrix = _matrix(frame, frame.position, frame.normal * step)
    finding = Finding(
        code="ONE_SLICE",
        severity="note",
        sentence=f"It is one slice; {step:g} mm were taken as its thickness.",
        sop_uids=(frame.sop_uid,),
    )
    return Grid(
        frames=frames,
        geometry=Geometry(shape=(1, *frame.size), affine=_to_ras(matrix)),
        places=np.zeros((1, 3)),
        is_resampled=False,
        findings=(finding,),
    )


def _step_of(frames: Sequence[Frame], heights: FloatArray) -> tuple[float | None, list[Finding]]:
    """Find the step of an uneven stack; None if it is even within the tolerance."""
    steps = np.diff(heights)
    usual = float(np.median(steps))
    allowed = min(TOLERANCE_MM, TOLERANCE * usual)
    even = heights[0] + np.arange(len(heights)) * (heights[-1] - heights[0]) / (len(heights) - 1)
    if np.abs(steps - usual).max() <= allowed and np.abs(heights - even).max() <= allowed:
        return None, []
    base = usual if steps.min() >= usual - allowed else float(steps.min())
    counts = np.rint(steps / base)
    is_whole = bool((np.abs(steps - counts * base) <= allowed * np.maximum(counts, 1)).all())
    missing = int(counts.sum() - len(steps))
    wide = [place for place, step in enumerate(steps) if step > base + allowed]
    is_gap = is_whole and len(wide) <= max(1, 0.25 * len(steps))
    where = ", ".join(
        f"{heights[place]:.2f} to {heights[place + 1]:.2f} mm" for place in wide[:5]
    ) + (", ..." if len(wide) > 5 else "")
    uids = tuple(dict.fromkeys(frames[at].sop_uid for place in wide for at in (place, place + 1)))
    if is_gap:
        base = float(np.median(steps[counts == 1]))
        are = "is" if missing == 1 else "are"
        sentence = f"Slices lie {base:.2f} mm apart, but {missing} {are} missing: {where}."
        mend = "Planes there are interpolated for the model, and nothing is written on them."
        too_much = missing > MAX_MISSING * (len(heights) + missing)
    else:
        sentence = f"Slices are {steps.min():.2f} to {steps.max():.2f} mm apart, wide at {where}."
        mend = "They are resampled for the model; results go back to the true slices."
        too_much = False
        if (heights[-1] - heights[0]) / base > MAX_GROWTH * len(heights):
            base = usual
    if too_much or steps.max() > MAX_GAP_MM:
        limit = f" More than {MAX_GAP_MM:g} mm or {MAX_MISSING:.0%} is too much to fill in."
        code = "GAP"
        return base, [_finding(code, "refusal", sentence + limit, GIVE_AGAIN, uids)]
    code = "GAP" if is_gap else "VARIABLE_SPACING"
    return base, [_finding(code, "repair", sentence, mend, uids)]


def _drift(
    frames: Sequence[Frame], heights: FloatArray, positions: FloatArray
) -> tuple[FloatArray, list[Finding]]:
    """Measure how slices move in their plane: mm along increasing rows and columns, (n, 2)."""
    first = frames[0]
    axes = np.stack([first.orientation[3:], first.orientation[:3]])
    aside = (positions - positions[0]) @ axes.T
    rise = heights - heights[0]
    fit = (rise @ aside) / (rise @ rise)
    off_line = np.abs(aside - rise[:, None] * fit).max(axis=1)
    worst = int(np.argmax(off_line))
    if off_line[worst] > max(1.0, float(first.spacing.max())):
        sentence = f"A slice lies {off_line[worst]:.2f} mm beside the line of the others."
        mend = "Its header or the series is damaged; send it again."
        return aside, [_finding("OFF_LINE", "refusal", sentence, mend, (frames[worst].sop_uid,))]
    drift = np.abs(aside).max(axis=0) / first.spacing
    if drift.max() <= DRIFT_PX:
        return aside, []
    degrees = float(np.degrees(np.arctan(np.linalg.norm(fit))))
    uids = tuple(frame.sop_uid for frame in frames)
    if degrees > MAX_TILT_DEGREES:
        sentence = f"The stack leans by {degrees:.1f} degrees, which no gantry does."
        return aside, [_finding("TILT", "refusal", sentence, GIVE_AGAIN, uids)]
    sentence = f"The gantry is tilted by {degrees:.1f} degrees."
    mend = "Slices are resampled upright for the model; results go back to the true slices."
    return aside, [_finding("TILT", "repair", sentence, mend, uids)]


def _upright(
    frames: Sequence[Frame], heights: FloatArray, aside: FloatArray, step: float
) -> tuple[FloatArray, tuple[int, int, int]]:
    """Lay a grid at right angles that holds every slice; (4, 4) in LPS, and its shape."""
    first = frames[0]
    pixels = aside / first.spacing
    low = np.floor(pixels.min(axis=0) + 1e-3)
    high = np.ceil(pixels.max(axis=0) - 1e-3)
    rows, columns = (int(size + more) for size, more in zip(first.size, high - low, strict=True))
    origin = first.position + (low * first.spacing) @ np.stack(
        [first.orientation[3:], first.orientation[:3]]
    )
    depth = int(np.floor((heights[-1] - heights[0]) / step + 0.5)) + 1
    return _matrix(first, origin, first.normal * step), (depth, rows, columns)


def _matrix(frame: Frame, origin: FloatArray, along: FloatArray) -> FloatArray:
    """Index (z, y, x) to LPS mm, (4, 4)."""
    matrix = np.eye(4)
    matrix[:3, 0] = along
    matrix[:3, 1] = frame.orientation[3:] * frame.spacing[0]
    matrix[:3, 2] = frame.orientation[:3] * frame.spacing[1]
    matrix[:3, 3] = origin
    return matrix


def _to_ras(matrix: FloatArray) -> FloatArray:
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix


def _shifted(
    plane: AnyArray, shift: NDArray[np.float64], shape: tuple[int, ...], fill: float
) -> FloatArray:
    """Lay a plane with its first pixel at a fractional place of a larger one."""
    target = np.full(shape, fill, dtype=np.float64)
    source = plane.astype(np.float64)
    corner = []
    for axis, offset in enumerate(shift):
        whole = int(np.floor(offset + 1e-3))
        part = float(np.clip(offset - whole, 0, 1))
        if part > 1e-3:  # one pixel longer, and its edges repeat
            edges = [(0, 0), (0, 0)]
            edges[axis] = (1, 1)
            wide = np.pad(source, edges, mode="edge")
            ahead = np.take(wide, range(1, wide.shape[axis]), axis)
            behind = np.take(wide, range(wide.shape[axis] - 1), axis)
            source = (1 - part) * ahead + part * behind
        corner.append(whole)
    spans = [
        (max(0, start), min(size, start + length))
        for start, length, size in zip(corner, source.shape, shape, strict=True)
    ]
    if all(stop > start for start, stop in spans):
        (top, bottom), (left, right) = spans
        target[top:bottom, left:right] = source[
            top - corner[0] : bottom - corner[0], left - corner[1] : right - corner[1]
        ]
    return target


def _finding(code: str, severity: str, sentence: str, mend: str, uids: tuple[str, ...]) -> Finding:
    return Finding(code=code, severity=severity, sentence=sentence, mend=mend, sop_uids=uids)  # type: ignore[arg-type]
