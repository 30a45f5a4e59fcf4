"""NRRD and seg.nrrd: whatever its space is called, turned to RAS+; segments as 3D Slicer writes."""

import re
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import FileError, LabelError
from delineate.core.geometry import Geometry
from delineate.core.labels import CodedConcept, Label, LabelTable
from delineate.readers.content import AnyArray, Content, check_spacing, native, placed
from delineate.readers.guard import guarded, present

TO_RAS = {
    "left-posterior-superior": (-1, -1, 1), "lps": (-1, -1, 1),
    "right-anterior-superior": (1, 1, 1), "ras": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1), "las": (-1, 1, 1),
}  # fmt: skip
UNIT_MM = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001, "µm": 0.001}
Matrix = NDArray[np.float64]


def open_nrrd(path: Path) -> Content:
    """Read the header of an NRRD file.

    Args:
        path: A .nrrd, .seg.nrrd or .nhdr file.

    Returns:
        Its content, (C, Z, Y, X) or (C, Y, X), with the segment table if there is one.

    Raises:
        FileError: If it is damaged, its data lie elsewhere, or its axes are not two or three
            in space and at most one of channels.
    """
    with guarded(present(path), "NRRD"):
        header = {**nrrd.read_header(str(path)), **_own_keys(path)}
        sizes = tuple(int(size) for size in header["sizes"])
        channel = _channel_axis(header, len(sizes))
    _check_data_file(header, path)
    spatial = [axis for axis in range(len(sizes)) if axis != channel]
    if len(spatial) not in (2, 3) or str(header["type"]) == "block":
        raise FileError(
            f"{path} has the sizes {sizes}, but two or three axes in space and at most one of "
            "channels are needed. Split it into single volumes."
        )
    matrix, notes, is_physical = _place(header, spatial, path)
    grid = placed([sizes[axis] for axis in reversed(spatial)], _reversed(matrix), path)
    geometry = Geometry(shape=grid.shape, affine=grid.affine, is_physical=is_physical)
    num_channels = 1 if channel is None else sizes[channel]
    labels, segments = _segments(header, num_channels)
    if any(int(step) for step in _words(header, "Segmentation_ReferenceImageExtentOffset")):
        notes.append(f"{path.name} covers only a part of the image that it was drawn on.")
    return Content(
        geometry=geometry,
        load=lambda: _load(path, channel, len(sizes)),
        source=str(path),
        num_channels=num_channels,
        notes=tuple(notes),
        labels=labels,
        segments=segments if num_channels > 1 else (),
    )


def _own_keys(path: Path) -> dict[str, Any]:
    """Read the `key:=value` lines as UTF-8, of which pynrrd drops all that is not ASCII."""
    keys: dict[str, Any] = {}
    with path.open("rb") as stream:
        while line := stream.readline().strip():
            key, sign, value = line.decode("utf-8", "replace").partition(":=")
            if sign and not key.startswith("#"):
                keys[key] = value
    return keys


def _check_data_file(header: dict[str, Any], path: Path) -> None:
    named = str(header.get("data file", header.get("datafile", "")))
    if "LIST" in named or "%" in named or (named and Path(named).name != named.removeprefix("./")):
        raise FileError(
            f"{path} keeps its data in {named.split()[0]!r}. Save it as one .nrrd file, "
            "or put header and data into one folder."
        )


def _channel_axis(header: dict[str, Any], num_axes: int) -> int | None:
    directions = header.get("space directions")
    if directions is not None:
        rows = [np.asarray(row, dtype=float) if row is not None else None for row in directions]
        free = [place for place, row in enumerate(rows) if row is None or np.isnan(row).all()]
    else:
        kinds = header.get("kinds", ["domain"] * num_axes)
        free = [place for place, kind in enumerate(kinds) if kind not in ("domain", "space", "???")]
    if len(free) > 1:
        raise ValueError(f"axes {free} are no axes in space")
    return free[0] if free else None


