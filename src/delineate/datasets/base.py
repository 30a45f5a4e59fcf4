"""What every dataset can do: name its cases, hand one out, say whose it is and what is wrong."""

import csv
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from delineate.core.case import Case
from delineate.core.errors import DatasetError
from delineate.core.labels import LabelTable

PART_OF_PATIENT = re.compile(
    r"^(?P<patient>.+?)[_\-. ](?:day|visit|session|ses|time|slice|frame|tile|patch|crop|z)"
    r"[_\-]?\d+.*$",
    re.IGNORECASE,
)
"""Where a case's name stops naming the patient: "case7_day2_slice_010" is of "case7"."""


class Dataset(ABC):
    """Labelled cases of one origin, found at once and read one at a time."""

    layout: ClassVar[str]
    """Its row in `DATASETS`."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What people call it."""

    @property
    @abstractmethod
    def licence(self) -> str:
        """Terms under which it was given, "unknown" if the files do not say."""

    @property
    @abstractmethod
    def labels(self) -> LabelTable:
        """What the numbers in its masks mean."""

    @property
    @abstractmethod
    def channels(self) -> tuple[str, ...]:
        """Names of the image channels, the same for every case."""

    @abstractmethod
    def ids(self) -> list[str]:
        """Name the labelled cases that can be trained on.

        Returns:
            Case ids in natural order; cases with a problem of layout are left out.
        """

    @abstractmethod
    def case(self, id: str) -> Case:
        """Hand out one case; headers are read now, pixels when first touched.

        Args:
            id: One of `ids()`.

        Returns:
            A fresh object, so that its pixels are freed with it.
        """

    @abstractmethod
    def patient(self, id: str) -> str:
        """Say whose a case is.

        Args:
            id: One of `ids()`.

        Returns:
            The patient's key.
        """

    @abstractmethod
    def problems(self) -> list[str]:
        """List what is wrong with the layout, such as an image without a mask.

        Returns:
            One sentence a problem; the cases named are not in `ids()`.
        """

    def tissue(self, id: str) -> str | None:
        """Say what a case shows, so that one kind of tissue can be held out.

        Args:
            id: One of `ids()`.

        Returns:
            Such as an organ; None if the files do not say.
        """
        return None

    def other_names(self) -> dict[str, tuple[str, ...]]:
        """Say by what other names predictions of a case may go, such as the folder of its series.

        Returns:
            Names by case id; of cases without any nothing.
        """
        return {}

    def sources(self) -> dict[str, str]:
        """Say which DICOM series each case is.

        Returns:
            SeriesInstanceUID by case id; of cases that are none nothing.
        """
        return {}

    @classmethod
    @abstractmethod
    def recognises(cls, path: Path) -> bool:
        """Tell by looking at names only whether a folder has this layout.

        Args:
            path: A folder, or the name of a dataset that needs none.

        Returns:
            True if this kind can open it.
        """

    def remarks(self) -> list[str]:
        """List what was assumed, such as label names that were made up.

        Returns:
            One sentence each; nothing is left out because of them.
        """
        return []

    def aligned(self) -> "Dataset":
        """Have the truth where the picture has it, if a challenge's scorer paints it elsewhere.

        A network that learns from turned and mirrored patches can only blur a shift of the truth.

        Returns:
            The same cases; this very dataset where nothing is shifted.
        """
        return self

    def patients(self) -> dict[str, str]:
        """Say whose every case is, as the splits want it.

        Returns:
            Patient by case id.
        """
        return {id: self.patient(id) for id in self.ids()}


def patient_of(case_id: str) -> str:
    """Guess the patient from a case's name by `PART_OF_PATIENT`.

    Args:
        case_id: The case's name.

    Returns:
        The text before a day, visit, slice, tile or z with its number; else the whole name.

    Example:
        >>> patient_of("case7_day2_slice_010"), patient_of("hippocampus_001")
        ('case7', 'hippocampus_001')
    """
    found = PART_OF_PATIENT.match(case_id)
    return found["patient"] if found else case_id


def read_patients(folder: Path) -> Mapping[str, str]:
    """Read `patients.csv`, which overrules the guess from names.

    Args:
        folder: The dataset's folder.

    Returns:
        Patient by case id, empty if there is no such file.

    Raises:
        DatasetError: If the file cannot be read or lacks the columns `case` and `patient`.
    """
    path = folder / "patients.csv"
    if not path.exists():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            rows = list(csv.DictReader(handle, skipinitialspace=True))
        return {row["case"].strip(): row["patient"].strip() for row in rows}
    except (OSError, KeyError, AttributeError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"{path} must be a table with the columns case,patient, but reading it gave "
            f"{type(error).__name__} ({error}). Correct it or remove it."
        ) from error


def readable_folder(path: str | Path) -> Path:
    """Make sure that a folder is there and can be listed.

    Args:
        path: The folder.

    Returns:
        The same as a path.

    Raises:
        DatasetError: If there is none, it is a file, it is empty, or it may not be read.
    """
    folder = Path(path)
    if not folder.exists():
        raise DatasetError(f"There is no folder {folder}. Check the path.")
    if not folder.is_dir():
        raise DatasetError(
            f"{folder} is a file, but a dataset is a folder. Pass the folder that holds it."
        )
    try:
        is_empty = next(folder.iterdir(), None) is None
    except OSError as error:
        raise DatasetError(
            f"{folder} cannot be read ({error.strerror or error}). Ask for the right to read it."
        ) from error
    if is_empty:
        raise DatasetError(
            f"{folder} is empty. Put images/ and masks/ into it, or imagesTr/ and labelsTr/."
        )
    return folder
