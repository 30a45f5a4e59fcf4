"""A study out of an archive into a folder: series of images, each file checked for whose it is."""

import logging
from collections import Counter
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from delineate.core.errors import ExchangeError
from delineate.core.files import sweep, whole
from delineate.core.progress import track
from delineate.exchange.dicomweb import DicomWeb, RemoteSeries
from delineate.exchange.journal import Journal
from delineate.exchange.outgoing import read_head
from delineate.exchange.persistence import PeerBusyError, Persistence

log = logging.getLogger("delineate")

FOLDER = "received"
ASIDE = frozenset((
    "ANN", "AU", "DOC", "KO", "PLAN", "PR", "REG", "RTDOSE", "RTIMAGE", "RTPLAN", "RTRECORD",
    "RTSTRUCT", "SEG", "SR",
))  # fmt: skip
"""Modalities that are no images to segment, our own results among them."""
LONGEST = 8
"""Digits of a series' number that go into its folder's name."""


def receive_study(
    archive: DicomWeb, journal: Journal, out: Path, study: str, wanted: Sequence[str],
    persistence: Persistence,
) -> list[Path]:  # fmt: skip
    """Fetch what is not here yet.

    Args:
        archive: Whom to ask.
        journal: What was received before.
        out: Folder of the results; files go into its folder "received".
        study: StudyInstanceUID.
        wanted: SeriesInstanceUIDs; none for all series of images.
        persistence: How often to ask.

    Returns:
        One folder a series.

    Raises:
        ExchangeError: If the archive has no such study, or mixes studies or patients.
    """
    chosen = _choose(archive, persistence.until_done(lambda _: archive.list_series(study)), wanted)
    folders = []
    patients: set[str] = set()
    for series in chosen:
        uids = persistence.until_done(partial(_complete, archive, study, series))
        name = _folder_name(series)
        sweep(out / FOLDER / name)  # what a killed run left half written
        for uid in track(uids, f"receiving {name}", len(uids)):
            file = f"{FOLDER}/{name}/{_short(uid, 16)}.dcm"
            if not journal.is_received(study, uid):
                content = persistence.until_done(partial(_fetched, archive, study, series, uid))
                with whole(out / file) as draft:
                    draft.write_bytes(content)
                journal.receive(study, uid, file)
            patients.add(str(read_head(out / file, "PatientID").get("PatientID", "")))
        folders.append(out / FOLDER / name)
    if len(patients) > 1:
        raise ExchangeError(
            f"The study that {archive.name} gave is of {len(patients)} patients by their ids. "
            "Nothing was predicted; have it put right in the archive."
        )
    return folders


def _choose(
    archive: DicomWeb, found: Sequence[RemoteSeries], wanted: Sequence[str]
) -> list[RemoteSeries]:
    if not found:
        raise ExchangeError(f"{archive.name} holds no such study. Check --study.")
    missing = set(wanted) - {series.uid for series in found}
    if missing:
        raise ExchangeError(
            f"{archive.name} holds {len(missing)} of the {len(wanted)} series not in this study. "
            "Check --series."
        )
    aside = Counter(series.modality for series in found if series.modality in ASIDE)
    if wanted:
        return [series for series in found if series.uid in wanted]
    if aside:
        told = ", ".join(f"{count} {name}" for name, count in sorted(aside.items()))
        log.info("Series that are no images were left aside: %s.", told)
    images = [series for series in found if series.modality not in ASIDE]
    if not images:
        raise ExchangeError(f"The study in {archive.name} has no series of images. Check --study.")
    return images


def _complete(archive: DicomWeb, study: str, series: RemoteSeries, _: int) -> list[str]:
    """List a series' instances; fewer than the archive counts are worth asking again."""
    uids = archive.list_instances(study, series.uid)
    if not uids or (series.num_instances is not None and len(uids) < series.num_instances):
        raise PeerBusyError(
            f"{archive.name} lists {len(uids)} instances of a series that has "
            f"{series.num_instances or 'some'}. Wait until the study is complete there."
        )
    return uids


def _fetched(archive: DicomWeb, study: str, series: RemoteSeries, uid: str, _: int) -> bytes:
    """Fetch a file and make sure that it is the one that was asked for."""
    content = archive.fetch(study, series.uid, uid)
    try:
        head = read_head(BytesIO(content), "SOPInstanceUID", "StudyInstanceUID")
    except ExchangeError:
        raise PeerBusyError(
            f"{archive.name} gave what is no DICOM file for an instance. Nothing was predicted; "
            "check the object in the archive."
        ) from None
    if (head.get("StudyInstanceUID"), head.get("SOPInstanceUID")) != (study, uid):
        raise ExchangeError(
            f"{archive.name} gave an instance of another study than it was asked for. "
            "Nothing was predicted; have the study put right in the archive."
        )
    return content


def _folder_name(series: RemoteSeries) -> str:
    """Name a series without names of people, and safely whatever the archive says."""
    kind = series.modality if series.modality.isalnum() and series.modality.isascii() else ""
    number = series.number if series.number.isdecimal() else ""
    parts = (kind[:LONGEST], number[:LONGEST], _short(series.uid, 8))
    return "_".join(part for part in parts if part)


def _short(uid: str, length: int) -> str:
    return sha256(uid.encode("ascii")).hexdigest()[:length]
