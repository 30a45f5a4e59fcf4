"""What DICOM below a path becomes: every volume that suits the model is a case, the rest is named.

A folder of a hospital holds scouts, other modalities and broken series beside what one wants; each
is looked at by itself, so that none of them stands in the way of the others.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from delineate.core.errors import DelineateError
from delineate.core.image import Image
from delineate.core.plan import Plan
from delineate.infer.intake import check_kind, is_foreign
from delineate.readers import Studies, read_studies, refusal_text, strip_suffix
from delineate.readers.dicom_sources import INDEX
from delineate.readers.dicom_volume import Volume

NO_SCANS = frozenset(("LOCALIZER", "COLOUR"))
"""Codes of refused series that never were scans to segment."""
LONGEST = 90
"""Letters that a folder and a series give to a name at most, since disks take 255 in all."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Find:
    """One volume below a path, or what is there in its place."""

    name: str
    """What to call it; unique below its path."""
    image: Image | None = None
    """The volume, its pixels not read; None if it is no case."""
    files: tuple[Path, ...] = ()
    """Files that it was made of, each once."""
    reason: str = ""
    """Why it is no case."""
    is_aside: bool = False
    """Whether it was passed over as none of the model's kind, which is no failure."""


def look_into(path: Path, plan: Plan) -> list[Find]:
    """Look into all DICOM at or below a path, and say of each volume whether the model takes it.

    Args:
        path: A folder, however deep, a zip, a DICOMDIR or a file.
        plan: The model's plan, of one channel.

    Returns:
        At least one entry.
    """
    stem = _stem(path)
    try:
        studies = read_studies(path)
        if not studies.volumes:
            studies.only()  # says why
    except DelineateError as error:
        return [Find(name=stem, reason=str(error))]
    names = _names(studies, path, stem)
    return [
        _judged(volume, name, studies, plan)
        for volume, name in zip(studies.volumes, names, strict=True)
    ]


def _judged(volume: Volume, name: str, studies: Studies, plan: Plan) -> Find:
    report, files = volume.report, tuple(dict.fromkeys(Path(file.path) for file in volume.files))
    if volume.image is None:
        is_no_scan = {finding.code for finding in report.refusals} <= NO_SCANS
        return Find(
            name=name,
            reason=refusal_text(report, studies.source),
            is_aside=is_no_scan or is_foreign(report.modality, plan),
        )
    place = f"{studies.source}, series {' '.join((report.series_uid, report.volume)).strip()}"
    is_alone = len(studies.volumes) == 1
    notes = (*(finding.text for finding in studies.findings), *volume.image.notes)
    image = replace(volume.image, notes=notes, source=studies.source if is_alone else place)
    try:
        check_kind(image, plan)
    except DelineateError as error:
        return Find(name=name, reason=str(error), is_aside=True)
    return Find(name=name, image=image, files=files)


def _stem(path: Path) -> str:
    """Take a name from a path; an index has that of the disc it lies on."""
    named = path.resolve().parent if path.name.upper() == INDEX else path
    return named.stem if named.suffix.lower() == ".zip" else strip_suffix(named)


def _names(studies: Studies, path: Path, stem: str) -> list[str]:
    """Name each volume by its folder if that holds no other, else by its series, too."""
    folders = [_folder(volume, path) for volume in studies.volumes]
    is_one = len(set(folders)) == 1 and not _lies_in(studies.volumes, path, folders[0])
    stems = [stem if is_one or not folder else folder for folder in folders]
    names = [
        start if stems.count(start) == 1 else f"{start[:LONGEST]}_{_label(volume)[:LONGEST]}"
        for start, volume in zip(stems, studies.volumes, strict=True)
    ]
    seen: Counter[str] = Counter()
    for place, name in enumerate(names):
        seen[name] += 1
        if seen[name] > 1:  # one series of two patients, or no UIDs at all
            names[place] = f"{name}_{seen[name]}"
    return names


def _folder(volume: Volume, path: Path) -> str:
    """Find the folder just below the path that holds all files of a volume; empty for none."""
    if not path.is_dir():
        return ""
    ways = [Path(file.path).relative_to(path).parts for file in volume.files]
    firsts = {parts[0] if len(parts) > 1 else "" for parts in ways}
    return firsts.pop() if len(firsts) == 1 else ""


def _lies_in(volumes: Sequence[Volume], path: Path, folder: str) -> bool:
    """Tell whether all files lie directly in a folder just below the path."""
    return bool(folder) and all(
        Path(file.path).parent == path / folder for volume in volumes for file in volume.files
    )


def _label(volume: Volume) -> str:
    report = volume.report
    words = (report.series_uid or "series", report.volume)
    return re.sub(r"[^\w.+-]+", "_", "_".join(word for word in words if word))
