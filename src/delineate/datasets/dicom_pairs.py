"""Folders of DICOM: each SEG or RTSTRUCT with the series that it was drawn on is a case."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from delineate.core.case import Case
from delineate.core.errors import DatasetError, DelineateError
from delineate.core.image import Image, Mask
from delineate.core.labels import Label, LabelTable, plain_name
from delineate.core.series import Series
from delineate.datasets.base import Dataset, read_patients, readable_folder
from delineate.datasets.dicom_ties import below, folder_of, names_of, volume_of
from delineate.datasets.legend import find_legend
from delineate.datasets.masks import drawn_below, holds_drawn, name_of
from delineate.readers import read_studies
from delineate.readers.dicom_drawn import Drawn, look_at
from delineate.readers.dicom_parts import Part, Parts
from delineate.readers.dicom_volume import Volume


class DicomPairs(Dataset):
    """CT or MR series with RTSTRUCT or SEG anywhere below a folder, tied by their UIDs.

    A case is named by the folder of its series as `predict` names it, or by the file of its truth
    where a folder holds several. Where a series has several truths, the first by name is taken,
    one that we wrote ourselves only if there is no other, and the rest are named in `problems`.
    Labels of all files are joined by their names, whatever their case; a file that lacks a label
    has none of it. A `labels.yaml` in the folder says which labels count and what their numbers
    are. Where labels overlap in any file, all masks are layers.
    """

    layout = "dicom_pairs"

    def __init__(self, root: str | Path, images: str | Path | None = None) -> None:
        """Look at the headers below a folder.

        Args:
            root: The dataset's folder, or one SEG or RTSTRUCT.
            images: Where the series are, if they are not there, too.

        Raises:
            DatasetError: If no SEG or RTSTRUCT has its series there.
        """
        self.root = Path(root) if Path(root).is_file() else readable_folder(root)
        folder = self.root.parent if self.root.is_file() else self.root
        self._home = folder if images is None else Path(images)
        self._problems: list[str] = []
        self._volumes: dict[str, list[Volume]] = {}
        for volume in read_studies(self._home).accepted:
            self._volumes.setdefault(volume.report.series_uid, []).append(volume)
        self._labels: dict[str, tuple[Label, ...]] = {}
        self._legend = find_legend(folder)
        self._cases = self._paired()
        self._patients = read_patients(folder)
        if not self._cases:
            raise DatasetError(
                f"{self.root} holds no SEG or RTSTRUCT whose series lies in {self._home}. "
                + (" ".join(self._problems[:2]) or "Put the series beside them.")
                + " `delineate evaluate` also takes the series' folder as --images."
            )

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Tell whether a file is a SEG or RTSTRUCT, or one lies below a folder.

        Args:
            path: A folder or a file.

        Returns:
            True at the first one.
        """
        if path.is_file():
            return look_at(path) is not None
        return path.is_dir() and holds_drawn(path)

    @property
    def name(self) -> str:
        """What people call it."""
        return self.root.resolve().name

    @property
    def licence(self) -> str:
        """Terms; DICOM files do not say."""
        return "unknown"

    @cached_property
    def _stacked(self) -> bool:
        """Whether labels that count overlap in any file; all are painted to know."""
        opened = ((series, self._parts(id)) for id, (_, series) in self._cases.items())
        return any(parts.on_slices(series)[1] for series, parts in opened)

    @cached_property
    def labels(self) -> LabelTable:
        """Labels of all files, joined by name, numbered in the order of their finding."""
        return replace(self._joined, overlapping=self._joined.overlapping or self._stacked)

    @cached_property
    def _joined(self) -> LabelTable:
        table = self._legend
        if table is not None:  # files draw each label as such, whatever it covers
            alone = tuple(replace(label, covers=()) for label in table.labels)
            return replace(table, labels=alone, overlapping=not table.is_exclusive)
        found: dict[str, Label] = {}
        for labels in self._labels.values():
            for label in labels:
                found.setdefault(plain_name(label.name) or label.name, label)
        joined = tuple(replace(label, id=place + 1) for place, label in enumerate(found.values()))
        return LabelTable(labels=joined)

    @property
    def channels(self) -> tuple[str, ...]:
        """The modality."""
        return self._image(next(iter(self._cases))).channels

    def ids(self) -> list[str]:
        """Name the cases that have a series and its truth.

        Returns:
            Case ids in the order of their files.
        """
        return list(self._cases)

    def case(self, id: str) -> Case:
        """Hand out a case, its truth on the grid of its image.

        Args:
            id: One of `ids()`.

        Returns:
            The case.

        Raises:
            DatasetError: If there is no such case.
        """
        if id not in self._cases:
            raise DatasetError(f"{self.name} has no usable case {id!r}. See `delineate describe`.")
        parts = self._parts(id)
        return Case(
            id=id,
            patient=self.patient(id),
            image=self._image(id),
            mask=self._mask(id, parts),
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
        return self._patients.get(id) or self._cases[id][0].patient

    def other_names(self) -> dict[str, tuple[str, ...]]:
        """Say how `predict` names a case that it is given the folder of.

        Returns:
            The folder of the series, with and without the one above, and the file of the truth.
        """
        found = {}
        for id, (drawn, _) in self._cases.items():
            folder = folder_of(self._volume(id))
            found[id] = (f"{folder.parent.name}_{folder.name}", folder.name, name_of(drawn.path))
        counts = Counter(name for names in found.values() for name in {*names})
        return {id: tuple(n for n in names if counts[n] == 1) for id, names in found.items()}

    def sources(self) -> dict[str, str]:
        """Say which DICOM series each case is.

        Returns:
            SeriesInstanceUID by case id.
        """
        return {id: series.series_uid for id, (_, series) in self._cases.items()}

    def problems(self) -> list[str]:
        """List what was left out.

        Returns:
            One sentence a problem.
        """
        return list(self._problems)

    def remarks(self) -> list[str]:
        """List labels that a `labels.yaml` leaves out.

        Returns:
            A sentence, if there are any.
        """
        names = dict.fromkeys(one.name for labels in self._labels.values() for one in labels)
        lost = [name for name in names if self._joined.like(name) is None]
        return [f"labels.yaml leaves out {', '.join(lost)}."] if lost else []

    def _parts(self, id: str) -> Parts:
        """Read a file anew, its labels with the numbers of the dataset's table."""
        drawn, series = self._cases[id]
        parts, table = drawn.parts(series), self._joined
        new = {label.id: table.like(label.name) for label in parts.labels}

        def renamed() -> Iterator[Part]:
            for part in parts.parts():
                label = new[part.label.id]
                if label is not None:
                    yield replace(part, label=label)

        return replace(parts, labels=table.labels, parts=renamed)

    def _mask(self, id: str, parts: Parts) -> Mask:
        """Paint a file's labels when they are first touched."""
        series, layers = self._cases[id][1], self.labels.overlapping

        def load() -> Any:  # noqa: ANN401 - an array
            planes = parts.layers(series) if layers else parts.on_slices(series)[0]
            return series.to_regular(planes)

        return Mask(
            geometry=series.regular, load=load, source=parts.source, notes=parts.notes,
            num_layers=len(self.labels.labels) if layers else None,
        )  # fmt: skip

    def _volume(self, id: str) -> Volume:
        _, series = self._cases[id]
        volumes = self._volumes[series.series_uid]
        return next(volume for volume in volumes if volume.series is series)

    def _image(self, id: str) -> Image:
        return cast(Image, self._volume(id).image)  # only accepted volumes are kept

    def _paired(self) -> dict[str, tuple[Drawn, Series]]:
        """Tie each file to its series; one truth a series."""
        found: dict[str, tuple[Drawn, Series]] = {}
        taken: dict[tuple[str, str], str] = {}
        folders = [folder_of(one) for many in self._volumes.values() for one in many]
        names = names_of(folders, self._home)
        drawings = [drawn for path in drawn_below(self.root) if (drawn := look_at(path))]
        for drawn in sorted(drawings, key=lambda one: one.is_own):
            name = below(drawn.path.with_name(name_of(drawn.path)), self.root)
            file = drawn.path.name  # a SEG and an RTSTRUCT of one series share their name
            volume = volume_of(drawn, self._volumes)
            if volume is None or volume.series is None:
                uid = drawn.series_uid or "unknown"
                told = f"{name} was drawn on series {uid}, which is not in {self._home} or was"
                self._problems.append(f"{told} refused; {file} is left out. Put the series there.")
                continue
            key = (volume.report.series_uid, volume.report.volume)
            if key in taken:
                told = f"{name} was drawn on the same series as {taken[key]}; {file} is left out."
                self._problems.append(told)
                continue
            try:
                labels = drawn.parts(volume.series).labels
            except DelineateError as error:
                self._problems.append(f"{name} is left out: {error}")
                continue
            id = names.get(folder_of(volume), name)
            id = id if id not in found else f"{id}_{name}"
            taken[key], self._labels[id] = name, labels
            found[id] = (drawn, volume.series)
        return found
