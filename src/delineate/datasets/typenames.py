"""What the types of nuclei are called, and which nucleus is of which: names, numbers and tables."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from delineate.core.errors import DatasetError
from delineate.core.instances import UNTYPED
from delineate.core.labels import Label, LabelTable
from delineate.datasets.legend import read_mapping
from delineate.datasets.objects import NUCLEUS

TYPE_INFO = "type_info.json"
"""File of HoVer-Net that gives name and colour by type: {"1": ["neopla", [255, 0, 0]]}."""
UNKNOWN = 255
"""Value shown where a nucleus is of type 0: it is one, but nobody said of which kind."""


@dataclass(frozen=True, kw_only=True)
class TypeNames:
    """Types as files number them, and the labels that they become."""

    table: LabelTable
    """The labels; each stands for itself, so that types that are joined become one."""
    places: Mapping[int, int]
    """Label id by type."""
    source: str
    """Who named them, for messages."""

    @classmethod
    def of(cls, named: LabelTable, source: str) -> "TypeNames":
        """Take the names from a table.

        Args:
            named: Labels, of which one may cover several types.
            source: Who named them.

        Returns:
            The names, with a value for nuclei of unknown type.
        """
        return cls(
            table=replace(
                named,
                labels=tuple(replace(label, covers=()) for label in named.labels),
                ignore=UNKNOWN,
            ),
            places={type: label.id for label in named.labels for type in label.ids},
            source=source,
        )

    @classmethod
    def made_up(cls, types: Iterable[int]) -> "TypeNames":
        """Make names up from the types that were found.

        Args:
            types: Numbers; 0 stands for unknown and gets no name.

        Returns:
            Such as "type_1"; the one label "nucleus" if there is no type.
        """
        found = sorted(set(types) - {UNTYPED})
        if not found:
            return cls(table=NUCLEUS, places={}, source="no file")
        table = LabelTable.of_names({f"type_{type}": type for type in found})
        return cls.of(replace(table, names_known=False), "the dataset")

    @property
    def is_typed(self) -> bool:
        """True unless nobody knows any type."""
        return self.table is not NUCLEUS

    def label_ids(self, types: Mapping[int, int], where: Path) -> dict[int, int]:
        """Translate the types of a case's nuclei.

        Args:
            types: Type by id.
            where: The file that says so, for the message.

        Returns:
            Label id by id, 0 where unknown.

        Raises:
            DatasetError: If a type has no name.
        """
        strange = sorted(set(types.values()) - self.places.keys() - {UNTYPED})
        if strange:
            raise DatasetError(
                f"{where} holds nuclei of type {', '.join(map(str, strange[:5]))}, which "
                f"{self.source} does not name; it names {', '.join(self.table.names)}. "
                "Add the type there, or correct the file."
            )
        return {number: self.places.get(type, UNTYPED) for number, type in types.items()}


def read_type_info(path: Path) -> LabelTable:
    """Read names and colours as HoVer-Net writes them.

    Args:
        path: A file like `TYPE_INFO`.

    Returns:
        The labels; type 0 is left out, since it means unknown.

    Raises:
        DatasetError: If it looks otherwise.
    """
    labels = []
    try:
        for type, (name, colour) in sorted(
            read_mapping(path).items(), key=lambda item: int(item[0])
        ):
            red, green, blue = (int(part) for part in colour)
            if int(type) != UNTYPED:
                labels.append(Label(id=int(type), name=str(name), colour=(red, green, blue)))
    except (TypeError, ValueError) as error:
        raise DatasetError(
            f'{path} must look like {{"1": ["neoplastic", [255, 0, 0]]}}, but reading it gave '
            f"{error!r}. Correct it, or write labels.yaml instead."
        ) from error
    return LabelTable(labels=tuple(labels))


def read_types(path: Path, table: LabelTable | None) -> dict[str, dict[int, int]]:
    """Read a table of which nucleus is of which type.

    Args:
        path: A table with the columns `case`, `id` and `type`.
        table: Labels by whose names types may be called; None allows numbers only.

    Returns:
        Type by id by case.

    Raises:
        DatasetError: If it cannot be read, or calls a type by a name that is not known.
    """
    ids = {label.name: label.id for label in table.labels} if table else {}
    found: dict[str, dict[int, int]] = defaultdict(dict)
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            for row in csv.DictReader(handle, skipinitialspace=True):
                name = row["type"].strip()
                found[row["case"].strip()][int(row["id"])] = ids[name] if name in ids else int(name)
    except (OSError, KeyError, AttributeError, TypeError, ValueError, csv.Error) as error:
        known = f" or the names {', '.join(ids)}" if ids else ""
        raise DatasetError(
            f"{path} must be a table with the columns case,id,type, types being numbers{known}, "
            f"but reading it gave {error!r}. Correct it or remove it."
        ) from error
    return dict(found)
