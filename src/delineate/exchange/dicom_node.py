"""An archive that takes C-STORE: associations by pynetdicom, kept silent about patients."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from delineate.core.errors import ExchangeError
from delineate.exchange.address import Address
from delineate.exchange.outgoing import Outgoing
from delineate.exchange.persistence import ClassRefusedError, PeerBusyError

PLAIN = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
"""Explicit and implicit, little endian: one of them every peer takes."""
BUSY = (range(0xA700, 0xA800), range(0xC000, 0xD000), range(0x0110, 0x0111))
"""Statuses that may be better in a moment: no room, not understood, trouble."""
WARNINGS = (0xB000, 0xB006, 0xB007)
"""Statuses of what was stored, with a remark."""
NO_CLASS, DUPLICATE = 0x0122, 0x0111
TITLES = {
    (1, 3): "does not know us; enter our AE title {ours} there",
    (1, 7): "does not go by the AE title {title}; check --to",
}
"""What a rejection means, by its source and reason (DICOM PS3.8, 9.3.4)."""
SHORT = 2
"""Result of a rejection that is not for ever."""


class DicomNode:
    """A peer that stores what it is sent by C-STORE."""

    def __init__(self, address: Address, *, patience_s: float) -> None:
        """Name the peer; it is called when there is something to send.

        Args:
            address: Where it is, and both AE titles.
            patience_s: Seconds of silence that are borne.
        """
        self._address = address
        self._patience_s = patience_s
        self.name = str(address)

    def takes(self, class_uid: str) -> bool:
        """Ask whether the peer takes objects of a class, without sending any.

        Args:
            class_uid: SOPClassUID.

        Returns:
            True if it accepts a presentation context for it.
        """
        with self._association([(class_uid, syntax) for syntax in PLAIN]) as line:
            return bool(line.accepted_contexts)

    def holds(self, thing: Outgoing) -> bool:
        """Say that nothing is known: C-STORE cannot ask, and a repeat changes no count.

        Args:
            thing: The object.

        Returns:
            False.
        """
        return False

    def store(self, thing: Outgoing) -> None:
        """Store an object; it is unpacked if the peer takes its class but not its compression.

        Args:
            thing: The object.

        Raises:
            ClassRefusedError: If the peer does not take objects of its class.
            PeerBusyError: If it is down, slow or full.
            ExchangeError: If it refuses the object.
        """
        import pydicom

        syntaxes = dict.fromkeys((thing.syntax_uid, *PLAIN))
        with self._association([(thing.class_uid, syntax) for syntax in syntaxes]) as line:
            taken = [str(entry.transfer_syntax[0]) for entry in line.accepted_contexts]
            if not taken:
                raise ClassRefusedError(f"{self.name} refuses the class of a {thing.what}.")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they quote values
                dataset = pydicom.dcmread(thing.path)
                if thing.syntax_uid not in taken and thing.syntax_uid not in PLAIN:
                    dataset.decompress(generate_instance_uid=False)
                answer = line.send_c_store(dataset)
        self._judge(thing, answer.get("Status") if answer else None)

    @contextmanager
    def _association(self, contexts: Sequence[tuple[str, str]]) -> Iterator[Any]:
        """Call the peer, and hang up in the end."""
        _hush()
        from pynetdicom import AE

        entity = AE(ae_title=self._address.ours)
        entity.acse_timeout = entity.dimse_timeout = self._patience_s
        entity.network_timeout = entity.connection_timeout = self._patience_s
        for class_uid, syntax in contexts:
            entity.add_requested_context(class_uid, syntax)
        line = entity.associate(
            self._address.host, self._address.port, ae_title=self._address.title
        )
        try:
            if not line.is_established and not _is_only_unmatched(line):
                self._unanswered(line)
            yield line
        finally:
            if line.is_established:
                line.release()

    def _unanswered(self, line: Any) -> None:  # noqa: ANN401 - an association
        reply = line.acceptor.primitive
        if line.is_rejected and reply is not None:
            told = TITLES.get((reply.result_source, reply.diagnostic), "refuses the association")
            sentence = (
                f"{self.name} {told.format(ours=self._address.ours, title=self._address.title)}."
            )
            raise (PeerBusyError if reply.result == SHORT else ExchangeError)(sentence)
        raise PeerBusyError(
            f"{self.name} cannot be reached, or does not speak DICOM there. "
            "Check host and port, and that the archive is running."
        )

    def _judge(self, thing: Outgoing, status: int | None) -> None:
        if status is None:
            raise PeerBusyError(
                f"{self.name} broke off, or said nothing, while a {thing.what} was sent. "
                "Try later, or pass a larger --patience."
            )
        if status in (0, DUPLICATE, *WARNINGS):
            return
        told = f"{self.name} refused a {thing.what} (status {status:#06x})."
        if status == NO_CLASS:
            raise ClassRefusedError(told)
        if any(status in busy for busy in BUSY):
            raise PeerBusyError(f"{told} It may be full; try later, or ask its operator.")
        raise ExchangeError(f"{told} Its log says why; the object is kept and can be sent again.")


def _is_only_unmatched(line: Any) -> bool:  # noqa: ANN401 - an association
    """Tell a peer that took none of our contexts; pynetdicom aborts the association then."""
    return line.is_aborted and bool(line.rejected_contexts) and not line.accepted_contexts


def _hush() -> None:
    """Keep pynetdicom from writing identifiers, or anything else, into logs."""
    from pynetdicom import _config

    _config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False
    _config.LOG_HANDLER_LEVEL = "none"
    logger = logging.getLogger("pynetdicom")
    logger.setLevel(logging.CRITICAL + 1)
