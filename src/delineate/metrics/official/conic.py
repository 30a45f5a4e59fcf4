"""CoNIC: PQ of six classes pooled over all images, and R² of how many nuclei there are."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import ShapeError
from delineate.metrics.instance import Ids, Pairing, pair_up
from delineate.metrics.official.outcome import Mean, Outcome, mean_of, official_quality

CLASSES = ("neutrophil", "epithelial", "lymphocyte", "plasma", "eosinophil", "connective")
"""Classes 1 to 6 of the class map."""
SLACK = 1e-6
_CONVENTION = (
    "CoNIC: multi_pq_plus pools matches (IoU above 0.5), misses and false positives of each class "
    "over all images before PQ, 1e-6 below the lines of DQ and SQ, and averages the classes; pq "
    "is the mean of each image's binary PQ, 0 where its truth is empty; multi_r2 is the mean of "
    "the classes' R² of counts (1 or 0 where all true counts are equal)."
)


@dataclass
class CoNIC:
    """Scores images one by one and pools them."""

    _tp: list[int] = field(default_factory=lambda: [0] * len(CLASSES), repr=False)
    _wrong: list[int] = field(default_factory=lambda: [0] * len(CLASSES), repr=False)
    _iou: list[float] = field(default_factory=lambda: [0.0] * len(CLASSES), repr=False)
    _binary: Mean = field(default_factory=Mean, repr=False)
    _true_counts: list[Sequence[int]] = field(default_factory=list, repr=False)
    _said_counts: list[Sequence[int]] = field(default_factory=list, repr=False)
    _num_empty: int = 0

    @property
    def convention(self) -> str:
        """How exactly it computes, in a sentence."""
        return _CONVENTION

    def add(
        self,
        prediction: Ids,
        truth: Ids,
        *,
        prediction_counts: Sequence[int] | None = None,
        truth_counts: Sequence[int] | None = None,
    ) -> None:
        """Score one image.

        Args:
            prediction: Ids and classes, (Y, X, 2), whole numbers, 0 outside.
            truth: Ids and classes, (Y, X, 2).
            prediction_counts: Nuclei of each class, (6,), where counts are asked for by
                themselves (the challenge counts in the central 224 x 224); None counts ids.
            truth_counts: The same of the truth.

        Raises:
            ShapeError: If the maps do not fit, or there are not six counts.
            LabelError: If the maps hold no ids.
        """
        _check(prediction, truth, prediction_counts, truth_counts)
        found = [_of_class(prediction, truth, place) for place in range(1, len(CLASSES) + 1)]
        for place, pairing in enumerate(found):
            tp, wrong, iou = _tally(pairing)
            self._tp[place] += tp
            self._wrong[place] += wrong
            self._iou[place] += iou
        both = pair_up(truth[..., 0], prediction[..., 0])
        tp, wrong, iou = _tally(both)
        has_truth = len(both.truth_ids) > 0
        self._binary.add(official_quality(tp, wrong, iou, slack_dq=SLACK) if has_truth else 0.0)
        self._num_empty += not has_truth
        true, said = ([len(one.truth_ids) for one in found],
                      [len(one.prediction_ids) for one in found])  # fmt: skip
        self._true_counts.append(true if truth_counts is None else truth_counts)
        self._said_counts.append(said if prediction_counts is None else prediction_counts)

    def result(self) -> Outcome:
        """Pool the images so far.

        Returns:
            `multi_pq_plus`, `pq`, `multi_r2`, and `pq_plus_CLASS` and `r2_CLASS`.
        """
        pooled = [
            official_quality(tp, wrong, iou, slack_dq=SLACK)
            for tp, wrong, iou in zip(self._tp, self._wrong, self._iou, strict=True)
        ]
        shape = -1, len(CLASSES)
        true, said = (np.array(rows, dtype=np.float64).reshape(shape)
                      for rows in (self._true_counts, self._said_counts))  # fmt: skip
        fits = [fit_of_counts(said[:, place], true[:, place]) for place in range(len(CLASSES))]
        num = len(true)
        return Outcome(
            scorer="conic",
            convention=self.convention,
            scores={
                "multi_pq_plus": float(np.mean(pooled)) if num else float("nan"),
                "pq": self._binary.value,
                "multi_r2": mean_of(fits),
                **{f"pq_plus_{name}": pq for name, pq in zip(CLASSES, pooled, strict=True)},
                **{f"r2_{name}": fit for name, fit in zip(CLASSES, fits, strict=True)},
            },
            counts={"images": num, "empty_truth": self._num_empty},
        )


def fit_of_counts(prediction: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """R², the coefficient of determination: 1 - squared errors / squared spread of the truth.

    Args:
        prediction: Counts, (N,).
        truth: Counts, (N,).

    Returns:
        At most 1; where the truth does not vary 1 if all agree, else 0; nan for fewer than two.
    """
    if len(truth) < 2:
        return float("nan")
    errors = float(((truth - prediction) ** 2).sum())
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - errors / spread if spread else float(errors == 0)


def _of_class(prediction: Ids, truth: Ids, kind: int) -> Pairing:
    true, said = (np.where(one[..., 1] == kind, one[..., 0], 0) for one in (truth, prediction))
    return pair_up(true, said)


def _tally(pairing: Pairing) -> tuple[int, int, float]:
    hits = pairing.iou[pairing.is_match]
    both = len(pairing.truth_ids) + len(pairing.prediction_ids)
    return len(hits), both - 2 * len(hits), float(hits.sum())


def _check(prediction: Ids, truth: Ids, *counts: Sequence[int] | None) -> None:
    if prediction.shape != truth.shape or truth.ndim != 3 or truth.shape[-1] != 2:
        raise ShapeError(
            f"prediction and truth must be (Y, X, 2), not {prediction.shape} and {truth.shape}. "
            "Put ids and classes last."
        )
    if any(given is not None and len(given) != len(CLASSES) for given in counts):
        raise ShapeError(
            f"Counts must be {len(CLASSES)}, one a class. Pass a 0 for a class without nuclei."
        )
