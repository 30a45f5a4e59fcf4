"""How many objects a case holds, of which types, how large, and how its resolution is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from delineate.core.case import Case
from delineate.core.instances import UNTYPED

UM_PER_MM = 1000.0
UNKNOWN_TYPE = "of unknown type"
"""What objects are counted under of which nobody said what they are."""


@dataclass(frozen=True, kw_only=True)
class ObjectFacts:
    """The objects of one case."""

    count: int
    """How many."""
    by_type: dict[str, int]
    """How many of each type, by its name; those of unknown type under their own key."""
    diameter: float | None
    """Median diameter of discs of the objects' areas, in um, or in pixels where the resolution
    is not known; None without an object."""
    diameter_by_type: dict[str, float]
    """The same of each type that is there."""
    mpp: float | None
    """Micrometres per pixel, None if nobody knows."""
    mpp_from: str | None
    """Who says so: "file", "annotation", "assumed", "estimated" or "by hand"."""
    tissue: str | None = None
    """What the case shows, if known."""


def count_objects(case: Case) -> ObjectFacts | None:
    """Count the objects of a case; they are read now.

    Args:
        case: The case.

    Returns:
        The counts; None if its truth does not tell objects apart.
    """
    objects = case.instances
    if objects is None:
        return None
    grid = case.image.geometry
    mpp = float(np.prod(grid.spacing_mm)) ** (1 / grid.dims) * UM_PER_MM
    step = mpp if grid.is_physical else 1.0
    areas = np.bincount(objects.ids.ravel(), minlength=objects.count + 1)[1:]
    diameters = 2 * np.sqrt(areas / np.pi) * step
    names = {label.id: label.name for label in case.labels.labels} if case.labels else {}
    kinds = np.unique(objects.types).tolist()
    by_type = {name: int((objects.types == id).sum()) for id, name in names.items()}
    if UNTYPED in kinds:
        by_type[UNKNOWN_TYPE] = int((objects.types == UNTYPED).sum())
    return ObjectFacts(
        count=objects.count,
        by_type=by_type,
        diameter=float(np.median(diameters)) if objects.count else None,
        diameter_by_type={
            names.get(id, UNKNOWN_TYPE): float(np.median(diameters[objects.types == id]))
            for id in kinds
        },
        mpp=mpp if grid.is_physical else None,
        mpp_from=case.facts.get("mpp_from"),
        tissue=case.facts.get("tissue"),
    )


def tally(facts: Sequence[ObjectFacts]) -> list[tuple[str, str]]:
    """Sum up the objects of a dataset for people.

    Args:
        facts: One a case.

    Returns:
        Rows of a word and what is found under it.
    """
    counts = [row.count for row in facts]
    empty = sum(count == 0 for count in counts)
    rows = [
        ("Task", "instances: the truth tells objects apart"),
        (
            "Objects",
            f"{sum(counts):,}; {np.median(counts):g} a case ({min(counts)} to {max(counts)})"
            + (f", none in {empty}" if empty else ""),
        ),
        ("um per pixel", _resolution(facts)),
    ]
    tissues = [row.tissue for row in facts if row.tissue is not None]
    if tissues:
        told = {name: tissues.count(name) for name in sorted(set(tissues))}
        rows.append(("Tissue", ", ".join(f"{name} {number}" for name, number in told.items())))
    return rows


def types_told(facts: Sequence[ObjectFacts]) -> list[tuple[str, ...]]:
    """List types, how many objects each has and how large they are.

    Args:
        facts: One a case.

    Returns:
        Rows of a table, its head first; a diameter is the median of the cases' medians.
    """
    unit = "um" if all(row.mpp is not None for row in facts) else "pixels"
    names = list(dict.fromkeys(name for row in facts for name in row.by_type))
    total = max(1, sum(row.count for row in facts))
    table: list[tuple[str, ...]] = [
        ("Type", "in cases", "objects", "share", f"median diameter ({unit})")
    ]
    for name in names:
        counts = [row.by_type.get(name, 0) for row in facts]
        sizes = [row.diameter_by_type[name] for row in facts if name in row.diameter_by_type]
        table.append((
            name,
            f"{np.count_nonzero(counts)} of {len(facts)}",
            f"{sum(counts):,}",
            f"{100 * sum(counts) / total:.3g} %",
            f"{np.median(sizes):.3g}" if sizes else "never",
        ))  # fmt: skip
    return table


def _resolution(facts: Sequence[ObjectFacts]) -> str:
    known = [row.mpp for row in facts if row.mpp is not None]
    if not known:
        return "not known; pass mpp to train on it (0.25 for a scan at 40x)"
    low, high = min(known), max(known)
    span = f"{low:.4g}" if high - low < 1e-6 else f"{low:.4g} to {high:.4g}"
    sources = [row.mpp_from for row in facts if row.mpp is not None]
    ways = [f"{way or 'file'} {sources.count(way)}" for way in dict.fromkeys(sources)]
    unknown = len(facts) - len(known)
    if unknown:
        ways.append(f"not known {unknown}")
    return f"{span} ({', '.join(ways)})"
