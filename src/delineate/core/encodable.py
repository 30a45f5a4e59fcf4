"""Whether results can be written for a series at all, asked before anything is computed.

A study that no SEG or RTSTRUCT can refer to should say so at once, not after the inference.
"""

import re
from collections import Counter

import numpy as np

from delineate.core.findings import Finding
from delineate.core.series import Series

UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")
MAX_UID = 64
"""Characters of a UID."""


def check_encodable(series: Series) -> list[Finding]:
    """Ask whether DICOM SEG, RTSTRUCT and SR can refer to a series.

    Args:
        series: The series of an image; see `Image.series`.

    Returns:
        A refusal for each thing that stands in the way, none if nothing does:
        NO_FRAME_OF_REFERENCE, BAD_UID, REPEATED_UID, MIXED_CLASSES, BAD_PLANES or NO_STUDY.
    """
    checks = (_frame_of_reference, _study, _uids, _repeats, _classes, _planes)
    return [finding for check in checks for finding in check(series)]


def _frame_of_reference(series: Series) -> list[Finding]:
    if series.frame_of_reference_uid:
        return []
    sentence = "The series has no FrameOfReferenceUID, so nothing can be placed in it."
    return [_refusal("NO_FRAME_OF_REFERENCE", sentence, "Send the original series.")]


def _study(series: Series) -> list[Finding]:
    if series.study_uid and series.series_uid:
        return []
    sentence = "The series does not say to which study or series it belongs."
    return [_refusal("NO_STUDY", sentence, "Send the original series.")]


def _uids(series: Series) -> list[Finding]:
    named = {entry.sop_uid for entry in series.slices}
    named |= {entry.sop_class_uid for entry in series.slices}
    named |= {series.study_uid, series.series_uid, series.frame_of_reference_uid} - {""}
    bad = tuple(sorted(uid for uid in named if len(uid) > MAX_UID or not UID.fullmatch(uid)))
    if not bad:
        return []
    sentence = f"{len(bad)} UIDs of the series break the standard's rules, such as {bad[0][:80]!r}."
    return [_refusal("BAD_UID", sentence, "Give them new ones in the archive.", bad)]


def _repeats(series: Series) -> list[Finding]:
    counts = Counter((entry.sop_uid, entry.frame) for entry in series.slices)
    bad = tuple(uid for (uid, _), count in counts.items() if count > 1)
    if not bad:
        return []
    sentence = "Several slices have one UID and no frame numbers, as in a mosaic."
    return [_refusal("REPEATED_UID", sentence, "Export one file a slice.", bad)]


def _classes(series: Series) -> list[Finding]:
    classes = {entry.sop_class_uid for entry in series.slices}
    if len(classes) == 1:
        return []
    sentence = f"Slices of {len(classes)} classes lie in one series."
    return [_refusal("MIXED_CLASSES", sentence, "Send the original series.")]


def _planes(series: Series) -> list[Finding]:
    bad = []
    for entry in series.slices:
        numbers = np.array([*entry.position_mm, *entry.orientation, *entry.spacing_mm])
        is_sound = np.isfinite(numbers).all() and min(entry.spacing_mm) > 0
        if not is_sound or entry.rows < 1 or entry.columns < 1:
            bad.append(entry.sop_uid)
    if not bad:
        return []
    sentence = f"{len(bad)} slices do not say where they lie."
    return [_refusal("BAD_PLANES", sentence, "Send the original series.", tuple(bad))]


def _refusal(code: str, sentence: str, mend: str, uids: tuple[str, ...] = ()) -> Finding:
    return Finding(code=code, severity="refusal", sentence=sentence, mend=mend, sop_uids=uids)
