"""A plain DICOM series: one frame a file, parallel and evenly spaced, made one volume.

Slices are ordered by their position along the normal, never by name or number. What is not
plain (several frames in a file, gaps, two series in a folder) is refused by name.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import FileError, GeometryError
from delineate.core.formats import Reader
from delineate.core.image import Image, Mask
from delineate.readers.content import AnyArray, Content, check_spacing, native, placed
from delineate.readers.guard import guarded, present

MAGIC_OFFSET = 128
UNEVEN = 0.01
"""Share of the slice distance by which single distances may differ."""
SAME = 1e-3
"""Difference of direction cosines and pixel spacings that is rounding only."""


class DicomReader(Reader):
    """Reads a folder that holds one plain series, or a single slice as a volume of one."""

    suffixes = (".dcm", ".dicom", ".ima")

    def can_read(self, path: Path) -> bool:
        """Tell whether a file is DICOM, by ending or content, or a folder holds such files.

        Args:
            path: A file or a folder.

        Returns:
            True if it is DICOM.
        """
        if path.is_dir():
            return bool(slice_files(path, only_one=True))
        return super().can_read(path) or (_may_be_slice(path) and _has_magic(path))

    def read_image(self, path: Path) -> Image:
        """Read all headers now and the pixels when they are first touched.

        Args:
            path: A folder or a file.

        Returns:
            Image of shape (1, Z, Y, X); Z runs along the normal of the slices.
        """
        return open_series(path).image()

    def read_mask(self, path: Path) -> Mask:
        """Read a series whose values are labels.

        Args:
            path: A folder or a file.

        Returns:
            Mask of ids (Z, Y, X).
        """
        return open_series(path).mask()


def slice_files(folder: Path, *, only_one: bool = False) -> list[Path]:
    """Find the DICOM files that lie directly in a folder.

    Args:
        folder: The folder.
        only_one: True to stop at the first, to find out whether there is any.

    Returns:
        Files that end as DICOM does, or have no ending (or a number for one) and its mark at
        byte 128; hidden ones and the index DICOMDIR are left out.

    Raises:
        FileError: If the folder cannot be listed.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise FileError(
            f"{folder} cannot be listed ({error.strerror}). Check the permissions."
        ) from error
    found = []
    for entry in entries:
        if entry.name.startswith(".") or entry.name == "DICOMDIR" or not entry.is_file():
            continue
        if entry.name.lower().endswith(DicomReader.suffixes) or (
            _may_be_slice(entry) and _has_magic(entry)
        ):
            found.append(entry)
            if only_one:
                break
    return found


