"""Folders of DICOM: each SEG or RTSTRUCT with the series that it was drawn on is a case."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from delineate.core.case import Case
from delineate.core.errors import DatasetError, DelineateError
from delineate.core.image import Image, Mask
from delineate.core.labels import Label, LabelTable
from delineate.datasets.base import Dataset, read_patients, readable_folder
from delineate.readers import read_studies
from delineate.readers.dicom_parts import Parts
from delineate.readers.dicom_rt import STORAGE, read_structures
from delineate.readers.dicom_seg import CLASSES, read_segments

MOST_FILES = 20_000
"""Files that are looked at to find one SEG or RTSTRUCT."""
HINTS = ("rt", "rs", "seg", "struct", "label")
"""What names of such files often hold; they are looked at first."""


@dataclass(frozen=True, kw_only=True)
class _Drawn:
    """A SEG or RTSTRUCT, and what it says it was drawn on."""

    path: Path
    is_contours: bool
    series_uid: str
    patient: str


class DicomPairs(Dataset):
    """CT or MR series with RTSTRUCT or SEG anywhere below a folder, tied by their UIDs.

    Where a series has several, the first by name is its truth and the others are named in
    `problems`. Labels of all files are joined by their names; a file that lacks a label has none
    of it. Where labels overlap in any file, all masks are layers.
    """

    layout = "dicom_pairs"

    def __init__(self, root: str | Path) -> None:
        """Look at the headers below a folder.

        Args:
            root: The dataset's folder.

        Raises:
            DatasetError: If no SEG or RTSTRUCT has its series there.
        """
        self.root = readable_folder(root)
        self._problems: list[str] = []
        self._images = {
            volume.report.series_uid: volume.image
            for volume in read_studies(self.root).accepted
            if volume.image is not None
        }
        self._drawn = self._paired()
        self._patients = read_patients(self.root)
        if not self._drawn:
            raise DatasetError(
                f"{self.root} holds no SEG or RTSTRUCT whose series lies there, too. "
                + " ".join(self._problems[:3])
            )

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Tell whether a SEG or RTSTRUCT lies below a folder, beside other DICOM files.

        Args:
            path: A folder.

        Returns:
            True at the first one.
        """
        return path.is_dir() and next(_drawn_below(path), None) is not None

    @property
    def name(self) -> str:
        """What people call it."""
        return self.root.resolve().name

    @property
    def licence(self) -> str:
        """Terms; DICOM files do not say."""
        return "unknown"

    @cached_property
    def _parts(self) -> dict[str, Parts]:
        return {id: _read(drawn, self._image(drawn)) for id, drawn in self._drawn.items()}

    @cached_property
    def _stacked(self) -> bool:
        """Whether labels overlap in any file; all are painted to know."""
        return any(
            parts.mask(_series(self._image(self._drawn[id])))[1].overlapping
            for id, parts in self._parts.items()
        )

    @cached_property
    def labels(self) -> LabelTable:
        """Labels of all files, joined by name, numbered in the order of their finding."""
        found: dict[str, Label] = {}
        for parts in self._parts.values():
            for label in parts.labels:
                found.setdefault(label.name, label)
        joined = tuple(replace(label, id=place + 1) for place, label in enumerate(found.values()))
        return LabelTable(labels=joined, overlapping=self._stacked)

    @property
    def channels(self) -> tuple[str, ...]:
        """The modality."""
        return self._image(next(iter(self._drawn.values()))).channels

    def ids(self) -> list[str]:
        """Name the cases that have a series and its truth.

        Returns:
            Case ids in the order of their files.
        """
        return list(self._drawn)

    def case(self, id: str) -> Case:
        """Hand out a case, its truth on the grid of its image.

        Args:
            id: One of `ids()`.

        Returns:
            The case.

        Raises:
            DatasetError: If there is no such case.
        """
        if id not in self._drawn:
            raise DatasetError(f"{self.name} has no usable case {id!r}. See `delineate describe`.")
        image, parts = self._image(self._drawn[id]), self._parts[id]
        return Case(
            id=id,
            patient=self.patient(id),
            image=image,
            mask=self._mask(image, parts),
            labels=self.labels,
            facts={"dataset": self.name},
            history=parts.notes,
        )

    def patient(self, id: str) -> str:
        """Say whose a case is, by patients.csv or by a digest of the PatientID.

        Args:
            id: One of `ids()`.

        Returns:
            The patient's key; never the PatientID itself.
        """
        return self._patients.get(id) or self._drawn[id].patient

    def problems(self) -> list[str]:
        """List what was left out.

        Returns:
            One sentence a problem.
        """
        return list(self._problems)

    def _mask(self, image: Image, parts: Parts) -> Mask:
        """Paint a file's labels with the numbers of the dataset's table."""
        series, table = _series(image), self.labels
        known = tuple(table.by_name(label.name) for label in parts.labels)
        new = {old.id: label for old, label in zip(parts.labels, known, strict=True)}
        renamed = Parts(
            labels=table.labels,
            parts=lambda: (replace(part, label=new[part.label.id]) for part in parts.parts()),
            source=parts.source,
        )
        layers = len(table.labels) if table.overlapping else None

        def load() -> Any:  # noqa: ANN401 - an array
            planes = renamed.layers(series) if layers else renamed.on_slices(series)[0]
            return series.to_regular(planes)

        return Mask(
            geometry=image.geometry, load=load, num_layers=layers, source=parts.source,
            notes=parts.notes,
        )  # fmt: skip

    def _image(self, drawn: _Drawn) -> Image:
        return self._images[drawn.series_uid]

    def _paired(self) -> dict[str, _Drawn]:
        """Tie each file to its series; one truth a series."""
        found: dict[str, _Drawn] = {}
        taken: dict[str, str] = {}
        for drawn in sorted(_drawn_below(self.root), key=lambda entry: str(entry.path)):
            id = _case_id(drawn.path, self.root)
            if drawn.series_uid not in self._images:
                self._problems.append(
                    f"{id} was drawn on series {drawn.series_uid or 'unknown'}, which is not there "
                    "or was refused; it is left out."
                )
            elif drawn.series_uid in taken:
                self._problems.append(
                    f"{id} was drawn on the same series as {taken[drawn.series_uid]}; it is left "
                    "out."
                )
            elif problem := _unreadable(drawn, self._images[drawn.series_uid]):
                self._problems.append(f"{id} is left out: {problem}")
            else:
                taken[drawn.series_uid] = id
                found[id] = drawn
        return found


