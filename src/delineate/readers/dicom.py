"""DICOM series as images and masks: one volume of a folder, a zip, a DICOMDIR or a file.

The work lies in the files beside this one, by the order of the way: `dicom_sources` finds files,
`dicom_header` reads one (in the child process that `dicom_child` starts), `dicom_groups` and
`dicom_phases` part a series, `dicom_soundness` judges it, `dicom_grid` lays the grid,
`dicom_volume` makes the image and `dicom_study` the whole report.
"""

import zipfile
from itertools import islice
from pathlib import Path

from delineate.core.errors import FileError
from delineate.core.formats import Reader
from delineate.core.image import Image, Mask
from delineate.readers.dicom_header import is_dicom_start
from delineate.readers.dicom_sources import INDEX
from delineate.readers.dicom_study import Studies, read_studies
from delineate.readers.dicom_volume import Volume

MARK = 132
"""Bytes at the start of a file that hold its mark."""
LOOKED_BELOW = 1000
"""Files below a folder that are looked at to know what it holds."""
LOOKED_AT = 20
"""Members of a zip that are looked at to know what it holds."""


class DicomReader(Reader):
    """Reads the one volume that a folder of slices, a zip, a DICOMDIR or a file holds."""

    suffixes = (".dcm", ".dicom", ".ima")

    def can_read(self, path: Path) -> bool:
        """Tell whether a file is DICOM, by ending or content, or a folder holds such files.

        Args:
            path: A file or a folder; only what lies directly in it counts.

        Returns:
            True if it is DICOM.
        """
        if path.is_dir():
            return bool(slice_files(path, only_one=True))
        if path.name.upper() == INDEX or super().can_read(path):
            return True
        if path.suffix.lower() == ".zip":
            return _holds_slices(path)
        return _may_be_slice(path) and _has_mark(path)

    def read_image(self, path: Path) -> Image:
        """Read all headers now and the pixels when they are first touched.

        Args:
            path: A folder, however deep, a zip, a DICOMDIR or a file, with one volume to be used.

        Returns:
            Image of shape (1, Z, Y, X) on a regular grid; Z runs along the normal of the slices.
            Its `series` knows the slices and the way back to them.
        """
        studies = read_studies(path)
        return _with_notes(studies, studies.only())

    def read_mask(self, path: Path) -> Mask:
        """Read a series whose values are labels.

        Args:
            path: A folder or a file.

        Returns:
            Mask of ids (Z, Y, X).
        """
        return read_studies(path).only().mask()


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
        if entry.name.startswith(".") or entry.name.upper() == INDEX or not entry.is_file():
            continue
        if entry.name.lower().endswith(DicomReader.suffixes) or (
            _may_be_slice(entry) and _has_mark(entry)
        ):
            found.append(entry)
            if only_one:
                break
    return found


def holds_dicom(path: Path) -> bool:
    """Tell whether DICOM files lie at or anywhere below a path, without reading them.

    Args:
        path: A folder, a zip or a file.

    Returns:
        True at the first file with the mark; a folder's first thousand files are looked at.
    """
    if not path.is_dir():
        return path.is_file() and DicomReader().can_read(path)
    below = (entry for entry in path.rglob("*") if entry.is_file())
    return any(
        entry.name.upper() == INDEX or _has_mark(entry) for entry in islice(below, LOOKED_BELOW)
    )


def _with_notes(studies: Studies, volume: Volume) -> Image:
    """Give the image of a volume, with what was left out of the folder among its notes."""
    from dataclasses import replace

    assert volume.image is not None  # noqa: S101 - `only` gives accepted volumes
    others = [
        f"{other.report.codes[0]}: series {other.report.series_uid} was left out."
        for other in studies.volumes
        if other.image is None
    ]
    notes = (*(finding.text for finding in studies.findings), *volume.image.notes, *others)
    return replace(volume.image, notes=notes)


def _has_mark(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(MARK)[128:] == b"DICM"
    except OSError:
        return False


def _holds_slices(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            members = (entry for entry in archive.infolist() if not entry.is_dir())
            for entry in islice(members, LOOKED_AT):
                with archive.open(entry) as stream:
                    if is_dicom_start(stream.read(MARK)):
                        return True
    except Exception:  # noqa: S110 - whatever a damaged zip raises, it is none of ours
        pass
    return False


def _may_be_slice(path: Path) -> bool:
    """Tell whether a file without a DICOM ending deserves a look inside."""
    return not path.suffix or path.suffix[1:].isdecimal()
