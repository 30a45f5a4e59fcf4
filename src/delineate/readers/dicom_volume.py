"""A volume made of the slices of one series: its report, and its image with the way back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from delineate.core.errors import FileError, SeriesError
from delineate.core.findings import Finding, SeriesReport
from delineate.core.image import AnyArray, Image, Mask
from delineate.core.series import Series, SourceSlice
from delineate.readers.content import as_labels
from delineate.readers.dicom_child import ChildError, read_digests, read_pixels
from delineate.readers.dicom_frames import Frame, Group
from delineate.readers.dicom_grid import Grid, bring, lay_grid
from delineate.readers.dicom_groups import part_series
from delineate.readers.dicom_header import opened
from delineate.readers.dicom_soundness import check_group
from delineate.readers.dicom_sources import SourceFile
from delineate.readers.dicom_tags import Values
from delineate.readers.guard import guarded

Key = tuple[str, str, str, str]
"""Patient (a digest), study, series, and the folder where there is no UID of a series."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Volume:
    """One volume of a series: how it ended, and its image if it was not refused."""

    report: SeriesReport
    """What was found."""
    image: Image | None = None
    """Values on the regular grid, read when first touched; `image.series` has its slices."""
    patient: str = ""
    """A digest that tells patients apart and says nothing of them."""
    frames: tuple[Frame, ...] = ()
    """Its slices, in the order of `series.slices`; empty if it was refused."""
    files: tuple[SourceFile, ...] = ()
    """The files that it was made or refused of, each once."""

    @property
    def series(self) -> Series | None:
        """The slices and the way back to them; None if the volume was refused."""
        return None if self.image is None else self.image.series

    def planes(self) -> AnyArray:
        """Read the true slices, without any grid.

        Returns:
            Values (n, rows, columns), slice k of `series.slices[k]`.
        """
        return _pixels(self.frames, self.report.series_uid)

    def mask(self) -> Mask:
        """Take stored values for labels; they are never interpolated.

        Returns:
            Ids (Z, Y, X) on the regular grid.

        Raises:
            SeriesError: If the volume was refused.
        """
        image = self.image
        series = self.series
        if image is None or series is None:
            raise SeriesError(refusal_text(self.report, self.report.series_uid))

        def load() -> AnyArray:
            return series.to_regular(as_labels(self.planes(), image.source))

        return Mask(geometry=image.geometry, load=load, source=image.source, notes=image.notes)


def make_volumes(
    key: Key, frames: Sequence[Frame], damaged: Sequence[tuple[SourceFile, Values]], source: str
) -> list[Volume]:
    """Part a series into volumes and lay a grid over each.

    Args:
        key: Patient, study, series and folder.
        frames: All its slices, copies included; may be empty if all its files are damaged.
        damaged: Files that say they belong to it and cannot be read, with what is known of them.
        source: Where it was looked for.

    Returns:
        At least one volume, accepted or refused.
    """
    groups = part_series(frames, read_digests) if frames else [Group(frames=())]
    made = []
    for group in groups:
        checked = group if group.is_refused or not group.frames else check_group(group)
        if damaged:
            checked = _with_damaged(checked, damaged)
        if checked.is_refused:
            volume = Volume(report=_report(key, checked), patient=key[0])
        else:
            volume = _volume(key, checked, source)
        made.append(replace(volume, files=_files(checked, damaged)))
    return made


def refusal_text(report: SeriesReport, source: str) -> str:
    """Say why a series was refused.

    Args:
        report: Its report.
        source: Where it was looked for.

    Returns:
        Every refusal, each with what to do.
    """
    told = " ".join(finding.text for finding in report.refusals)
    return f"{source}, series {report.series_uid}: {told}"


def _files(group: Group, damaged: Sequence[tuple[SourceFile, Values]]) -> tuple[SourceFile, ...]:
    named = [*(frame.file for frame in group.frames), *(file for file, _ in damaged)]
    return tuple(dict.fromkeys(named))


def _with_damaged(group: Group, damaged: Sequence[tuple[SourceFile, Values]]) -> Group:
    names = tuple(file.name for file, _ in damaged)
    uids = (str(header["sop_uid"]) for _, header in damaged)
    finding = Finding(
        code="DAMAGED_FILE",
        severity="refusal",
        sentence=f"{', '.join(names[:5])} cannot be read ({damaged[0][1]['reason']}).",
        mend="Copy or send it again.",
        sop_uids=tuple(dict.fromkeys(uids)),
        files=names,
    )
    return Group(frames=group.frames, volume=group.volume, findings=(*group.findings, finding))


def _volume(key: Key, group: Group, source: str) -> Volume:
    grid = lay_grid(group.frames)
    whole = Group(
        frames=grid.frames,
        volume=group.volume,
        findings=(*group.findings, *grid.findings),
    )
    geometry = grid.geometry
    if geometry is None:
        return Volume(report=_report(key, whole), patient=key[0])
    first = grid.frames[0]
    series = Series(
        study_uid=key[1],
        series_uid=key[2],
        slices=tuple(frame.source() for frame in grid.frames),
        regular=geometry,
        header=partial(_header, {frame.sop_uid: frame.file for frame in grid.frames}),
        frame_of_reference_uid=str(first.values["reference"]),
        modality=first.modality,
        volume=group.volume,
        findings=whole.findings,
    )
    image = Image(
        geometry=geometry,
        channels=(first.modality or "channel 0",),
        load=partial(_load, grid, source),
        source=source,
        notes=tuple(finding.text for finding in whole.findings),
        series=series,
    )
    report = _report(key, whole, grid)
    return Volume(report=report, image=image, patient=key[0], frames=grid.frames)


def _report(key: Key, group: Group, grid: Grid | None = None) -> SeriesReport:
    geometry = None if grid is None else grid.geometry
    return SeriesReport(
        study_uid=key[1],
        series_uid=key[2],
        volume=group.volume,
        modality=group.frames[0].modality if group.frames else "",
        num_instances=len({frame.file for frame in group.frames}),
        num_slices=len(group.frames),
        shape=geometry.shape if geometry else (),
        spacing_mm=tuple(round(step, 6) for step in geometry.spacing_mm) if geometry else (),
        findings=group.findings,
    )


def _load(grid: Grid, source: str) -> AnyArray:
    """Read the slices and bring them onto the grid, (1, Z, Y, X)."""
    return bring(_pixels(grid.frames, source), grid)[None]


def _pixels(frames: Sequence[Frame], source: str) -> AnyArray:
    items = [frame.pixel_item() for frame in frames]
    is_whole = all(isinstance(item["slope"], int) for item in items)
    kinds = ("int16", "int32") if is_whole else ("float32",)
    try:
        array, _ = read_pixels(items, (len(frames), *frames[0].size), kinds)
    except ChildError as error:
        name = frames[error.place].file.name if error.place < len(frames) else source
        raise FileError(
            f"{name} is damaged or cannot be read ({error.reason}). Copy or export the file again."
        ) from error
    return array


def _header(files: dict[str, SourceFile], entry: SourceSlice) -> Any:  # noqa: ANN401
    """Read the header of a slice's file again: a pydicom Dataset without pixels."""
    import pydicom

    file = files[entry.sop_uid]
    with guarded(Path(file.path), "DICOM"), opened(file.path, file.member) as stream:
        return pydicom.dcmread(stream, stop_before_pixels=True, force=True)
