"""What a folder of DICOM files holds, told in lines: one a series, and its findings below."""

from delineate.core.findings import Finding, SeriesReport
from delineate.readers.dicom_study import Studies

SHOWN = 3
"""Instances named for each finding; the JSON has all."""


def listing_of(studies: Studies) -> str:
    """Lay out what was found for a terminal.

    Args:
        studies: What was read.

    Returns:
        Text that ends with a new line: a line a series with verdict, modality, size, spacing and
        UID, its findings below, then what was left aside. No names of patients stand in it.
    """
    lines = [f"{studies.source}: {_count(len(studies.volumes), 'series', 'series')} of DICOM"]
    for volume in studies.volumes:
        lines.append(_line(volume.report))
        for finding in volume.report.findings:
            lines += _told(finding)
    for finding in studies.findings:
        lines += _told(finding)
    if studies.ignored:
        told = ", ".join(f"{count} {word}" for word, count in sorted(studies.ignored.items()))
        lines.append(f"Left aside: {told}")
    return "\n".join(lines) + "\n"


def _line(report: SeriesReport) -> str:
    parts = [
        f"{report.verdict:<8}",
        f"{report.modality or '--':<2}",
        _count(report.num_slices, "slice", "slices"),
    ]
    if report.shape:
        parts.append(" x ".join(str(size) for size in report.shape))
        parts.append(" x ".join(f"{step:.4g}" for step in report.spacing_mm) + " mm")
    parts.append(f"series {report.series_uid or 'without a UID'}")
    if report.volume:
        parts.append(f"({report.volume})")
    return "  ".join(parts)


def _told(finding: Finding) -> list[str]:
    lines = [f"    {finding.severity} {finding.text}"]
    if finding.sop_uids and finding.severity != "note":
        more = len(finding.sop_uids) - SHOWN
        tail = f" and {more} more; --json FILE lists them all" if more > 0 else ""
        lines.append(f"      instances {', '.join(finding.sop_uids[:SHOWN])}{tail}")
    return lines


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
