"""What the numbers in a mask mean: names, colours, codes, regions and the ignored value."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import LabelError

PALETTE = (
    (230, 75, 53), (77, 187, 213), (0, 160, 135), (60, 84, 136), (243, 155, 127),
    (132, 145, 180), (145, 209, 194), (220, 0, 0), (126, 97, 72), (176, 156, 133),
)  # fmt: skip


def plain_name(name: str) -> str:
    """Take away from a name what people spell in different ways.

    Args:
        name: Such as "Kidney, LEFT".

    Returns:
        Its words in small letters with one space between, such as "kidney left".
    """
    return " ".join(re.findall(r"[^\W_]+", name.casefold()))


@dataclass(frozen=True, kw_only=True)
class CodedConcept:
    """A concept of a coding scheme, as DICOM and SNOMED CT write it."""

    value: str
    """Code value, such as "69695003"."""
    scheme: str = "SCT"
    """Coding scheme designator."""
    meaning: str = ""
    """Code meaning, such as "Stomach"."""


@dataclass(frozen=True, kw_only=True)
class Label:
    """One class: the id that is written, the ids that it covers, a name and a colour."""

    id: int
    """The value written into masks, 1 or more."""
    name: str
    """What people call it."""
    covers: tuple[int, ...] = ()
    """Ids in the truth that belong to it; empty means its own id (more: a region)."""
    colour: tuple[int, int, int] = (255, 0, 0)
    """Red, green and blue, 0 to 255."""
    concept: CodedConcept | None = None
    """Its code, where one is known."""

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids in the truth that belong to this label."""
        return self.covers or (self.id,)


@dataclass(frozen=True, kw_only=True)
class LabelTable:
    """The classes of a dataset; background is 0 and not listed."""

    labels: tuple[Label, ...]
    """Classes in the order in which a later one is painted over an earlier one."""
    ignore: int | None = None
    """Value that neither trains nor counts."""
    overlapping: bool = False
    """True if masks are stacks (L, *S) of layers that may overlap."""
    names_known: bool = field(default=True, compare=False)
    """False if the names were made up from the values that were found."""

    def __post_init__(self) -> None:
        """Check ids and names.

        Raises:
            LabelError: If an id or a name occurs twice, or an id is below 1.
        """
        ids = [label.id for label in self.labels]
        names = [label.name for label in self.labels]
        if len(set(ids)) != len(ids) or len(set(names)) != len(names) or min(ids, default=1) < 1:
            raise LabelError(
                f"Label ids must be distinct numbers from 1 and names distinct, not "
                f"{dict(zip(names, ids, strict=True))}. Mend the table in dataset.json."
            )

    @classmethod
    def of_names(
        cls, names: Mapping[str, int | Sequence[int]], ignore: int | None = None
    ) -> "LabelTable":
        """Make a table from names and ids, as `dataset.json` has them.

        Args:
            names: Name to id, or to the list of ids of a region; 0 (background) is dropped.
            ignore: Value that neither trains nor counts.

        Returns:
            The table, with colours from the palette. Where any name is a region, ids are
            1, 2, ... in the order of the mapping.

        Example:
            >>> LabelTable.of_names({"background": 0, "liver": 1}).names
            ('liver',)
        """
        wanted = {name: ids for name, ids in names.items() if ids not in (0, [0], ignore)}
        has_regions = any(not isinstance(ids, int) for ids in wanted.values())
        labels = []
        for place, (name, ids) in enumerate(wanted.items()):
            covers = (ids,) if isinstance(ids, int) else tuple(int(value) for value in ids)
            labels.append(
                Label(
                    id=place + 1 if has_regions else covers[0],
                    name=name,
                    covers=covers if has_regions else (),
                    colour=PALETTE[place % len(PALETTE)],
                )
            )
        return cls(labels=tuple(labels), ignore=ignore)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes, in order."""
        return tuple(label.name for label in self.labels)

    @property
    def is_exclusive(self) -> bool:
        """True if every voxel has at most one class, so that one softmax serves."""
        return not self.overlapping and all(len(label.ids) == 1 for label in self.labels)

    @property
    def values(self) -> frozenset[int]:
        """Every value that may stand in a mask of single layer."""
        found = {0, *(value for label in self.labels for value in label.ids)}
        return frozenset(found if self.ignore is None else found | {self.ignore})

    def by_name(self, name: str) -> Label:
        """Find a class by its name.

        Args:
            name: The class's name.

        Returns:
            The class.

        Raises:
            LabelError: If there is none of that name.
        """
        for label in self.labels:
            if label.name == name:
                return label
        raise LabelError(f"There is no label {name!r}. Choose one of: {', '.join(self.names)}.")

    def like(self, name: str) -> Label | None:
        """Find a class by what a name says, whatever its case, spaces and punctuation.

        Args:
            name: A name such as "Kidney, left".

        Returns:
            The class of just that name, else the one whose name says the same, such as
            "kidney_left"; None if there is none or several do.
        """
        exact = [label for label in self.labels if label.name == name]
        said = [label for label in self.labels if plain_name(label.name) == plain_name(name)]
        return exact[0] if exact else said[0] if len(said) == 1 else None

    def check(self, array: NDArray[Any], *, where: str) -> None:
        """Refuse label values that the table does not list.

        Args:
            array: Label ids, (*S), integer.
            where: The file or case, for the message.

        Raises:
            LabelError: If a value is not in the table.
        """
        strange = sorted(set(np.unique(array).tolist()) - self.values)
        if strange:
            raise LabelError(
                f"{where} holds label values {strange[:8]} that the label table "
                f"{dict((label.name, list(label.ids)) for label in self.labels)} does not know. "
                "Correct the mask, or add the values to dataset.json."
            )

    def structure(self) -> dict[str, Any]:
        """Say what a network's outputs mean, leaving out what may be renamed or recoloured.

        Returns:
            Ids of every label in order, the ignored value and whether labels overlap.
        """
        rows = [[label.id, list(label.ids)] for label in self.labels]
        return {"labels": rows, "ignore": self.ignore, "overlapping": self.overlapping}

    def to_dict(self) -> dict[str, Any]:
        """Turn the table into plain values for YAML and JSON.

        Returns:
            A nested dictionary that `from_dict` reads.
        """
        rows = [
            {
                "id": label.id,
                "name": label.name,
                "covers": list(label.ids),
                "colour": list(label.colour),
                "concept": None
                if label.concept is None
                else [label.concept.value, label.concept.scheme, label.concept.meaning],
            }
            for label in self.labels
        ]
        return {"labels": rows, "ignore": self.ignore, "overlapping": self.overlapping}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "LabelTable":
        """Read what `to_dict` made.

        Args:
            values: The nested dictionary.

        Returns:
            The table.
        """
        labels = []
        for row in values["labels"]:
            covers = tuple(int(value) for value in row.get("covers", ()))
            code = row.get("concept")
            concept = CodedConcept(value=code[0], scheme=code[1], meaning=code[2]) if code else None
            red, green, blue = row.get("colour", (255, 0, 0))
            labels.append(
                Label(
                    id=int(row["id"]),
                    name=str(row["name"]),
                    covers=() if covers == (int(row["id"]),) else covers,
                    colour=(int(red), int(green), int(blue)),
                    concept=concept,
                )
            )
        ignore = values.get("ignore")
        overlapping = bool(values.get("overlapping", False))
        return cls(labels=tuple(labels), ignore=ignore, overlapping=overlapping)
