"""NIfTI-1 and NIfTI-2: which of its three geometries to believe, and its numbers, scaled.

nibabel mends broken headers silently (a spacing of 0 becomes 1), so the header is read
unchecked and judged here.
"""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.arrayproxy import ArrayProxy
from nibabel.openers import ImageOpener
from numpy.typing import NDArray

from delineate.core.errors import FileError
from delineate.core.geometry import Geometry
from delineate.core.labels import LabelTable
from delineate.core.tags import labels_of_tag
from delineate.readers.content import AnyArray, Content, check_spacing, native, placed
from delineate.readers.guard import guarded, present

UNIT_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
Matrix = NDArray[np.float64]


def open_nifti(path: Path) -> Content:
    """Read the header of a NIfTI file.

    The sform is preferred, then the qform, then the bare spacing. Axes after the third are
    channels; those of length 1 are dropped.

    Args:
        path: A .nii or .nii.gz file.

    Returns:
        Its content, (C, Z, Y, X), or (C, Y, X) for a flat file in the x-y plane.

    Raises:
        FileError: If it is damaged or holds what is no image.
    """
    with guarded(present(path), "NIfTI"):
        header, comments = _read_header(path)
        shape = tuple(int(size) for size in header.get_data_shape())
    extra = [size for size in shape[3:] if size != 1]
    if len(shape) < 2 or min(shape) < 1 or len(extra) > 1:
        raise FileError(
            f"{path} has the shape {shape}, but one image or one series of channels is needed. "
            "Split it into single volumes."
        )
    if np.dtype(header.get_data_dtype()).kind == "c":
        raise FileError(f"{path} holds complex numbers. Save the magnitude instead.")
    matrix, notes = _place(header, path, shape)
    geometry = _geometry(shape, matrix, path)
    colours = header.get_data_dtype().names
    return Content(
        geometry=geometry,
        load=lambda: _load(path, header, geometry),
        source=str(path),
        num_channels=3 if colours else (extra or [1])[0],
        channels=("red", "green", "blue") if colours else (),
        notes=notes,
        labels=_labels(comments),
    )


def _read_header(path: Path) -> tuple[Any, list[str]]:
    with ImageOpener(str(path)) as stream:
        start = stream.read(4)
        sizes = {int.from_bytes(start, order) for order in ("little", "big")}
        kinds = {348: nib.Nifti1Header, 540: nib.Nifti2Header}
        found = [kind for size, kind in kinds.items() if size in sizes]
        if not found:
            raise ValueError("its first bytes are those of no NIfTI header")
        stream.seek(0)
        header: Any = found[0].from_fileobj(stream, check=False)  # type: ignore[no-untyped-call]
        comments = [
            bytes(extension.content).decode("utf-8", "replace").rstrip("\0")
            if isinstance(extension.content, bytes)
            else str(extension.content)
            for extension in header.extensions
            if extension.get_code() == 6
        ]
    return header, comments


def _labels(comments: list[str]) -> LabelTable | None:
    tables = (labels_of_tag(comment) for comment in comments)
    return next((table for table in tables if table is not None), None)


def _place(header: Any, path: Path, shape: tuple[int, ...]) -> tuple[Matrix, tuple[str, ...]]:  # noqa: ANN401
    """Choose among sform, qform and spacing: index (i, j, k) to RAS+ mm, with notes."""
    check_spacing(header["pixdim"][1 : min(len(shape), 3) + 1], path)
    notes = []
    sform, qform = _form(header, "sform"), _form(header, "qform")
    for name, form in (("sform", sform), ("qform", qform)):
        if form is None and int(header[f"{name}_code"]) > 0:
            notes.append(f"The {name} of {path.name} is not invertible and was passed over.")
    if sform is not None and qform is not None:
        gap = _gap(sform, qform, shape)
        if gap > max(0.01, 0.01 * float(np.linalg.norm(sform[:3, :3], axis=0).min())):
            notes.append(
                f"The sform and the qform of {path.name} disagree by up to {gap:.3g} mm; "
                "the sform was taken."
            )
    if sform is None and qform is None:
        notes.append(
            f"{path.name} has neither a valid sform nor a valid qform; its spacing was taken, "
            "and orientation and position are unknown."
        )
    bare = np.diag([*_spacing(header, shape), 1.0])
    matrix = sform if sform is not None else qform if qform is not None else bare
    scale = UNIT_MM.get(int(header["xyzt_units"]) & 7, 1.0)
    if scale != 1.0:
        notes.append(f"{path.name} was not in millimetres; spacing was multiplied by {scale:g}.")
    return np.diag([scale, scale, scale, 1.0]) @ matrix, tuple(notes)


def _form(header: Any, name: str) -> Matrix | None:  # noqa: ANN401 - nibabel is untyped here
    try:
        form, code = getattr(header, f"get_{name}")(coded=True)
    except nib.spatialimages.HeaderDataError:
        return None
    if code == 0 or form is None or not np.isfinite(form).all():
        return None
    return None if abs(np.linalg.det(form[:3, :3])) < 1e-9 else np.asarray(form, dtype=np.float64)


def _spacing(header: Any, shape: tuple[int, ...]) -> list[float]:  # noqa: ANN401
    steps = [float(step) for step in header["pixdim"][1:4]]
    return [step if axis < len(shape) else 1.0 for axis, step in enumerate(steps)]


def _gap(first: Matrix, second: Matrix, shape: tuple[int, ...]) -> float:
    full = (*shape[:3], 1)[:3]
    one, other = (Geometry(shape=full, affine=matrix) for matrix in (first, second))
    return one.corner_distance_mm(other)


def _geometry(shape: tuple[int, ...], matrix: Matrix, path: Path) -> Geometry:
    """Reverse the axes; a flat file keeps two of them if no information is lost by it."""
    tilted = np.abs([matrix[2, 0], matrix[2, 1], matrix[2, 3], matrix[0, 2], matrix[1, 2]])
    if len(shape) == 2 and not tilted.any():
        return placed(shape[::-1], matrix[np.ix_([0, 1, 3], [1, 0, 3])], path)
    full = (*shape[:3], 1)[:3]
    return placed(full[::-1], matrix[:, [2, 1, 0, 3]], path)


def _load(path: Path, header: Any, geometry: Geometry) -> AnyArray:  # noqa: ANN401
    with guarded(path, "NIfTI"):
        proxy: Any = ArrayProxy(str(path), header, mmap=False)  # type: ignore[no-untyped-call]
        is_scaled = (proxy.slope, proxy.inter) != (1.0, 0.0)
        array = np.asarray(proxy, dtype=np.float32) if is_scaled else proxy.get_unscaled()
        if array.dtype.names:
            colours: Any = array
            array = np.stack([colours[name].squeeze() for name in ("R", "G", "B")], axis=-1)
        return native(array.T.reshape(-1, *geometry.shape))
