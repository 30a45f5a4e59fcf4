"""Describe: what is in a folder, whether it can be trained on, and what to mend first."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from delineate.core.files import write_text
from delineate.datasets import DATASETS, open_dataset
from delineate.datasets.audit import Audit, CaseFacts, Problem, audit
from delineate.datasets.base import Dataset
from delineate.datasets.tally import ObjectFacts, tally, types_told
from delineate.readers import Studies, read_studies
from delineate.readers.dicom import holds_dicom
from delineate.readers.dicom_listing import listing_of

SHOWN = 3
"""Examples shown of each kind of problem; the JSON has all."""


@dataclass(frozen=True, kw_only=True)
class DescribeSettings:
    """Which dataset to look at."""

    data: Path
    """Folder of the dataset, or a zip of MoNuSeg; or a folder, zip or DICOMDIR of DICOM files."""
    more: tuple[Path, ...] = ()
    """Further datasets, to be looked at as one with the first."""
    layout: str | None = None
    """How the folder is laid out; recognised by looking if left out."""
    mpp: float | None = None
    """Micrometres to a pixel of images of tissue; the files' own if left out."""
    json: Path | None = None
    """File for every fact and every problem, for programs."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DicomDescription:
    """DICOM files in words: one line a series, and what was found in it."""

    studies: Studies
    """Every volume with its report."""

    @property
    def failures(self) -> dict[str, str]:
        """The series that were refused, and why."""
        reports = [volume.report for volume in self.studies.volumes]
        return {
            f"{report.series_uid} {report.volume}".strip(): " ".join(
                finding.text for finding in report.refusals
            )
            for report in reports
            if report.verdict == "refused"
        }

    @property
    def text(self) -> str:
        """The description for a terminal."""
        return listing_of(self.studies)

    def to_json(self) -> str:
        """Write every report.

        Returns:
            JSON text.
        """
        return json.dumps(self.studies.to_dict(), indent=1)


@dataclass(frozen=True, kw_only=True)
class Description:
    """A dataset in words and numbers."""

    name: str
    """The dataset's name."""
    layout: str
    """Row of `DATASETS` that reads it."""
    licence: str
    """Terms, "unknown" if no file says."""
    num_patients: int
    """How many people."""
    labels: tuple[str, ...]
    """Names of the classes."""
    audit: Audit
    """Every case and every problem."""

    @property
    def objects(self) -> list[ObjectFacts]:
        """Counts of every readable case, empty where the truth only marks regions."""
        return [row.objects for row in self.audit.rows if row.objects is not None]

    @property
    def failures(self) -> dict[str, str]:
        """The dataset, if cases of it cannot be used, and how many and why the first."""
        errors = [problem for problem in self.audit.problems if problem.severity == "error"]
        if not errors:
            return {}
        count = _number(len(errors), "error")
        return {
            self.name: f"{self.name} has {count}. The first: {errors[0].sentence}"
            " Mend what is listed, or leave those cases out."
        }

    @property
    def text(self) -> str:
        """The description for a terminal, up to 100 columns wide."""
        blocks = (self._head(), _size_lines(self.audit.rows), self._classes(), self._problems())
        return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"

    def to_json(self) -> str:
        """Write every fact and every problem.

        Returns:
            JSON text.
        """
        values: dict[str, Any] = {
            "name": self.name,
            "layout": self.layout,
            "licence": self.licence,
            "num_patients": self.num_patients,
            "labels": list(self.labels),
            "task": "instances" if self.objects else "regions",
            "cases": [asdict(row) for row in self.audit.rows],
            "problems": [problem._asdict() for problem in self.audit.problems],
        }
        return json.dumps(values, indent=1)

    def _head(self) -> list[str]:
        rows = self.audit.rows
        channels = ", ".join(rows[0].channels) if rows else "unknown"
        return _columns([
            ("Dataset", self.name),
            ("Layout", self.layout),
            ("Licence", self.licence),
            ("Cases", f"{len(rows)} readable, of {_number(self.num_patients, 'patient')}"),
            ("Channels", channels),
            *(tally(self.objects) if self.objects else ()),
        ])  # fmt: skip

    def _classes(self) -> list[str]:
        if self.objects:
            return _columns(types_told(self.objects))
        rows = [row for row in self.audit.rows if row.voxels]
        total = sum(int(np.prod(row.shape)) for row in rows)
        if not total:
            return []
        table = [("Class", "in cases", "share of voxels", "median size (voxels)")]
        for name in self.labels:
            sizes = [row.voxels[name] for row in rows if row.voxels[name]]
            share = 100 * sum(sizes) / total
            median = f"{int(np.median(sizes)):,}" if sizes else "never"
            table.append((name, f"{len(sizes)} of {len(rows)}", f"{share:.3g} %", median))
        return _columns(table)

    def _problems(self) -> list[str]:
        problems = self.audit.problems
        if not problems:
            return ["No problems found."]
        counts: dict[str, int] = defaultdict(int)
        for problem in problems:
            counts[problem.severity] += 1
        head = ", ".join(_number(number, severity) for severity, number in counts.items())
        lines = [f"Problems: {head}"]
        groups: dict[tuple[str, str], list[Problem]] = defaultdict(list)
        for problem in problems:
            groups[problem.severity, problem.kind].append(problem)
        for (severity, kind), group in groups.items():
            lines.append(f"  {severity}: {kind}" + (f" ({len(group)})" if len(group) > 1 else ""))
            lines += [f"    {problem.sentence}" for problem in group[:SHOWN]]
            if len(group) > SHOWN:
                lines.append(f"    ... and {len(group) - SHOWN} more; --json FILE lists them all.")
        return lines


