"""What Delineate says when something is wrong: one sentence with the mend in it."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

Row = TypeVar("Row")


class DelineateError(Exception):
    """Any error that a user can mend; its message names argument, rule, value and mend."""


class GeometryError(DelineateError):
    """A spacing, an affine or a shape that cannot be right, or two that disagree."""


class LabelError(DelineateError):
    """A label value or name that the label table does not know."""


class FileError(DelineateError):
    """A file or folder that is absent, damaged, unreadable or of an unknown format."""


class SeriesError(FileError):
    """A DICOM series that was refused, or several where one was expected."""


class DatasetError(DelineateError):
    """A folder that is no dataset, or one whose cases contradict each other."""


class PlanError(DelineateError):
    """A plan that cannot be read, or that does not fit its data or its weights."""


class ShapeError(DelineateError):
    """Arrays whose shapes do not go together."""


class UnknownNameError(DelineateError):
    """A name that is not a row of its table."""


class TrainingError(DelineateError):
    """A run that cannot go on, as its losses are no numbers any more."""


class BudgetError(DelineateError):
    """A budget of time, steps or memory that cannot be kept."""


class ExchangeError(DelineateError):
    """An archive that is down, refuses, or answers what cannot be right; or a wrong address."""


def pick(table: Mapping[str, Row], name: str, *, what: str) -> Row:
    """Look a row up by name; an unknown name is answered with the nearest one.

    Args:
        table: Any of the tables in capitals, such as `MODELS`.
        name: The key that the user wrote.
        what: What the table holds, in the singular, for the message.

    Returns:
        The row.

    Raises:
        UnknownNameError: If the table has no such row.

    Example:
        >>> pick({"unet": 1, "segformer": 2}, "unet", what="model")
        1
    """
    if name in table:
        return table[name]
    nearest = get_close_matches(name, table, n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    known = ", ".join(sorted(table)) or "none"
    raise UnknownNameError(f"There is no {what} named {name!r}.{hint} Choose one of: {known}.")