def open_series(path: Path) -> Content:
    """Read the headers of a series and put its slices in order.

    Args:
        path: A folder that holds one series, or one file.

    Returns:
        Its content, (1, Z, Y, X), with the modality as the channel's name.

    Raises:
        FileError: If a file cannot be read, or the files are not one plain series.
    """
    files = slice_files(path) if path.is_dir() else [present(path)]
    if not files:
        raise FileError(f"{path} holds no DICOM files. Name the folder of one series.")
    headers = [(_read_header(file), file) for file in files]
    _check_plain(headers, path)
    notes: list[str] = []
    ordered, step = _order(headers, path, notes)
    first = ordered[0][0]
    row_step, column_step = (float(step) for step in first.PixelSpacing)
    check_spacing((row_step, column_step), ordered[0][1])
    cosines = np.array(first.ImageOrientationPatient, dtype=np.float64)
    along_row, along_column = cosines[:3], cosines[3:]
    matrix = np.eye(4)
    matrix[:3, 0] = step
    matrix[:3, 1] = along_column * row_step
    matrix[:3, 2] = along_row * column_step
    matrix[:3, 3] = np.array(first.ImagePositionPatient, dtype=np.float64)
    matrix[:2] *= -1  # LPS to RAS
    if str(first.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        notes.append(f"{path.name} is stored with white as the smallest value; values were kept.")
    sorted_files = [file for _, file in ordered]
    return Content(
        geometry=placed((len(ordered), int(first.Rows), int(first.Columns)), matrix, path),
        load=lambda: _load(sorted_files),
        source=str(path),
        channels=(str(first.get("Modality", "")) or "channel 0",),
        notes=tuple(notes),
    )


def _has_magic(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(MAGIC_OFFSET + 4)[MAGIC_OFFSET:] == b"DICM"
    except OSError:
        return False


def _may_be_slice(path: Path) -> bool:
    """Tell whether a file without a DICOM ending deserves a look inside."""
    return not path.suffix or path.suffix[1:].isdecimal()


def _read_header(file: Path) -> Any:  # noqa: ANN401 - a pydicom dataset
    import pydicom

    with guarded(present(file), "DICOM"):
        header = pydicom.dcmread(file, stop_before_pixels=True)
        needed = ("Rows", "Columns", "SeriesInstanceUID")
        absent = [name for name in needed if name not in header]
        if absent:
            raise FileError(
                f"{file} is DICOM but no image (it lacks {', '.join(absent)}). Leave it out."
            )
        _check_compression(header, file)
        return header


def _check_compression(header: Any, file: Path) -> None:  # noqa: ANN401
    from pydicom.pixels.decoders.base import get_decoder

    syntax = header.file_meta.get("TransferSyntaxUID")
    if syntax is None or not syntax.is_compressed or syntax.is_deflated:
        return
    try:
        is_known = get_decoder(syntax).is_available
    except NotImplementedError:
        is_known = False
    if not is_known:
        raise FileError(
            f"{file} is compressed as {syntax.name}, which cannot be unpacked here. "
            "Decompress the series first, for example with `gdcmconv --raw IN OUT`."
        )


def _check_plain(headers: Sequence[tuple[Any, Path]], path: Path) -> None:
    """Refuse what is no plain series, naming the first file that differs."""
    first = headers[0][0]
    kinds = {str(header.SeriesInstanceUID) for header, _ in headers}
    if len(kinds) > 1:
        raise FileError(
            f"{path} holds {len(kinds)} DICOM series mixed in one folder. "
            "Put each series into a folder of its own."
        )
    for header, file in headers:
        if int(header.get("NumberOfFrames", 1) or 1) > 1:
            raise FileError(
                f"{file} has {header.NumberOfFrames} frames in one file, which is not supported "
                "yet. Convert it to NIfTI, or to one file a slice."
            )
        if int(header.get("SamplesPerPixel", 1)) != 1:
            raise FileError(
                f"{file} is a colour picture, no scan. Leave it out, or save it as PNG."
            )
        absent = [
            name
            for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
            if header.get(name) is None
        ]
        if absent:
            raise FileError(
                f"{file} does not say where it lies (it lacks {', '.join(absent)}). "
                "Leave it out, or convert the series to NIfTI."
            )
        if not _is_alike(first, header):
            raise FileError(
                f"{file} differs in size, orientation or spacing from {headers[0][1].name}. "
                "Leave out localisers, and give each orientation a folder of its own."
            )


def _is_alike(first: Any, other: Any) -> bool:  # noqa: ANN401 - pydicom datasets
    def numbers(header: Any) -> NDArray[np.float64]:  # noqa: ANN401
        return np.array([*header.ImageOrientationPatient, *header.PixelSpacing], dtype=np.float64)

    same_size = (first.Rows, first.Columns) == (other.Rows, other.Columns)
    return bool(same_size and np.allclose(numbers(first), numbers(other), rtol=0, atol=SAME))


def _order(
    headers: Sequence[tuple[Any, Path]], path: Path, notes: list[str]
) -> tuple[list[tuple[Any, Path]], NDArray[np.float64]]:
    """Sort slices along their normal and find the step between them in LPS mm, (3,)."""
    cosines = np.array(headers[0][0].ImageOrientationPatient, dtype=np.float64)
    normal = np.cross(cosines[:3], cosines[3:])
    positions = np.array([header.ImagePositionPatient for header, _ in headers], dtype=np.float64)
    order = np.argsort(positions @ normal, kind="stable")
    ordered = [headers[place] for place in order]
    positions = positions[order]
    if len(ordered) == 1:
        thickness = float(ordered[0][0].get("SliceThickness") or 0)
        notes.append(f"{path.name} is one slice; its thickness was taken as the slice distance.")
        return ordered, normal * (thickness if thickness > 0 else 1.0)
    gaps = np.diff(positions @ normal)
    usual = float(np.median(gaps))
    worst = int(np.argmax(np.abs(gaps - usual)))
    if gaps.min() < SAME:
        place = int(np.argmin(gaps))
        raise GeometryError(
            f"{path}: {ordered[place][1].name} and {ordered[place + 1][1].name} lie at the same "
            "position. These are several times, echoes or copies; give each a folder of its own."
        )
    if abs(gaps[worst] - usual) > UNEVEN * usual:
        raise GeometryError(
            f"{path}: slices {ordered[worst][1].name} and {ordered[worst + 1][1].name} are "
            f"{gaps[worst]:.3f} mm apart where {usual:.3f} mm are usual. A slice is missing or "
            "out of place; complete the folder, or resample the series to even slices."
        )
    step = (positions[-1] - positions[0]) / (len(ordered) - 1)
    bend = np.abs(positions - positions[0] - np.arange(len(ordered))[:, None] * step).max()
    if bend > max(UNEVEN * usual, 0.01):
        raise GeometryError(
            f"{path}: slices do not lie on one line (off by {bend:.3f} mm). "
            "Convert the series to NIfTI with a tool that resamples it."
        )
    if np.linalg.norm(np.cross(step, normal)) > UNEVEN * usual:
        notes.append(f"The slices of {path.name} are sheared (tilted gantry); the affine keeps it.")
    return ordered, step


def _load(files: Sequence[Path]) -> AnyArray:
    """Read, rescale and stack the slices, (1, Z, Y, X), int16 where that is exact."""
    slices = [_load_slice(file) for file in files]
    whole = all(array.dtype.kind in "iu" for array in slices)
    bounds = [(int(array.min()), int(array.max())) for array in slices] if whole else []
    limit = np.iinfo(np.int16)
    fits = whole and all(limit.min <= low and high <= limit.max for low, high in bounds)
    kind = np.int16 if fits else np.int32 if whole else np.float32
    return native(np.stack([array.astype(kind) for array in slices])[None])


def _load_slice(file: Path) -> AnyArray:
    import pydicom

    with guarded(file, "DICOM"):
        dataset = pydicom.dcmread(file)
        array = np.asarray(dataset.pixel_array)
        slope = float(dataset.get("RescaleSlope", 1) or 1)
        intercept = float(dataset.get("RescaleIntercept", 0) or 0)
    if slope.is_integer() and intercept.is_integer():
        return array.astype(np.int32) * int(slope) + int(intercept)
    return (array * slope + intercept).astype(np.float32)
