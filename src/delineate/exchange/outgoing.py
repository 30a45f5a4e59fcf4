"""A result that is to be sent: a DICOM file, with what a peer must be told of it."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delineate.core.errors import ExchangeError

KINDS = {
    "1.2.840.10008.5.1.4.1.1.66.4": "DICOM SEG",
    "1.2.840.10008.5.1.4.1.1.66.7": "LABELMAP",
    "1.2.840.10008.5.1.4.1.1.481.3": "RTSTRUCT",
    "1.2.840.10008.5.1.4.1.1.88.34": "SR",
}
"""Names of the classes that we write."""
LABELMAP = "1.2.840.10008.5.1.4.1.1.66.7"
REPORTS = ("1.2.840.10008.5.1.4.1.1.88.",)
"""Classes that refer to other results, so that they are sent after them."""
READ = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "PatientID", "ManufacturerModelName")


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A file to be sent; no name of a patient is kept."""

    path: Path
    """Where it is."""
    uid: str
    """SOPInstanceUID."""
    class_uid: str
    """SOPClassUID."""
    study_uid: str
    """StudyInstanceUID."""
    syntax_uid: str
    """TransferSyntaxUID."""

    @property
    def what(self) -> str:
        """What to call it in messages."""
        return KINDS.get(self.class_uid, "DICOM object")


def find_outgoing(paths: Sequence[Path]) -> list[Outgoing]:
    """Pick the DICOM files among results, reports last.

    Args:
        paths: Files that a prediction wrote.

    Returns:
        What can be sent.
    """
    found = [_described(path) for path in paths if path.name.lower().endswith(".dcm")]
    return sorted(found, key=lambda thing: thing.class_uid.startswith(REPORTS))


def read_head(source: Any, *tags: str) -> Any:  # noqa: ANN401 - pydicom's types
    """Read a few elements of a DICOM file, in silence.

    Args:
        source: A path or a stream of bytes.
        *tags: Keywords of the elements.

    Returns:
        A pydicom dataset, its text untouched.

    Raises:
        ExchangeError: If it is no DICOM file.
    """
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they quote values
            head = pydicom.dcmread(source, stop_before_pixels=True, specific_tags=list(tags))
            head.file_meta.TransferSyntaxUID  # noqa: B018 - it must be there
            return head
    except Exception:  # damaged files raise anything, and their messages quote values
        raise ExchangeError("no DICOM file") from None


def _described(path: Path) -> Outgoing:
    try:
        head = read_head(path, *READ)
        return Outgoing(
            path=path,
            uid=str(head.SOPInstanceUID),
            class_uid=str(head.SOPClassUID),
            study_uid=str(head.StudyInstanceUID),
            syntax_uid=str(head.file_meta.TransferSyntaxUID),
        )
    except (ExchangeError, AttributeError):
        raise ExchangeError(
            f"{path} is damaged and was not sent. Remove it and run the command again."
        ) from None
