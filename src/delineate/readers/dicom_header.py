"""One DICOM file made plain values: what it is, where its slices lie, where its pixels start.

This runs in the child process, since a header may be anything. It answers with numbers and UIDs
only; names and identifiers of patients stay behind, but for a digest that tells two of them apart.
"""

import hashlib
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import IO, Any

from delineate.core.series import OWN_MODEL
from delineate.readers.dicom_extent import extent_of, layout_of
from delineate.readers.dicom_mosaic import tiles
from delineate.readers.dicom_tags import (
    CLASSIC_KEYS,
    FRAME_KEYS,
    MAX_HEADER_BYTES,
    OTHER_OBJECTS,
    Values,
)
from delineate.readers.dicom_values import many, number, numbers, text

SNIFFED = 132
MAX_FRAMES = 100_000
"""Frames of one file that are believed."""


@contextmanager
def opened(path: str, member: str) -> Iterator[IO[bytes]]:
    """Open a file, or a member of a zip in memory, so that nothing is ever unpacked to the disk.

    Args:
        path: The file.
        member: Name inside of the zip; empty for a plain file.

    Yields:
        A stream that can be searched.

    Raises:
        ValueError: If the member promises more than memory should hold.
    """
    if not member:
        with open(path, "rb") as stream:
            yield stream
        return
    with zipfile.ZipFile(path) as archive, archive.open(member) as packed:
        promised = archive.getinfo(member).file_size
        if promised > MAX_HEADER_BYTES:
            raise ValueError(f"it unpacks to {promised} bytes")
        yield BytesIO(packed.read(promised + 1)[:promised])


def read_header(path: str, member: str) -> Values:
    """Read one file up to its pixels.

    Args:
        path: The file.
        member: Name inside of a zip, or empty.

    Returns:
        Values whose `kind` is "image", "other" (with `name`), "own", "directory" (with `files`),
        "none" for what is no DICOM, or "damaged" (with `reason`).
    """
    try:
        with opened(path, member) as stream:
            return _read(stream, os.path.basename(member or path))
    except Exception as error:  # a damaged file makes pydicom raise a dozen kinds
        return {"kind": "damaged", "reason": reason_of(error)}


def reason_of(error: BaseException) -> str:
    """Say what a library raised, without what the file said, which may be a name.

    Args:
        error: Whatever was raised.

    Returns:
        A few words.
    """
    if isinstance(error, MemoryError):
        return "it wants more memory than allowed"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"unreadable: {type(error).__name__}"


def is_dicom_start(start: bytes) -> bool:
    """Tell from the first bytes whether a file deserves to be read as DICOM.

    Args:
        start: The first 132 bytes or fewer.

    Returns:
        True with the mark at byte 128, or if a first element of group 2 or 8 stands at byte 0.
    """
    if start[128:132] == b"DICM":
        return True
    little = start[:2] in (b"\x02\x00", b"\x08\x00") and start[3:4] == b"\0"
    big = start[:2] in (b"\x00\x02", b"\x00\x08") and start[2:3] == b"\0"
    return len(start) >= 16 and (little or big)


def _read(stream: IO[bytes], name: str) -> Values:
    import pydicom

    start = stream.read(SNIFFED)
    if not is_dicom_start(start):
        is_named_so = name.lower().endswith((".dcm", ".dicom", ".ima"))
        return {"kind": "damaged", "reason": "no DICOM"} if is_named_so else {"kind": "none"}
    has_mark = start[128:132] == b"DICM"
    stream.seek(0)
    dataset = pydicom.dcmread(stream, stop_before_pixels=True, force=True)
    offset = stream.tell()
    if "DirectoryRecordSequence" in dataset:
        return {"kind": "directory", "files": list(_listed(dataset))}
    if "SOPClassUID" not in dataset or "SOPInstanceUID" not in dataset:
        return {"kind": "damaged", "reason": "cut short"} if has_mark else {"kind": "none"}
    values = _identity(dataset)
    if values["sop_class"] in OTHER_OBJECTS:
        return {**values, "kind": "other", "name": OTHER_OBJECTS[values["sop_class"]]}
    if text(dataset, "ManufacturerModelName") == OWN_MODEL:
        return {**values, "kind": "own"}
    if "Rows" not in dataset or "Columns" not in dataset:
        if dataset.SOPClassUID.name.endswith("Image Storage"):
            return {**values, "kind": "damaged", "reason": "cut short"}
        return {**values, "kind": "other", "name": "object without pixels"}
    try:
        values.update(layout_of(dataset), frames=list(_frames(dataset)))
        values.update(extent_of(stream, dataset, values["syntax"], offset))
    except Exception as error:
        return {**values, "kind": "damaged", "reason": reason_of(error)}
    return values


