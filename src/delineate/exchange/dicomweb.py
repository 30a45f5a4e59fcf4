"""An archive that speaks DICOMweb: what it holds (QIDO), its files (WADO), storing (STOW).

Written on the standard library, so that time and size of every answer are bounded, files come
byte by byte as the archive holds them, and a refusal says which object it means and why.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delineate.core.errors import ExchangeError
from delineate.exchange.multipart import pack, unpack
from delineate.exchange.outgoing import Outgoing
from delineate.exchange.persistence import ClassRefusedError, PeerBusyError
from delineate.exchange.web import Answer, Web

UID = re.compile(r"[0-9]+(\.[0-9]+)*")
JSON = "application/dicom+json"
FILE = 'multipart/related; type="application/dicom"; transfer-syntax=*'
PAGE = 500
"""Rows that are asked for at once; archives may give fewer."""
NO_CLASS, DUPLICATE = (0x0122,), 0x0111
"""Reasons of failures (DICOM PS3.7 annex C)."""
FULL = range(0xA700, 0xA800)
MODALITY, SERIES_UID, SERIES_NUMBER = "00080060", "0020000E", "00200011"
INSTANCE_UID, NUM_INSTANCES = "00080018", "00201209"
STORED, FAILED, REASON, NAMED = "00081199", "00081198", "00081197", "00081155"


@dataclass(frozen=True, kw_only=True)
class RemoteSeries:
    """A series that an archive holds."""

    uid: str
    """SeriesInstanceUID."""
    modality: str
    """CT, MR, SEG, ..., or empty."""
    number: str
    """SeriesNumber, or empty."""
    num_instances: int | None
    """How many instances the archive says it has."""


class DicomWeb:
    """An archive with DICOMweb services."""

    def __init__(self, web: Web) -> None:
        """Name the archive.

        Args:
            web: Its root.
        """
        self._web = web
        self.name = str(web.address)

    def list_series(self, study: str) -> list[RemoteSeries]:
        """List the series of a study.

        Args:
            study: StudyInstanceUID.

        Returns:
            The series, empty if there is no such study.
        """
        rows = self._rows(f"/studies/{_checked(study)}/series")
        return [
            RemoteSeries(
                uid=self._uid(row, SERIES_UID),
                modality=str(_value(row, MODALITY) or ""),
                number=str(_value(row, SERIES_NUMBER) or ""),
                num_instances=_count(_value(row, NUM_INSTANCES)),
            )
            for row in rows
        ]

    def list_instances(self, study: str, series: str) -> list[str]:
        """List the instances of a series.

        Args:
            study: StudyInstanceUID.
            series: SeriesInstanceUID.

        Returns:
            SOPInstanceUIDs.
        """
        rows = self._rows(f"/studies/{_checked(study)}/series/{_checked(series)}/instances")
        return [self._uid(row, INSTANCE_UID) for row in rows]

    def fetch(self, study: str, series: str, instance: str) -> bytes:
        """Fetch a file as the archive holds it.

        Args:
            study: StudyInstanceUID.
            series: SeriesInstanceUID.
            instance: SOPInstanceUID.

        Returns:
            The file's content.

        Raises:
            PeerBusyError: If the answer is no DICOM file.
        """
        path = f"/studies/{study}/series/{series}/instances/{instance}"
        answer = self._web.ask("GET", path, accept=FILE)
        self._want(answer, (200, 206))
        try:
            return unpack(answer.kind, answer.body)
        except ExchangeError as error:
            raise self._nonsense(str(error)) from None

    def holds(self, thing: Outgoing) -> bool:
        """Ask whether the archive has an object already.

        Args:
            thing: The object.

        Returns:
            True if so.
        """
        path = f"/studies/{thing.study_uid}/instances"
        rows = self._rows(path, f"SOPInstanceUID={thing.uid}", is_one_page=True)
        return any(_value(row, INSTANCE_UID) == thing.uid for row in rows)

    def store(self, thing: Outgoing) -> None:
        """Store an object.

        Args:
            thing: The object.

        Raises:
            ClassRefusedError: If the archive does not take objects of its class.
            PeerBusyError: If it is full, or does not say what became of the object.
            ExchangeError: If it refuses the object.
        """
        kind, body = pack(thing.path.read_bytes())
        answer = self._web.ask("POST", "/studies", accept=JSON, kind=kind, body=body)
        if answer.status == 415:
            raise ClassRefusedError(f"{self.name} refuses objects of the class of a {thing.what}.")
        self._want(answer, (200, 202, 409))
        told = self._parsed(answer)
        content = told[0] if isinstance(told, list) and told else told
        for item in self._items(content, FAILED):
            if _value(item, NAMED) in (thing.uid, None):
                self._refused(thing, _count(_value(item, REASON)))
                return
        if thing.uid not in [_value(item, NAMED) for item in self._items(content, STORED)]:
            raise self._nonsense(f"it does not say what became of a {thing.what}")

    def _refused(self, thing: Outgoing, reason: int | None) -> None:
        if reason == DUPLICATE:
            return
        code = "no reason" if reason is None else f"reason {reason:#06x}"
        if reason in NO_CLASS:
            raise ClassRefusedError(f"{self.name} refuses the class of a {thing.what} ({code}).")
        if reason in FULL:
            raise PeerBusyError(f"{self.name} has no room for a {thing.what} ({code}). Try later.")
        raise ExchangeError(
            f"{self.name} refused a {thing.what} ({code}). Its log says why; "
            "the object is kept and can be sent again."
        )

    def _rows(self, path: str, query: str = "", *, is_one_page: bool = False) -> list[Any]:
        """Ask page after page, until one brings nothing new."""
        found: dict[str, Any] = {}
        while True:
            words = [query, f"limit={PAGE}", *([f"offset={len(found)}"] if found else [])]
            answer = self._web.ask(
                "GET", f"{path}?{'&'.join(word for word in words if word)}", accept=JSON
            )
            if answer.status == 204 or (answer.status == 404 and found):
                break
            self._want(answer, (200, 206))
            page = self._parsed(answer)
            if not isinstance(page, list) or not all(isinstance(row, dict) for row in page):
                raise self._nonsense("no list came")
            fresh = {json.dumps(row, sort_keys=True): row for row in page}
            fresh = {key: row for key, row in fresh.items() if key not in found}
            found |= fresh
            if not fresh or is_one_page:
                break
        return list(found.values())

    def _want(self, answer: Answer, statuses: tuple[int, ...]) -> None:
        if answer.status not in statuses:
            raise ExchangeError(
                f"{self.name} answers HTTP {answer.status} where DICOMweb was expected. "
                "Check that the address is the root of the services, such as .../dicom-web."
            )

    def _parsed(self, answer: Answer) -> Any:  # noqa: ANN401 - whatever came
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise self._nonsense("no JSON came") from None

    def _items(self, content: Any, tag: str) -> list[Any]:  # noqa: ANN401 - whatever came
        found = content.get(tag, {}) if isinstance(content, dict) else None
        items = found.get("Value", []) if isinstance(found, dict) else None
        if not isinstance(items, list):
            raise self._nonsense("no account of what was stored came")
        return items

    def _uid(self, row: Any, tag: str) -> str:  # noqa: ANN401 - whatever came
        found = _value(row, tag)
        if not isinstance(found, str) or not UID.fullmatch(found) or len(found) > 64:
            raise self._nonsense("a row without a UID came")
        return found

    def _nonsense(self, detail: str) -> PeerBusyError:
        return PeerBusyError(
            f"{self.name} answered nonsense ({detail}). Check that the address is the root of its "
            "DICOMweb services, and that no proxy stands between."
        )


def _checked(uid: str) -> str:
    if not UID.fullmatch(uid) or len(uid) > 64:
        raise ExchangeError(
            "A UID is made of digits and dots, 64 at most, and what was given is not. "
            "Copy --study and --series from the archive."
        )
    return uid


def _value(row: Any, tag: str) -> Any:  # noqa: ANN401 - whatever came
    """Take the first value of an element of DICOM JSON; None if there is none."""
    element: Mapping[str, Any] | None = row.get(tag) if isinstance(row, dict) else None
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None


def _count(value: Any) -> int | None:  # noqa: ANN401 - whatever came
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None
