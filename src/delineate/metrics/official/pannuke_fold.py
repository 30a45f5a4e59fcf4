"""A whole fold of PanNuke from its files, a part in each process, never all in memory."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import reduce
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from delineate.core.errors import ShapeError
from delineate.metrics.official.outcome import Outcome
from delineate.metrics.official.pannuke import PanNuke, Variant

PART = 32
"""Images that a process takes at once."""


@dataclass(frozen=True, kw_only=True)
class _Part:
    """Some images of a fold, for one process."""

    prediction: Path
    truth: Path
    tissues: tuple[str, ...]
    first: int
    variant: Variant


def score_fold(
    prediction: Path,
    truth: Path,
    tissues: Path | Sequence[str],
    *,
    variant: Variant = "official",
    workers: int = 1,
) -> Outcome:
    """Score a fold; images are read from memory maps as they are scored.

    Args:
        prediction: An .npy file of ids by class, (N, Y, X, 5 or 6).
        truth: The fold's masks.npy, (N, Y, X, 6).
        tissues: The fold's types.npy, or the names, N of them.
        variant: "official" or "strict".
        workers: Processes; 1 scores in this one. The result is the same but for rounding.

    Returns:
        The outcome; of three splits, `pannuke.mean_of_splits` takes the mean.

    Raises:
        ShapeError: If there are not as many images on both sides, and tissues.
        UnknownNameError: If there is no such variant or tissue.
    """
    # A file that another holds may be a pickle, which could run code.
    names = (
        [str(name) for name in np.load(tissues, allow_pickle=False)]
        if isinstance(tissues, Path)
        else list(tissues)
    )
    sizes = [len(np.load(path, mmap_mode="r", allow_pickle=False)) for path in (prediction, truth)]
    if {*sizes} != {len(names)}:
        raise ShapeError(
            f"There must be as many predictions, truths and tissues, not {sizes[0]}, {sizes[1]} "
            f"and {len(names)}. Pass files of one fold."
        )
    parts = [
        _Part(prediction=prediction, truth=truth, tissues=tuple(names[first : first + PART]),
              first=first, variant=variant)
        for first in range(0, len(names), PART)
    ]  # fmt: skip
    if workers > 1:
        # Forked copies of a process with threads may hang; a fresh one costs half a second.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            return reduce(_join, pool.map(_score, parts), PanNuke(variant)).result()
    return reduce(_join, map(_score, parts), PanNuke(variant)).result()


def _score(part: _Part) -> PanNuke:
    scorer = PanNuke(part.variant)
    # Opened anew for each part, so that the pages of past ones need not stay.
    said = np.load(part.prediction, mmap_mode="r", allow_pickle=False)
    true = np.load(part.truth, mmap_mode="r", allow_pickle=False)
    for place, tissue in enumerate(part.tissues, start=part.first):
        scorer.add(np.asarray(said[place]), np.asarray(true[place]), tissue)
    return scorer


def _join(one: PanNuke, other: PanNuke) -> PanNuke:
    one.join(other)
    return one
