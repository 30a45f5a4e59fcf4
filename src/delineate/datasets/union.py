"""Several datasets as one, so that a model learns from all of them."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Case
from delineate.core.errors import DatasetError
from delineate.core.image import Mask
from delineate.core.instances import UNTYPED, Instances
from delineate.core.labels import LabelTable
from delineate.datasets.base import Dataset
from delineate.datasets.objects import NUCLEUS, objects_case
from delineate.datasets.tcga import BARCODE

UNKNOWN = 255
"""Value shown where a nucleus comes from a dataset that knows no types, while others do."""


class Union(Dataset):
    """Datasets side by side; a case's name is its dataset's, a dot, and its own.

    Types of nuclei are merged by their names. Where one dataset knows types and another only
    nuclei, the latter's are of unknown type: they teach where nuclei are, but not which.
    """

    layout = "union"

    def __init__(self, members: Sequence[Dataset]) -> None:
        """Put datasets side by side; of the first case of each the header is read.

        Args:
            members: Two or more.

        Raises:
            DatasetError: If channels differ, if only some tell objects apart, or if masks of
                regions do not mean the same.
        """
        self._members = dict(zip(_distinct([data.name for data in members]), members, strict=True))
        self._homes = {f"{key}.{id}": (key, id) for key in self._members for id in self._ids(key)}
        self._channels = _same_channels(members)
        tells_objects = _all_tell_objects(self._members)
        self._labels = _joined(members) if tells_objects else _same_regions(members)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Tell that no single path is several datasets.

        Args:
            path: Any.

        Returns:
            False.
        """
        return False

    @property
    def name(self) -> str:
        """The datasets' names, joined by a plus."""
        return "+".join(data.name for data in self._members.values())

    @property
    def licence(self) -> str:
        """All terms, each once."""
        return "; ".join(dict.fromkeys(data.licence for data in self._members.values()))

    @property
    def labels(self) -> LabelTable:
        """Every label of every dataset, once."""
        return self._labels

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, which the datasets share."""
        return self._channels

    def ids(self) -> list[str]:
        """Name all cases, dataset after dataset.

        Returns:
            Such as "MoNuSeg.TCGA-18-5592-01Z-00-DX1".
        """
        return list(self._homes)

    def case(self, id: str) -> Case:
        """Hand out a case under its longer name, its types renumbered.

        Args:
            id: One of `ids()`.

        Returns:
            The case; `facts["dataset"]` names its dataset.

        Raises:
            DatasetError: If there is no such case.
        """
        if id not in self._homes:
            raise DatasetError(f"{self.name} has no usable case {id!r}. See `delineate describe`.")
        key, inner = self._homes[id]
        data = self._members[key]
        case = data.case(inner)
        table = self._renumbering(data)
        facts = {**case.facts, "dataset": key, "tissue": data.tissue(inner)}
        if case.load_instances is None:
            mask = None if case.mask is None else _renumbered(case.mask, table)
            return replace(
                case, id=id, patient=self.patient(id), mask=mask, labels=self.labels, facts=facts
            )
        load = case.load_instances

        def retyped() -> Instances:
            instances = load()
            return replace(instances, types=table[instances.types].astype(np.int16))

        return objects_case(
            id=id,
            patient=self.patient(id),
            image=case.image,
            labels=self.labels,
            load=retyped,
            facts=facts,
            history=case.history,
        )

    def aligned(self) -> "Union":
        """Have every member's truth where its pictures have it.

        Returns:
            The same cases.
        """
        return Union([data.aligned() for data in self._members.values()])

    def patient(self, id: str) -> str:
        """Say whose a case is.

        Args:
            id: One of `ids()`.

        Returns:
            Dataset, dot and patient; a barcode of The Cancer Genome Atlas alone, since it names
            the same person in every dataset.
        """
        key, inner = self._homes[id]
        patient = self._members[key].patient(inner)
        return patient if BARCODE.match(patient) else f"{key}.{patient}"

    def tissue(self, id: str) -> str | None:
        """Say what a case shows.

        Args:
            id: One of `ids()`.

        Returns:
            What its dataset says.
        """
        key, inner = self._homes[id]
        return self._members[key].tissue(inner)

    def problems(self) -> list[str]:
        """List what was left out.

        Returns:
            One sentence a problem, with the dataset's name before it.
        """
        return [
            f"{key}: {sentence}"
            for key, data in self._members.items()
            for sentence in data.problems()
        ]

    def remarks(self) -> list[str]:
        """List what was assumed.

        Returns:
            One sentence each, with the dataset's name before it.
        """
        remarks = [
            f"{key}: {sentence}"
            for key, data in self._members.items()
            for sentence in data.remarks()
        ]
        untyped = [key for key, data in self._members.items() if _is_untyped(data.labels)]
        if untyped and len(untyped) < len(self._members):
            remarks.append(
                f"{', '.join(untyped)} knows nuclei but not their types; they count as of unknown "
                f"type beside {', '.join(self.labels.names)}."
            )
        return remarks

    def _ids(self, key: str) -> list[str]:
        return self._members[key].ids()

    def _renumbering(self, data: Dataset) -> NDArray[np.int32]:
        """Make a table from a dataset's values to the union's; values of no label stay."""
        highest = max(data.labels.values) + 1
        table = np.arange(highest, dtype=np.int32)
        for label in data.labels.labels:
            joined = [entry.id for entry in self.labels.labels if entry.name == label.name]
            for value in label.ids:
                table[value] = joined[0] if joined else UNTYPED
        if data.labels.ignore is not None and self.labels.ignore is not None:
            table[data.labels.ignore] = self.labels.ignore
        return table


def _distinct(names: Sequence[str]) -> list[str]:
    """Make names that can begin a file's name and that differ from each other."""
    keys: list[str] = []
    for name in names:
        safe = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_") or "data"
        taken = [key for key in keys if key == safe or re.fullmatch(rf"{re.escape(safe)}_\d+", key)]
        keys.append(f"{safe}_{len(taken) + 1}" if taken else safe)
    return keys