def _place(
    header: dict[str, Any], spatial: list[int], path: Path
) -> tuple[Matrix, list[str], bool]:
    """Find index (i, j, k) to RAS+ mm, (D + 1, D + 1), with notes and whether it is physical."""
    dims = len(spatial)
    notes = []
    matrix = np.eye(dims + 1)
    directions = header.get("space directions")
    if directions is not None:
        vectors = np.array([directions[axis] for axis in spatial], dtype=np.float64)
        if vectors.shape != (dims, dims):
            raise FileError(f"{path} is a flat image in a 3-D space. Save it as one slice of 3-D.")
        matrix[:dims, :dims] = vectors.T
        check_spacing(np.linalg.norm(vectors, axis=1).tolist(), path)
    elif "spacings" in header:
        steps = [float(header["spacings"][axis]) for axis in spatial]
        check_spacing(steps, path)
        matrix[:dims, :dims] = np.diag(steps)
    else:
        notes.append(f"{path.name} has no spacing; a unit is one voxel.")
    if "space origin" in header:
        matrix[:dims, dims] = np.asarray(header["space origin"], dtype=np.float64)[:dims]
    space = str(header.get("space", "")).lower()
    if dims == 3 and space not in TO_RAS:
        notes.append(f"{path.name} names no anatomical space; left-posterior-superior was taken.")
    signs = TO_RAS.get(space, (-1, -1, 1) if dims == 3 else (1, 1))[:dims]
    units = {UNIT_MM.get(unit.strip('"'), 1.0) for unit in _words(header, "space units")} or {1.0}
    if len(units) > 1:
        raise FileError(f"{path} mixes units of length. Save it in millimetres.")
    scale = units.pop()
    is_placed = dims == 3 and not np.array_equal(matrix, np.eye(4))
    is_physical = is_placed or "space units" in header
    return np.diag([*(scale * sign for sign in signs), 1.0]) @ matrix, notes, is_physical


def _reversed(matrix: Matrix) -> Matrix:
    dims = matrix.shape[0] - 1
    return matrix[:, [*reversed(range(dims)), dims]]


def _words(header: dict[str, Any], key: str) -> list[str]:
    value = header.get(key, "")
    return value.split() if isinstance(value, str) else [str(word) for word in value]


def _segments(
    header: dict[str, Any], num_channels: int
) -> tuple[LabelTable | None, tuple[tuple[int, int], ...]]:
    """Read the segment table: the classes, and the layer and value of each."""
    matches = (re.fullmatch(r"Segment(\d+)_ID", key) for key in header)
    places = sorted(int(match.group(1)) for match in matches if match)
    rows = []
    for place in places:
        layer = int(header.get(f"Segment{place}_Layer", place if num_channels > 1 else 0))
        value = int(header.get(f"Segment{place}_LabelValue", 1 if num_channels > 1 else place + 1))
        rows.append((layer, value))
    values = [value for _, value in rows]
    is_distinct = len(set(values)) == len(values)
    labels = []
    for order, (place, value) in enumerate(zip(places, values, strict=True)):
        colour = str(header.get(f"Segment{place}_Color", "1 0 0")).split()
        red, green, blue = (round(255 * float(part)) for part in colour)
        labels.append(
            Label(
                id=value if is_distinct else order + 1,
                name=str(header.get(f"Segment{place}_Name", header[f"Segment{place}_ID"])),
                colour=(red, green, blue),
                concept=_concept(str(header.get(f"Segment{place}_Tags", ""))),
            )
        )
    if not labels:
        return None, ()
    try:
        return LabelTable(labels=tuple(labels), overlapping=num_channels > 1), tuple(rows)
    except LabelError:
        return None, tuple(rows)


def _concept(tags: str) -> CodedConcept | None:
    """Read the type of a terminology entry: `context~category~type~modifier~...`."""
    match = re.search(r"TerminologyEntry:([^|]*)", tags)
    parts = match.group(1).split("~") if match else []
    scheme, value, meaning = (*(parts[2].split("^") if len(parts) > 2 else ()), "", "", "")[:3]
    return CodedConcept(value=value, scheme=scheme, meaning=meaning) if value and scheme else None


def _load(path: Path, channel: int | None, num_axes: int) -> AnyArray:
    with guarded(path, "NRRD"), path.open("rb") as stream:
        header = nrrd.read_header(stream)
        array = np.asarray(nrrd.read_data(header, stream, str(path), index_order="C"))
        if channel is None:
            return native(array)[None]
        return native(np.ascontiguousarray(np.moveaxis(array, num_axes - 1 - channel, 0)))
