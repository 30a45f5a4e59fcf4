"""Elements of a header as text and numbers, whatever stands in them."""

import math
from typing import Any


def text(dataset: Any, name: str) -> str:  # noqa: ANN401
    """Read an element as text.

    Args:
        dataset: A pydicom dataset.
        name: Keyword of the element.

    Returns:
        Its values joined by a backslash; empty if it is absent or empty.
    """
    return "\\".join(str(part) for part in many(dataset.get(name))).strip()


def number(dataset: Any, name: str) -> float | None:  # noqa: ANN401
    """Read an element as one number.

    Args:
        dataset: A pydicom dataset, or None.
        name: Keyword of the element.

    Returns:
        Its first value; None if it is absent or empty, NaN if it is no number.
    """
    values = many(None if dataset is None else dataset.get(name))
    return _float(values[0]) if values else None


def numbers(dataset: Any, name: str, count: int) -> list[float] | None:  # noqa: ANN401
    """Read an element as so many numbers.

    Args:
        dataset: A pydicom dataset, or None.
        name: Keyword of the element.
        count: How many there must be.

    Returns:
        The numbers, NaN where there is none or another count; None if it is absent or empty.
    """
    values = many(None if dataset is None else dataset.get(name))
    if not values:
        return None
    return [_float(value) for value in values] if len(values) == count else [math.nan] * count


def _float(value: Any) -> float:  # noqa: ANN401
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def many(value: Any) -> list[Any]:  # noqa: ANN401
    """Read an element as a list.

    Args:
        value: What pydicom gives for it, or None.

    Returns:
        Its values; none if it is absent or empty.
    """
    from pydicom.multival import MultiValue

    if value is None or value == "":
        return []
    return list(value) if isinstance(value, (MultiValue, list, tuple)) else [value]
