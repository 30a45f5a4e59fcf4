"""Who made an object and of what: UIDs that a repeat makes again, model, version, numbers.

UIDs come of a hash of the source instances, the model, its settings and the labels, so the same
work gives the same objects: an archive that gets them twice holds them once. A hash under 2.25 is
unique without a registered root (DICOM PS3.5, B.2).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from delineate.core.case import Prediction
from delineate.core.codes import Coded
from delineate.core.labels import CodedConcept
from delineate.core.series import Series

NOTICE = "research use only"
"""What every description says."""
MANUFACTURER = "Delineate contributors"
PROCESSING = CodedConcept(value="109102", scheme="DCM", meaning="Processing Equipment")
"""Purpose of the equipment that a model is (DICOM CID 7005)."""
FAMILY = CodedConcept(value="123110", scheme="DCM", meaning="Artificial Intelligence")
"""Family of every algorithm here (DICOM CID 7162)."""
SERIES_NUMBERS = {
    "BINARY": 9601, "FRACTIONAL": 9602, "LABELMAP": 9603, "RTSTRUCT": 9604, "SR": 9605,
}  # fmt: skip
"""Number of the series of each kind of object, high enough to follow a scanner's."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Model, version and the seed of all UIDs of one prediction."""

    seed: str
    """Hash of everything that decides what the objects say."""
    model: str
    """Name of the model."""
    weights_hash: str
    """Tells its weights from others; "unknown" if nobody said it."""
    release: str
    """Version of this software."""
    parameters: Mapping[str, str]
    """What else decides the result, such as flips."""

    @classmethod
    def of(cls, prediction: Prediction, series: Series) -> "Identity":
        """Gather what decides a prediction's objects.

        Args:
            prediction: Its labels and its provenance count.
            series: What it was made from.

        Returns:
            The identity; equal for equal work, whenever and wherever it is done.
        """
        facts = prediction.provenance
        weights_hash = str(facts.get("weights_hash") or "unknown")
        parameters = {
            "weights_hash": weights_hash,
            "plan_hash": str(facts.get("plan_hash") or "unknown"),
            "flips": " ".join(str(axis) for axis in facts.get("flips", ())) or "none",
        }
        told: dict[str, Any] = {
            "sources": [[entry.sop_uid, entry.frame] for entry in series.slices],
            "series": [series.series_uid, series.volume],
            "model": [str(facts.get("model") or "unknown"), parameters],
            "labels": prediction.labels.to_dict(),
        }
        text = json.dumps(told, sort_keys=True)
        return cls(
            seed=sha256(text.encode("utf-8")).hexdigest(),
            model=str(facts.get("model") or "unknown"),
            weights_hash=weights_hash,
            release=_release(),
            parameters=parameters,
        )

    def uid(self, *parts: str) -> str:
        """Make a UID of this prediction.

        Args:
            *parts: What it is of, such as "BINARY", "instance".

        Returns:
            "2.25." and a number of 128 bits.
        """
        digest = sha256("\x1f".join((self.seed, *parts)).encode("utf-8")).digest()
        return f"2.25.{int.from_bytes(digest[:16], 'big')}"

    def tracking(self, label: str) -> str:
        """Make the UID by which a label's segment, contours and measurements know each other.

        Args:
            label: The label's name.

        Returns:
            The UID.
        """
        return self.uid("tracking", label)

    @property
    def serial(self) -> str:
        """Serial number of the "device": the model by its weights."""
        return f"weights {self.weights_hash}"[:64]

    def describe(self, what: str) -> str:
        """Say in a series description what a series is, and what it is for.

        Args:
            what: Such as "AI organs".

        Returns:
            At most 64 characters.
        """
        return f"{what} - {NOTICE}"[:64]


def code_item(concept: CodedConcept) -> Any:  # noqa: ANN401
    """Make the item of a code sequence.

    Args:
        concept: The code.

    Returns:
        A pydicom dataset.
    """
    from pydicom import Dataset

    item = Dataset()
    item.CodeValue = concept.value
    item.CodingSchemeDesignator = concept.scheme
    item.CodeMeaning = concept.meaning[:64]
    return item


def type_item(coded: Coded) -> Any:  # noqa: ANN401
    """Make the item that says what a label is, with its sides as modifiers.

    Args:
        coded: The label's codes.

    Returns:
        A pydicom dataset for a sequence of segmented property types.
    """
    item = code_item(coded.type)
    if coded.modifiers:
        item.SegmentedPropertyTypeModifierCodeSequence = [
            code_item(entry) for entry in coded.modifiers
        ]
    return item


def region_items(coded: Coded) -> list[Any]:
    """Make the items that say where something abnormal is.

    Args:
        coded: The label's codes.

    Returns:
        One pydicom dataset, or none without a region.
    """
    if coded.region is None:
        return []
    item = code_item(coded.region)
    if coded.region_modifiers:
        item.AnatomicRegionModifierSequence = [code_item(entry) for entry in coded.region_modifiers]
    return [item]


def _release() -> str:
    try:
        return version("delineate")
    except PackageNotFoundError:
        return "unknown"
