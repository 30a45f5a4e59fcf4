"""What the numbers in masks mean: from dataset.json, from labels.yaml, or from the values found."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from delineate.core.errors import DatasetError, DelineateError
from delineate.core.labels import LabelTable
from delineate.core.progress import track
from delineate.readers import read_mask

FILES = ("labels.yaml", "labels.yml", "labels.json", "dataset.json")
"""Files that may name the values in masks; the first that exists is read."""
MOST_VALUES = 200
"""More distinct values than this are no classes but instances or compression."""
MOST_BYTES = 64_000_000
"""Files of masks up to this size together are all read to find the labels."""
SAMPLE = 24
"""Number of masks read where there are more bytes than that."""


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a JSON or YAML file whose top is a mapping.

    Args:
        path: The file.

    Returns:
        Its content.

    Raises:
        DatasetError: If it cannot be read, is malformed or holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        raw = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DatasetError(f"{path} cannot be read ({error}). Correct or remove it.") from error
    if isinstance(raw, Sequence) and not isinstance(raw, str):
        raw = {"labels": raw}
    if not isinstance(raw, Mapping):
        raise DatasetError(f"{path} must hold names and values, not {raw!r}. Correct it.")
    return dict(raw)


def find_legend(root: Path, *, first: str = FILES[0]) -> LabelTable | None:
    """Read the label table that lies in a dataset's folder.

    Args:
        root: The dataset's folder.
        first: The file of `FILES` that is asked before the others.

    Returns:
        The table, or None if no file names labels.
    """
    for name in (first, *FILES):
        path = root / name
        card = read_mapping(path) if path.exists() else {}
        raw = card.get("labels", None if name == "dataset.json" else card)
        if raw:
            return table_of(raw, where=path, regions_class_order=card.get("regions_class_order"))
    return None


def table_of(
    raw: object, *, where: Path, regions_class_order: Sequence[int] | None = None
) -> LabelTable:
    """Make a label table from any of the usual spellings.

    Args:
        raw: {"liver": 1}, {"1": "liver"}, ["background", "liver"], or with regions
            {"whole tumour": [1, 2]}; the name "ignore" marks the ignored value.
        where: The file, for messages.
        regions_class_order: Value painted for each region, in order, as nnU-Net has it.

    Returns:
        The table.

    Raises:
        DatasetError: If the spelling is none of these, or the numbers contradict each other.
    """
    try:
        names = _names_to_ids(raw)
        ignored = [ids for name, ids in names.items() if name.lower() == "ignore"]
        ignore = int(ignored[0]) if ignored else None  # type: ignore[arg-type]
        table = LabelTable.of_names(names, ignore)
        has_regions = any(not isinstance(ids, int) for ids in names.values())
        if regions_class_order is not None and has_regions:
            order = [int(value) for value in regions_class_order]
            pairs = zip(table.labels, order, strict=True)
            table = replace(table, labels=tuple(replace(label, id=value) for label, value in pairs))
    except (TypeError, ValueError, DelineateError) as error:
        raise DatasetError(
            f"{where} must map label names to whole numbers (or lists of them, with a "
            f"regions_class_order as long), not {raw!r} ({error}). Correct it."
        ) from error
    if not table.labels:
        raise DatasetError(f"{where} names no label besides the background. Add one.")
    return table


def _names_to_ids(raw: object) -> dict[str, int | list[int]]:
    if isinstance(raw, Mapping):
        if all(str(key).isdigit() for key in raw):
            return {str(name): int(value) for value, name in raw.items()}
        return {
            str(name): [int(value) for value in ids] if isinstance(ids, list) else int(ids)
            for name, ids in raw.items()
        }
    if isinstance(raw, Sequence) and not isinstance(raw, str):
        has_background = bool(raw) and str(raw[0]).lower() == "background"
        return {str(name): place for place, name in enumerate(raw, 0 if has_background else 1)}
    raise TypeError("neither a mapping nor a list")


def values_in(array: NDArray[Any]) -> dict[int, int]:
    """Count each value of a mask.

    Args:
        array: Label ids, (*S), integer.

    Returns:
        Number of voxels by value, ascending; counting, not sorting, where ids are small.
    """
    if array.dtype.kind in "bu" and array.dtype.itemsize <= 2:
        counts = np.bincount(array.ravel())
        return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    values, numbers = np.unique(array, return_counts=True)
    return {int(value): int(number) for value, number in zip(values, numbers, strict=True)}


def discover(masks: Sequence[Path]) -> LabelTable:
    """Find the labels of a dataset that does not name them.

    All masks are read if they are small, else a fixed sample spread over the dataset.

    Args:
        masks: The mask files.

    Returns:
        A table whose names are made up from the values ("label_1"), and says so.

    Raises:
        DatasetError: If the values cannot be classes, or all masks are empty.
        DelineateError: If no mask can be read.
    """
    chosen = masks
    if sum(path.stat().st_size for path in masks) > MOST_BYTES and len(masks) > SAMPLE:
        chosen = [masks[place] for place in np.linspace(0, len(masks) - 1, SAMPLE).astype(int)]
    found: set[int] = set()
    failures: list[DelineateError] = []
    for path in track(chosen, "finding the labels", len(chosen)):
        try:
            found |= set(values_in(read_mask(path).array))
        except DelineateError as error:
            failures.append(error)  # reading the case itself, or the audit, tells of it
        if len(found) > MOST_VALUES:
            raise DatasetError(
                f"{path} and its neighbours hold more than {MOST_VALUES} distinct values, which "
                "are no classes but instances, probabilities or lossy compression. Give masks "
                "of one value a class, saved as PNG, TIFF or NIfTI."
            )
    if len(failures) == len(chosen):
        raise failures[0]
    return _made_up(found, masks[0].parent)


def _made_up(values: Iterable[int], where: Path) -> LabelTable:
    wanted = sorted(set(values) - {0})
    if not wanted:
        raise DatasetError(
            f"The masks in {where} hold nothing but background (0), so there is nothing to "
            "learn. Check that these are the right files."
        )
    if wanted[0] < 0:
        raise DatasetError(
            f"The masks in {where} hold negative values {wanted[:3]}. Number classes from 1."
        )
    if len(wanted) == 1:
        return replace(LabelTable.of_names({"foreground": wanted[0]}), names_known=False)
    table = LabelTable.of_names({f"label_{value}": value for value in wanted})
    return replace(table, names_known=False)