def _case_id(path: Path, root: Path) -> str:
    inside = path.relative_to(root).with_suffix("")
    return "_".join(inside.parts).replace(" ", "_")


def _read(drawn: _Drawn, image: Image) -> Parts:
    read = read_structures if drawn.is_contours else read_segments
    return read(drawn.path, _series(image))


def _unreadable(drawn: _Drawn, image: Image) -> str:
    try:
        _read(drawn, image)
    except DelineateError as error:
        return str(error)
    return ""


def _series(image: Image) -> Any:  # noqa: ANN401 - a Series; DICOM images always have one
    return image.series


def _drawn_below(root: Path) -> Iterator[_Drawn]:
    """Find SEG and RTSTRUCT below a folder, those with telling names first."""
    files = []
    for place, path in enumerate(root.rglob("*")):
        if place >= MOST_FILES:
            break
        if not path.name.startswith(".") and path.is_file():
            files.append(path)
    for path in sorted(files, key=lambda entry: not any(h in entry.name.lower() for h in HINTS)):
        drawn = _looked_at(path)
        if drawn is not None:
            yield drawn


def _looked_at(path: Path) -> _Drawn | None:
    """Read what a file is and what it refers to; None if it is no SEG or RTSTRUCT."""
    import pydicom

    with path.open("rb") as stream:
        if stream.read(132)[128:] != b"DICM":
            return None
    tags = ["SOPClassUID", "PatientID", "ReferencedSeriesSequence",
            "ReferencedFrameOfReferenceSequence"]  # fmt: skip
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=tags)
        kind = str(header.get("SOPClassUID", ""))
        if kind not in (STORAGE, *CLASSES):
            return None
        series_uid = _contours_of(header) if kind == STORAGE else _segments_of(header)
        patient = sha256(str(header.get("PatientID", "")).encode("utf-8")).hexdigest()[:12]
    except Exception:
        return None
    return _Drawn(
        path=path, is_contours=kind == STORAGE, series_uid=series_uid, patient=f"patient {patient}"
    )


def _contours_of(header: Any) -> str:  # noqa: ANN401 - a pydicom dataset
    for frame in header.get("ReferencedFrameOfReferenceSequence") or []:
        for study in frame.get("RTReferencedStudySequence") or []:
            for series in study.get("RTReferencedSeriesSequence") or []:
                return str(series.get("SeriesInstanceUID", ""))
    return ""


def _segments_of(header: Any) -> str:  # noqa: ANN401 - a pydicom dataset
    for series in header.get("ReferencedSeriesSequence") or []:
        return str(series.get("SeriesInstanceUID", ""))
    return ""
