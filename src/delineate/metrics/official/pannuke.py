"""PanNuke: PQ of 19 tissues and five classes, averaged as the official script does.

Planes 0 to 4 hold ids of one class each (neoplastic, inflammatory, connective, dead,
epithelial), plane 5 marks the background and is not read. Numbers equal those that the script
prints. What it does wrong around them is not done here: a plane without background, ids that a
later plane covers wholly, and tissue names spelled otherwise neither crash nor vanish, and no
class is written into another's row.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import LabelError, ShapeError, pick
from delineate.metrics.instance import Pairing, pair_up
from delineate.metrics.official.outcome import Mean, Outcome, mean_of, official_quality

Planes = NDArray[Any]
Variant = Literal["official", "strict"]
CLASSES = ("neoplastic", "inflammatory", "connective", "dead", "epithelial")
TISSUES = (
    "Adrenal_gland", "Bile-duct", "Bladder", "Breast", "Cervix", "Colon", "Esophagus",
    "HeadNeck", "Kidney", "Liver", "Lung", "Ovarian", "Pancreatic", "Prostate", "Skin",
    "Stomach", "Testis", "Thyroid", "Uterus",
)  # fmt: skip
"""The 19 names as types.npy spells them."""
SPLITS = ((1, 2, 3), (2, 1, 3), (3, 2, 1))
"""Folds to train, validate and test on; published numbers are the mean of these three runs."""
_ALIASES = {
    "adrenal": "Adrenal_gland", "colorectal": "Colon", "oesophagus": "Esophagus",
    "headandneck": "HeadNeck", "ovary": "Ovarian", "pancreas": "Pancreatic",
    "testes": "Testis", "testicular": "Testis", "uterine": "Uterus",
}  # fmt: skip
_CONVENTIONS = {
    "official": (
        "PanNuke, official: PQ by IoU above 0.5 and 1e-6 below SQ's line; of each image the "
        "binary PQ (bpq) and the mean PQ of the classes in its truth (mpq), each averaged over a "
        "tissue's images and then over the tissues; class PQ averaged over all images that hold "
        "the class; what is predicted of a class that an image's truth lacks costs nothing."
    ),
    "strict": (
        "PanNuke, strict: as the official one, but an image whose truth lacks a class (or all "
        "nuclei) counts with PQ 0 where the class is predicted; only where neither side has it "
        "the image is left out."
    ),
}


def tissue_named(name: str) -> str:
    """Find the official spelling of a tissue.

    Args:
        name: Any spelling: capitals, spaces, hyphens, underscores and & do not matter.

    Returns:
        One of `TISSUES`.

    Raises:
        UnknownNameError: If there is no such tissue.

    Example:
        >>> tissue_named("Head & Neck"), tissue_named("bile duct")
        ('HeadNeck', 'Bile-duct')
    """
    table = {_plain(tissue): tissue for tissue in TISSUES} | _ALIASES
    plain = _plain(name)
    return table[plain] if plain in table else pick({t: t for t in TISSUES}, name, what="tissue")


def binarise(planes: Planes) -> NDArray[np.int32]:
    """Lay the class planes over each other; a later plane hides an earlier one.

    Args:
        planes: Ids by class, (Y, X, 5 or more), whole numbers of any dtype.

    Returns:
        Ids of all nuclei, (Y, X), with gaps where one is hidden wholly.
    """
    painted = np.zeros(planes.shape[:2], dtype=np.int32)
    first = 0
    for plane in range(len(CLASSES)):
        ids = planes[..., plane].astype(np.int32)
        np.copyto(painted, ids + first, where=ids > 0)
        first += int(ids.max(initial=0))
    return painted


@dataclass
class PanNuke:
    """Scores images one by one; scorers of parts of a fold can be joined."""

    variant: Variant = "official"
    """Whether predictions of a class that the truth lacks are free ("official") or not."""
    _binary: dict[str, Mean] = field(default_factory=dict, repr=False)
    _multi: dict[str, Mean] = field(default_factory=dict, repr=False)
    _classes: list[Mean] = field(default_factory=lambda: [Mean() for _ in CLASSES], repr=False)
    _counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("images", "empty_truth", "spurious_only"), 0),
        repr=False,
    )

    def __post_init__(self) -> None:
        """Check the variant.

        Raises:
            UnknownNameError: If there is no such variant.
        """
        pick(_CONVENTIONS, self.variant, what="variant of the PanNuke scorer")

    @property
    def convention(self) -> str:
        """How exactly it computes, in a sentence."""
        return _CONVENTIONS[self.variant]

    def add(self, prediction: Planes, truth: Planes, tissue: str) -> None:
        """Score one image.

        Args:
            prediction: Ids by class, (Y, X, 5 or more), whole numbers of any dtype.
            truth: Ids by class, (Y, X, 5 or more), as masks.npy has them.
            tissue: Name of the tissue in any spelling.

        Raises:
            ShapeError: If the planes do not fit.
            LabelError: If an id is negative.
            UnknownNameError: If there is no such tissue.
        """
        _check(prediction, truth)
        home = tissue_named(tissue)
        both = pair_up(binarise(truth), binarise(prediction))
        scores = [self._quality(pair_up(truth[..., k].astype(np.int32),
                                        prediction[..., k].astype(np.int32)))
                  for k in range(len(CLASSES))]  # fmt: skip
        self._binary.setdefault(home, Mean()).add(self._quality(both))
        self._multi.setdefault(home, Mean()).add(mean_of(scores))
        for mean, score in zip(self._classes, scores, strict=True):
            mean.add(score)
        is_empty = not len(both.truth_ids)
        self._counts["images"] += 1
        self._counts["empty_truth"] += is_empty
        self._counts["spurious_only"] += is_empty and len(both.prediction_ids) > 0

    def join(self, other: "PanNuke") -> None:
        """Take the images of another scorer of the same variant.

        Args:
            other: The other one.

        Raises:
            LabelError: If it follows the other variant.
        """
        if other.variant != self.variant:
            raise LabelError(
                f"A scorer can only join one of its variant {self.variant}, not {other.variant}. "
                "Score all parts by one variant."
            )
        for mine, theirs in ((self._binary, other._binary), (self._multi, other._multi)):
            for tissue, mean in theirs.items():
                mine.setdefault(tissue, Mean()).join(mean)
        for mean, more in zip(self._classes, other._classes, strict=True):
            mean.join(more)
        for key, number in other._counts.items():
            self._counts[key] += number

    def result(self) -> Outcome:
        """Average the images so far.

        Returns:
            `bpq`, `mpq`, `pq_CLASS`, and `bpq_TISSUE` and `mpq_TISSUE` of the tissues seen.
        """
        binary = {tissue: self._binary[tissue].value for tissue in sorted(self._binary)}
        multi = {tissue: self._multi[tissue].value for tissue in sorted(self._multi)}
        scores = {"bpq": mean_of(binary.values()), "mpq": mean_of(multi.values())}
        scores |= {f"pq_{n}": m.value for n, m in zip(CLASSES, self._classes, strict=True)}
        scores |= {f"bpq_{tissue}": value for tissue, value in binary.items()}
        scores |= {f"mpq_{tissue}": value for tissue, value in multi.items()}
        return Outcome(
            scorer="pannuke",
            convention=self.convention,
            scores=scores,
            counts={**self._counts, "tissues": len(binary)},
        )

    def _quality(self, pairing: Pairing) -> float:
        true, said = len(pairing.truth_ids), len(pairing.prediction_ids)
        if not true and (self.variant == "official" or not said):
            return float("nan")
        hits = pairing.iou[pairing.is_match]
        return official_quality(len(hits), true + said - 2 * len(hits), float(hits.sum()))


def mean_of_splits(outcomes: list[Outcome]) -> Outcome:
    """Average the results of the three official splits, score by score.

    Args:
        outcomes: One for each of `SPLITS`, of one variant.

    Returns:
        Mean of each score that any split has, and the sums of the counts.

    Raises:
        LabelError: If they are not three of one convention.
    """
    if len(outcomes) != len(SPLITS) or len({one.convention for one in outcomes}) != 1:
        raise LabelError(
            f"There must be {len(SPLITS)} outcomes of one variant, not {len(outcomes)}. "
            "Score each of the official splits."
        )
    names = list(dict.fromkeys(name for one in outcomes for name in one.scores))
    nan = float("nan")
    return Outcome(
        scorer="pannuke",
        convention=f"{outcomes[0].convention} Mean of the three official splits.",
        scores={name: mean_of(one.scores.get(name, nan) for one in outcomes) for name in names},
        counts={key: sum(one.counts[key] for one in outcomes)
                for key in outcomes[0].counts if key != "tissues"},
    )  # fmt: skip


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _check(prediction: Planes, truth: Planes) -> None:
    for planes in (prediction, truth):
        if (
            planes.ndim != 3
            or planes.shape[2] < len(CLASSES)
            or planes.shape[:2] != truth.shape[:2]
        ):
            raise ShapeError(
                f"prediction and truth must be (Y, X, 5 or 6), not {prediction.shape} and "
                f"{truth.shape}. Put the classes last, as masks.npy does."
            )
