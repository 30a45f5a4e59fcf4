"""What a reader found in a series: a stable code, whom it concerns and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["note", "repair", "refusal"]
Verdict = Literal["accepted", "repaired", "refused"]
SHOWN_UIDS = 3
"""Instances that a sentence for people names; programs get all."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was noticed, mended or refused; names of patients never stand in it."""

    code: str
    """Stable word for programs, such as "GAP"."""
    severity: Severity
    """A note changes nothing, a repair changed what the model sees, a refusal ends the series."""
    sentence: str
    """What is so, in one sentence, with positions and numbers."""
    mend: str = ""
    """What the user can do; empty where nothing needs to be done."""
    sop_uids: tuple[str, ...] = ()
    """The instances that it concerns."""
    files: tuple[str, ...] = ()
    """The files that it concerns, where they have no instance UID that could be read."""

    @property
    def text(self) -> str:
        """Code, sentence and mend in one line, for messages."""
        return " ".join(part for part in (f"{self.code}:", self.sentence, self.mend) if part)

    def to_dict(self) -> dict[str, Any]:
        """Lay it out for JSON.

        Returns:
            Every field by its name.
        """
        return {
            "code": self.code,
            "severity": self.severity,
            "sentence": self.sentence,
            "mend": self.mend,
            "sop_uids": list(self.sop_uids),
            "files": list(self.files),
        }


@dataclass(frozen=True, kw_only=True)
class SeriesReport:
    """How one volume of a series ended, and all that was found in it."""

    study_uid: str
    """StudyInstanceUID."""
    series_uid: str
    """SeriesInstanceUID."""
    volume: str = ""
    """Which volume of the series, such as "EchoTime 4.92"; empty where there is only one."""
    modality: str = ""
    """CT, MR, PT, ..."""
    num_instances: int = 0
    """Files that belong to it, copies included."""
    num_slices: int = 0
    """Slices that stand in the volume."""
    shape: tuple[int, ...] = ()
    """Shape of the grid that the model sees, (Z, Y, X); empty if refused before it had one."""
    spacing_mm: tuple[float, ...] = ()
    """Spacing of that grid in mm, in array order."""
    findings: tuple[Finding, ...] = ()
    """Everything found, in the order of its finding."""

    @property
    def verdict(self) -> Verdict:
        """Accepted, accepted with repairs, or refused: the gravest finding decides."""
        return verdict_of(self.findings)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of its findings, each once, in order."""
        return tuple(dict.fromkeys(finding.code for finding in self.findings))

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that ended it."""
        return tuple(entry for entry in self.findings if entry.severity == "refusal")

    def to_dict(self) -> dict[str, Any]:
        """Lay it out for JSON.

        Returns:
            Every field by its name, the verdict and the codes.
        """
        return {
            "study_uid": self.study_uid,
            "series_uid": self.series_uid,
            "volume": self.volume,
            "verdict": self.verdict,
            "codes": list(self.codes),
            "modality": self.modality,
            "num_instances": self.num_instances,
            "num_slices": self.num_slices,
            "shape": list(self.shape),
            "spacing_mm": list(self.spacing_mm),
            "findings": [finding.to_dict() for finding in self.findings],
        }


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """Judge by the gravest finding.

    Args:
        findings: What was found.

    Returns:
        "refused", "repaired" or "accepted".
    """
    severities = {finding.severity for finding in findings}
    if "refusal" in severities:
        return "refused"
    return "repaired" if "repair" in severities else "accepted"
