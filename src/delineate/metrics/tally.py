"""Mistakes counted: of all nuclei, by size and by type."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.metrics.mistakes import MATCHED, SPURIOUS, TRUTH_KINDS, Mistakes

Groups = Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]]
"""For each case: which true and which predicted objects belong to a group, (T,) and (P,)."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many objects of a group became what; a true object counts in exactly one kind."""

    name: str
    """The group, such as "under 20 µm²" or a type."""
    num_true: int
    """True objects."""
    num_predicted: int
    """Predicted objects."""
    matched: int
    """True objects with a prediction of IoU above 0.5."""
    merged: int
    """True objects that a prediction covers together with others."""
    split: int
    """True objects that several predictions lie in."""
    rough: int
    """True objects that were found, but with an IoU of at most 0.5."""
    missed: int
    """True objects that nothing was predicted for."""
    spurious: int
    """Predicted objects where there is none."""
    mistyped: int
    """Those of the matched ones that have another type than the truth's."""


@dataclass(frozen=True, kw_only=True)
class Tallies:
    """The mistakes of an evaluation, counted in three ways."""

    total: Tally
    """All objects of all cases."""
    by_size: tuple[Tally, ...]
    """Small, middling and large ones; empty without a true object."""
    by_type: tuple[Tally, ...]
    """Each type; empty if there are fewer than two."""

    @classmethod
    def of(cls, found: Sequence[Mistakes], names: Mapping[int, str]) -> "Tallies":
        """Count.

        Args:
            found: Mistakes of each case.
            names: Name of each type by its label id.

        Returns:
            The counts.
        """
        return cls(
            total=tally_all(found),
            by_size=tuple(tally_by_size(found)),
            by_type=tuple(tally_by_type(found, names)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Turn the counts into plain values.

        Returns:
            A nested dictionary for JSON.
        """
        return asdict(self)

    @property
    def text(self) -> str:
        """The counts in a sentence for a terminal."""
        one = self.total
        typed = f" ({one.mistyped} of them mistyped)" if self.by_type else ""
        return (
            f"Of {one.num_true} true nuclei {one.matched} are matched{typed}, {one.merged} merged, "
            f"{one.split} split, {one.rough} rough, {one.missed} missed; of {one.num_predicted} "
            f"predicted {one.spurious} are spurious."
        )


def tally_all(found: Sequence[Mistakes]) -> Tally:
    """Count the mistakes of all cases together.

    Args:
        found: Mistakes of each case.

    Returns:
        The counts.
    """
    everything = [(np.ones(len(m.truth_kinds), bool), np.ones(len(m.prediction_kinds), bool))
                  for m in found]  # fmt: skip
    return _tally("all nuclei", found, everything)


def tally_by_size(found: Sequence[Mistakes]) -> list[Tally]:
    """Count mistakes by size: thirds of the true objects of all cases.

    Args:
        found: Mistakes of each case.

    Returns:
        Counts of small, middling and large objects, named by their limits in µm², or in pixels
        if any case lacks a resolution; predictions count by their own size. Empty without a
        true object.
    """
    unit = "px" if any(one.pixel_um is None for one in found) else "µm²"
    scales = [1.0 if unit == "px" else float(one.pixel_um or 1) ** 2 for one in found]
    true = [one.pairing.truth_areas * scale for one, scale in zip(found, scales, strict=True)]
    said = [one.pairing.prediction_areas * scale for one, scale in zip(found, scales, strict=True)]
    pooled = np.concatenate(true) if true else np.zeros(0)
    if not len(pooled):
        return []
    low, high = (float(f"{limit:.3g}") for limit in np.percentile(pooled, [100 / 3, 200 / 3]))
    names = (f"under {low:g} {unit}", f"{low:g} to {high:g} {unit}", f"over {high:g} {unit}")
    classes = [
        [np.searchsorted([low, high], areas, side="right") for areas in sizes]
        for sizes in (true, said)
    ]
    return [
        _tally(
            name, found, [(one == place, two == place) for one, two in zip(*classes, strict=True)]
        )
        for place, name in enumerate(names)
    ]


def tally_by_type(found: Sequence[Mistakes], names: Mapping[int, str]) -> list[Tally]:
    """Count mistakes by type: the truth's for true objects, the predicted one for spurious ones.

    Args:
        found: Mistakes of each case.
        names: Name of each type by its label id.

    Returns:
        Counts of each type; empty if there are fewer than two.
    """
    if len(names) < 2:
        return []
    return [
        _tally(name, found, [(m.truth_types == id, m.prediction_types == id) for m in found])
        for id, name in names.items()
    ]


def list_mistakes(found: Mapping[str, Mistakes], names: Mapping[int, str]) -> str:
    """List every mistake with its place, for whoever wants to look at each.

    Args:
        found: Mistakes by case.
        names: Name of each type by its label id.

    Returns:
        CSV: case, kind, side (truth or prediction), id in its map, x, y in pixels, area in
        square pixels, type of the truth and of the prediction, where known.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = ("case", "kind", "side", "id", "x_px", "y_px", "area_px", "true_type", "said_type")
    writer.writerow(columns)
    for case, one in found.items():
        partner = dict(one.pairing.matches.tolist())
        pairing = one.pairing
        for row in np.flatnonzero((one.truth_kinds != MATCHED) | one.is_mistyped):
            kind = "mistyped" if one.is_mistyped[row] else TRUTH_KINDS[one.truth_kinds[row]]
            said = one.prediction_types[partner[row]] if row in partner else 0
            y, x = pairing.truth_centres[row][-2:]
            writer.writerow(
                [case, kind, "truth", pairing.truth_ids[row], f"{x:.1f}", f"{y:.1f}",
                 pairing.truth_areas[row], names.get(int(one.truth_types[row]), ""),
                 names.get(int(said), "")]
            )  # fmt: skip
        for row in np.flatnonzero(one.prediction_kinds == SPURIOUS):
            y, x = pairing.prediction_centres[row][-2:]
            writer.writerow(
                [case, "spurious", "prediction", pairing.prediction_ids[row], f"{x:.1f}",
                 f"{y:.1f}", pairing.prediction_areas[row], "",
                 names.get(int(one.prediction_types[row]), "")]
            )  # fmt: skip
    return text.getvalue()


def _tally(
    name: str,
    found: Sequence[Mistakes],
    groups: Groups,
) -> Tally:
    true, spurious, mistyped, predicted = np.zeros(len(TRUTH_KINDS), int), 0, 0, 0
    for one, (is_true, is_said) in zip(found, groups, strict=True):
        true += np.bincount(one.truth_kinds[is_true], minlength=len(TRUTH_KINDS))
        spurious += int((one.prediction_kinds[is_said] == SPURIOUS).sum())
        mistyped += int(one.is_mistyped[is_true].sum())
        predicted += int(is_said.sum())
    counts = dict(zip(TRUTH_KINDS, true.tolist(), strict=True))
    return Tally(
        name=name, num_true=int(true.sum()), num_predicted=predicted, spurious=spurious,
        mistyped=mistyped, **counts,
    )  # fmt: skip