def _identity(dataset: Any) -> Values:  # noqa: ANN401 - a pydicom dataset
    known = text(dataset, "PatientID") or "|".join(
        text(dataset, name) for name in ("PatientName", "PatientBirthDate")
    )
    whose = f"{known}|{text(dataset, 'IssuerOfPatientID')}"
    return {
        "kind": "image",
        "sop_uid": text(dataset, "SOPInstanceUID"),
        "sop_class": text(dataset, "SOPClassUID"),
        "study": text(dataset, "StudyInstanceUID"),
        "series": text(dataset, "SeriesInstanceUID"),
        "reference": text(dataset, "FrameOfReferenceUID"),
        "modality": text(dataset, "Modality"),
        "patient": hashlib.sha256(whose.encode("utf-8", "surrogateescape")).hexdigest()[:16],
    }


def _listed(dataset: Any) -> Iterator[str]:  # noqa: ANN401
    for record in dataset.DirectoryRecordSequence:
        name = record.get("ReferencedFileID")
        if name:
            yield "/".join(str(part) for part in many(name))


def _frames(dataset: Any) -> Iterator[Values]:  # noqa: ANN401
    """Describe each slice of the file."""
    count = int(dataset.get("NumberOfFrames", 1) or 1)
    if not 0 < count <= MAX_FRAMES:
        raise ValueError("count of frames")
    groups = dataset.get("PerFrameFunctionalGroupsSequence")
    if not groups:
        plane = {**_plane(dataset, dataset, dataset, dataset), **_keys(dataset, CLASSIC_KEYS)}
        if count > 1:  # where the others lie is nowhere said, so one stands for all
            plane["position"] = None
        yield from tiles(dataset, plane) if "MOSAIC" in many(dataset.get("ImageType")) else [plane]
        return
    if len(groups) < count:
        raise ValueError("fewer functional groups than frames")
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
    for group in groups[:count]:
        both = [entry for entry in (group, shared) if entry is not None]
        parts = [
            _group(both, name)
            for name in (
                "PlanePositionSequence",
                "PlaneOrientationSequence",
                "PixelMeasuresSequence",
                "PixelValueTransformationSequence",
            )
        ]
        keys: Values = {}
        for name, words in FRAME_KEYS.items():
            found = _group(both, name)
            if found is not None:
                keys.update(_keys(found, words)["keys"])
        yield {**_plane(*parts), "keys": keys}


def _group(groups: list[Any], name: str) -> Any:  # noqa: ANN401
    for entry in groups:
        sequence = entry.get(name)
        if sequence:
            return sequence[0]
    return None


def _plane(where: Any, turned: Any, measures: Any, scale: Any) -> Values:  # noqa: ANN401
    spacing = numbers(measures, "PixelSpacing", 2)
    is_imager = spacing is None
    return {
        "position": numbers(where, "ImagePositionPatient", 3),
        "orientation": numbers(turned, "ImageOrientationPatient", 6),
        "spacing": numbers(measures, "ImagerPixelSpacing", 2) if is_imager else spacing,
        "is_imager": is_imager,
        "thickness": number(measures, "SliceThickness"),
        "between": number(measures, "SpacingBetweenSlices"),
        "slope": number(scale, "RescaleSlope"),
        "intercept": number(scale, "RescaleIntercept"),
    }


def _keys(dataset: Any, words: tuple[str, ...]) -> Values:  # noqa: ANN401
    found = {word: text(dataset, word) for word in words if word in dataset}
    parts = found.pop("DimensionIndexValues", "").split("\\")
    found.update({f"dimension {place + 1}": part for place, part in enumerate(parts)})
    return {"keys": {word: value for word, value in found.items() if value}}