def describe(settings: DescribeSettings) -> Description | DicomDescription:
    """Recognise a dataset, look at every case, and say what is there and what is wrong.

    A folder that is no dataset but holds DICOM files is told series by series.

    Args:
        settings: The folder.

    Returns:
        The description; `text` is for people, `to_json` for programs.
    """
    description = _describe_scans(settings) or _describe_dataset(settings)
    if settings.json is not None:
        write_text(settings.json, description.to_json())
    return description


def _describe_scans(settings: DescribeSettings) -> DicomDescription | None:
    """Describe DICOM files; None for a dataset, which may hold such files itself."""
    if settings.layout is not None or settings.more or not holds_dicom(settings.data):
        return None
    if any(kind.recognises(settings.data) for kind in DATASETS.values()):
        return None
    return DicomDescription(studies=read_studies(settings.data))


def _describe_dataset(settings: DescribeSettings) -> Description:
    options = {} if settings.mpp is None else {"mpp": settings.mpp}
    paths = [settings.data, *settings.more]
    dataset: Dataset = open_dataset(paths, layout=settings.layout, **options)
    return Description(
        name=dataset.name,
        layout=dataset.layout,
        licence=dataset.licence,
        num_patients=len(set(dataset.patients().values())),
        labels=dataset.labels.names,
        audit=audit(dataset),
    )


def _size_lines(rows: Sequence[CaseFacts]) -> list[str]:
    if not rows:
        return []
    unit = "spacing (mm)" if all(row.is_physical for row in rows) else "spacing (pixels)"
    table = [("", "least", "median", "greatest")]
    for dims in sorted({len(row.shape) for row in rows}):
        same = [row for row in rows if len(row.shape) == dims]
        table.append((f"shape ({dims}-D)", *_spread([row.shape for row in same])))
        if any(row.objects is None for row in same):  # of objects the head tells it in um
            table.append((unit, *_spread([row.spacing for row in same])))
    means = [row.means for row in rows if len(row.means) == len(rows[0].means)]
    for name, column in zip(rows[0].channels, zip(*means, strict=True), strict=True):
        table.append((f"mean of {name}", *_spread([(mean,) for mean in column])))
    return _columns(table)


def _spread(values: Sequence[Sequence[float]]) -> tuple[str, str, str]:
    table = np.array(values, dtype=float)
    found = (table.min(axis=0), np.median(table, axis=0), table.max(axis=0))
    least, median, greatest = (" x ".join(f"{value:.4g}" for value in row) for row in found)
    return least, median, greatest


def _columns(rows: Iterable[Sequence[str]]) -> list[str]:
    table = list(rows)
    widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
