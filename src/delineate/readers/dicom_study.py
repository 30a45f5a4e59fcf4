"""Everything DICOM below a path: studies, series and volumes, each with how it ended and why."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from delineate.core.errors import SeriesError
from delineate.core.findings import Finding
from delineate.readers.dicom_child import read_headers
from delineate.readers.dicom_frames import Frame, frames_of
from delineate.readers.dicom_sources import SourceFile, find_sources
from delineate.readers.dicom_tags import Values
from delineate.readers.dicom_volume import Key, Volume, make_volumes, refusal_text

SHOWN = 5
"""Series that a message names."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Studies:
    """What a folder, a zip or a DICOMDIR holds."""

    source: str
    """Where it was looked for."""
    volumes: tuple[Volume, ...]
    """Every volume, of all patients and studies, kept apart."""
    ignored: dict[str, int]
    """How many files were left aside, by what they are."""
    findings: tuple[Finding, ...] = ()
    """What concerns no single series."""

    @cached_property
    def accepted(self) -> tuple[Volume, ...]:
        """Volumes that have an image."""
        return tuple(volume for volume in self.volumes if volume.image is not None)

    def only(self) -> Volume:
        """Give the one volume there is.

        Returns:
            The volume that was accepted.

        Raises:
            SeriesError: If none was accepted, or several were.
        """
        if not self.volumes:
            told = " ".join(finding.text for finding in self.findings[:1])
            raise SeriesError(
                f"{self.source} holds no DICOM images. {told or 'Name the folder of one series.'}"
            )
        if not self.accepted:
            raise SeriesError(refusal_text(self.volumes[0].report, self.source))
        if len(self.accepted) == 1:
            return self.accepted[0]
        names = [
            " ".join(part for part in (volume.report.series_uid, volume.report.volume) if part)
            for volume in self.accepted
        ]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        raise SeriesError(
            f"{self.source} holds {len(names)} volumes where one was expected: "
            f"{', '.join(names[:SHOWN])}{more}. Name the folder of one series; "
            "`delineate describe` lists them."
        )

    def to_dict(self) -> dict[str, Any]:
        """Lay it out for JSON.

        Returns:
            Every report and what was left aside.
        """
        return {
            "source": self.source,
            "ignored": dict(self.ignored),
            "findings": [finding.to_dict() for finding in self.findings],
            "series": [volume.report.to_dict() for volume in self.volumes],
        }


def read_studies(path: str | Path) -> Studies:
    """Look into every file below a path and make volumes of what belongs together.

    Headers are read by a child process with limits; pixels when an image is first touched.

    Args:
        path: A folder, however deep, a zip, a DICOMDIR or one file.

    Returns:
        Volumes, accepted or refused, each with its report.
    """
    place = Path(path)
    sources = find_sources(place)
    headers = read_headers([(file.path, file.member) for file in sources.files])
    ignored: Counter[str] = Counter(sources.skipped)
    findings = [_missing(sources.missing)] if sources.missing else []
    series: dict[Key, list[Frame]] = defaultdict(list)
    damaged: dict[Key, list[tuple[SourceFile, Values]]] = defaultdict(list)
    lost: list[tuple[SourceFile, str]] = []
    for file, header in zip(sources.files, headers, strict=True):
        kind = header["kind"]
        if kind == "image":
            series[_key(file, header)] += frames_of(file, header)
        elif kind == "damaged" and header.get("series"):
            damaged[_key(file, header)].append((file, header))
        elif kind == "damaged":
            lost.append((file, header["reason"]))
        else:
            word = {"none": "no DICOM", "own": "own output", "directory": "index"}.get(kind)
            ignored[word or header["name"]] += 1
    if lost:
        findings += _lost(lost)
    keys = [*series, *(key for key in damaged if key not in series)]
    if len({key[0] for key in keys}) > 1 or len({key[1] for key in keys}) > 1:
        findings.append(_several(keys))
    volumes = [
        volume
        for key in keys
        for volume in make_volumes(key, series.get(key, []), damaged.get(key, []), str(place))
    ]
    return Studies(
        source=str(place),
        volumes=tuple(volumes),
        ignored=dict(ignored),
        findings=tuple(findings),
    )


def _key(file: SourceFile, header: Values) -> Key:
    """Tell series apart; where UIDs were removed, by their folders."""
    folder = str(Path(file.path, file.member).parent)
    return header["patient"], header["study"], header["series"], "" if header["series"] else folder


def _missing(names: tuple[str, ...]) -> Finding:
    return Finding(
        code="MISSING_FILE",
        severity="repair",
        sentence=f"The index names {len(names)} files that are absent or outside of its folder.",
        mend="Copy the whole disc again.",
        files=names,
    )


def _lost(lost: list[tuple[SourceFile, str]]) -> list[Finding]:
    """Name files of which not even the series could be read."""
    found = []
    for reason in dict.fromkeys(reason for _, reason in lost):
        names = tuple(file.name for file, why in lost if why == reason)
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        is_other = reason == "no DICOM"
        kind = "is no DICOM file" if is_other else f"is damaged or cut short ({reason})"
        found.append(
            Finding(
                code="NOT_DICOM" if is_other else "DAMAGED_FILE",
                severity="repair",
                sentence=f"{', '.join(names[:SHOWN])}{more} {kind} and was left out.",
                mend="Copy or export it again if it belongs here.",
                files=names,
            )
        )
    return found


def _several(keys: list[Key]) -> Finding:
    patients = len({key[0] for key in keys})
    studies = len({key[1] for key in keys})
    return Finding(
        code="SEVERAL_STUDIES",
        severity="note",
        sentence=f"There are {studies} studies of {patients} patients; they were kept apart.",
    )