def _is_untyped(labels: LabelTable) -> bool:
    return labels.names == NUCLEUS.names


def _same_channels(members: Sequence[Dataset]) -> tuple[str, ...]:
    first = members[0]
    for other in members[1:]:
        if other.channels != first.channels:
            raise DatasetError(
                f"{first.name} has the channels {', '.join(first.channels)}, but {other.name} has "
                f"{', '.join(other.channels)}. Train them apart."
            )
    return first.channels


def _all_tell_objects(members: dict[str, Dataset]) -> bool:
    telling = {
        key: data.case(data.ids()[0]).load_instances is not None for key, data in members.items()
    }
    if any(telling.values()) and not all(telling.values()):
        raise DatasetError(
            f"{', '.join(key for key in telling if telling[key])} tells objects apart, but "
            f"{', '.join(key for key in telling if not telling[key])} only marks regions. "
            "Train them apart."
        )
    return all(telling.values())


def _joined(members: Sequence[Dataset]) -> LabelTable:
    """List every type once, in the order of the datasets."""
    typed = [data.labels for data in members if not _is_untyped(data.labels)]
    if not typed:
        return NUCLEUS
    has_unknown = len(typed) < len(members) or any(table.ignore is not None for table in typed)
    labels: dict[str, Any] = {}
    for table in typed:
        for label in table.labels:
            labels.setdefault(label.name, label)
    if len(typed) == 1:
        return replace(typed[0], ignore=UNKNOWN if has_unknown else None)
    fresh = LabelTable.of_names({name: place for place, name in enumerate(labels, 1)})
    return replace(
        fresh,
        labels=tuple(replace(made, concept=labels[made.name].concept) for made in fresh.labels),
        ignore=UNKNOWN if has_unknown else None,
        names_known=all(table.names_known for table in typed),
    )


def _same_regions(members: Sequence[Dataset]) -> LabelTable:
    """Make sure that masks of regions have the same labels, in whatever order."""
    first = members[0]
    for other in members[1:]:
        mine, yours = set(first.labels.names), set(other.labels.names)
        is_plain = first.labels.is_exclusive and other.labels.is_exclusive
        if first.labels != other.labels and (mine != yours or not is_plain):
            raise DatasetError(
                f"{first.name} marks {', '.join(sorted(mine))}, but {other.name} marks "
                f"{', '.join(sorted(yours))}; what one leaves unmarked would be taken for "
                "background. Give all of them the same labels in labels.yaml, or train them apart."
            )
    ignored = [data.labels.ignore for data in members if data.labels.ignore is not None]
    return replace(first.labels, ignore=ignored[0] if ignored else None)


def _renumbered(mask: Mask, table: NDArray[np.int32]) -> Mask:
    if mask.num_layers is not None or (table == np.arange(len(table))).all():
        return mask
    return replace(mask, load=lambda: table[mask.load()])
