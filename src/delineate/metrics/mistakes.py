"""What went wrong with each nucleus: missed, merged, split, rough, spurious or mistyped.

A score says how much is wrong; the kinds of mistakes say what to mend. Merged nuclei ask for
better separation, missed ones for another threshold or stain, mistyped ones for more examples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.core.instances import UNTYPED, Instances
from delineate.metrics.instance import Pairing, pair_up
from delineate.metrics.nuclei import types_of

MATCHED, MERGED, SPLIT, ROUGH, MISSED = range(5)
MERGING, FRAGMENT, SPURIOUS = 1, 2, 4
TRUTH_KINDS = ("matched", "merged", "split", "rough", "missed")
"""What became of a true object; the numbers in `Mistakes.truth_kinds` are places here."""
PREDICTION_KINDS = ("matched", "merging", "fragment", "rough", "spurious")
"""What a predicted object is; the numbers in `Mistakes.prediction_kinds` are places here."""
RULES = (
    "Matched: a prediction and a true nucleus have an IoU above 0.5. Of the others, the first "
    "that fits: merged, if the prediction that covers more than half of a nucleus covers more "
    "than half of another one, too; split, if two or more predictions lie in a nucleus with more "
    "than half of their area each; rough, if one prediction that matches nothing covers more "
    "than half of the nucleus, or lies in it with more than half of its area; else missed. "
    "Spurious: a prediction that matches no nucleus and merges, splits or roughly covers none. "
    "Mistyped: matched, but with another type than the truth's, where both are known."
)
"""The rules of `find_mistakes` for the reader of a report."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Mistakes:
    """What became of every true and predicted object of one case."""

    pairing: Pairing
    """Ids, areas, centres and overlaps of the objects."""
    truth_kinds: NDArray[np.int8]
    """Place in `TRUTH_KINDS` of each true object, (T,)."""
    prediction_kinds: NDArray[np.int8]
    """Place in `PREDICTION_KINDS` of each predicted object, (P,)."""
    truth_types: NDArray[np.int16]
    """Label id of each true object, (T,), 0 where unknown."""
    prediction_types: NDArray[np.int16]
    """Label id of each predicted object, (P,), 0 where unknown."""
    is_mistyped: NDArray[np.bool_]
    """True objects that are matched with another type, (T,)."""
    pixel_um: float | None = None
    """Micrometres to a pixel, None if unknown."""

    @property
    def places(self) -> NDArray[np.float64]:
        """Centre of every mistake in pixels and array order, (M, D).

        First true objects that are mistyped or not matched, then spurious predictions.
        """
        return np.concatenate(
            [
                self.pairing.truth_centres[(self.truth_kinds != MATCHED) | self.is_mistyped],
                self.pairing.prediction_centres[self.prediction_kinds == SPURIOUS],
            ]
        )


def find_mistakes(
    prediction: Instances, truth: Instances, *, pixel_um: float | None = None
) -> Mistakes:
    """Say of every object of a case what it is, by `RULES`.

    All follows from areas and overlaps. "Covers" means more than half of the nucleus, so one
    prediction at most covers it; "lies in" means more than half of the prediction, so one
    nucleus at most holds it. A rough prediction belongs to the nucleus it shares most with.

    Args:
        prediction: Predicted objects.
        truth: True objects, on the same grid.
        pixel_um: Micrometres to a pixel, None if unknown.

    Returns:
        The mistakes; objects without a single pixel are left out.

    Raises:
        ShapeError: If the grids differ.
    """
    pairing = pair_up(truth.ids, prediction.ids)
    truth_kinds, prediction_kinds = _sort_out(pairing)
    true = types_of(truth, pairing.truth_ids)
    said = types_of(prediction, pairing.prediction_ids)
    first, second = pairing.matches.T
    differ = (true[first] != said[second]) & (true[first] != UNTYPED) & (said[second] != UNTYPED)
    is_mistyped = np.zeros(len(true), dtype=bool)
    is_mistyped[first[differ]] = True
    return Mistakes(
        pairing=pairing,
        truth_kinds=truth_kinds,
        prediction_kinds=prediction_kinds,
        truth_types=true,
        prediction_types=said,
        is_mistyped=is_mistyped,
        pixel_um=pixel_um,
    )


def worst_spots(
    found: Sequence[Mistakes], *, side_um: float = 32.0, side_px: int = 128, number: int = 12
) -> list[tuple[int, int, int, int]]:
    """Choose the squares that hold most mistakes, none overlapping another.

    Args:
        found: Mistakes of each case, of pictures (Y, X).
        side_um: Side of a square.
        side_px: The same in pixels, where a case has no resolution.
        number: How many squares at most.

    Returns:
        Place of the case, top row, left column and side in pixels of each; most mistakes first.
        Squares may reach over the edge of the picture.
    """
    spots: list[tuple[int, int, int, int, int]] = []
    for place, one in enumerate(found):
        side = round(side_um / one.pixel_um) if one.pixel_um else side_px
        spots += [(count, place, top, left, side)
                  for count, top, left in _squares(one.places, max(side, 8), number)]  # fmt: skip
    spots.sort(key=lambda spot: -spot[0])
    return [spot[1:] for spot in spots[:number]]


def _sort_out(pairing: Pairing) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    first, second = pairing.pairs.T
    num_true, num_said = len(pairing.truth_ids), len(pairing.prediction_ids)
    covers = 2 * pairing.shared > pairing.truth_areas[first]
    inside = 2 * pairing.shared > pairing.prediction_areas[second]
    is_match = pairing.is_match
    truth_kinds = np.full(num_true, MISSED, dtype=np.int8)
    said_kinds = np.full(num_said, SPURIOUS, dtype=np.int8)
    covered = np.bincount(second[covers], minlength=num_said)
    held = np.bincount(first[inside], minlength=num_true)
    merged = covers & (covered[second] > 1)
    fragments = inside & (held[first] > 1)
    truth_kinds[first[fragments]] = SPLIT
    truth_kinds[first[merged]] = MERGED
    truth_kinds[first[is_match]] = MATCHED
    said_kinds[second[fragments]] = FRAGMENT
    said_kinds[second[merged]] = MERGING
    said_kinds[second[is_match]] = MATCHED
    loose = (covers | inside) & (said_kinds[second] == SPURIOUS) & (truth_kinds[first] == MISSED)
    order = np.flatnonzero(loose)[np.lexsort((first[loose], -pairing.shared[loose]))]
    _, best = np.unique(second[order], return_index=True)
    chosen = order[best]
    truth_kinds[first[chosen]] = ROUGH
    said_kinds[second[chosen]] = ROUGH
    return truth_kinds, said_kinds


def _squares(places: NDArray[np.float64], side: int, number: int) -> list[tuple[int, int, int]]:
    """Take the fullest square around a mistake, then the fullest that stays clear of it, ..."""
    from scipy.spatial import cKDTree  # the metrics' face stays light

    left = places
    squares: list[tuple[int, int, int]] = []
    while len(left) and len(squares) < number:
        tree = cKDTree(left)
        near = tree.query_ball_point(left, side / 2, p=np.inf, return_length=True)
        fullest = int(near.argmax())
        top, start = (round(float(x) - side / 2) for x in left[fullest])
        squares.append((int(near[fullest]), top, start))
        left = left[(np.abs(left - left[fullest]) >= side).any(axis=1)]
    return squares
