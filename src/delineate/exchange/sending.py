"""Results into an archive: each once, in an order in which none refers to what is not there yet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from delineate.core.errors import ExchangeError
from delineate.exchange.journal import Journal
from delineate.exchange.outgoing import LABELMAP, REPORTS, Outgoing
from delineate.exchange.persistence import (
    ClassRefusedError,
    DeniedError,
    PeerBusyError,
    Persistence,
)


class Peer(Protocol):
    """Whom results are sent to."""

    name: str

    def holds(self, thing: Outgoing) -> bool:
        """Ask whether the peer has an object already, as far as it can be asked."""

    def store(self, thing: Outgoing) -> None:
        """Send an object."""


@dataclass(kw_only=True)
class Sent:
    """What became of the objects."""

    new: int = 0
    """Objects that were sent now."""
    before: int = 0
    """Objects that the peer had."""
    failures: dict[str, str] = field(default_factory=dict)
    """What is wrong with each that was not sent, by file name."""


def send_results(
    peer: Peer, journal: Journal, things: Sequence[Outgoing], persistence: Persistence
) -> Sent:
    """Send what was not sent before.

    Args:
        peer: Whom to.
        journal: What was sent before; it learns of each object before and after.
        things: The objects, reports last.
        persistence: How often to ask.

    Returns:
        How many were sent, and which were refused; a report whose segments were refused waits.

    Raises:
        ClassRefusedError: If the peer does not take a LABELMAP, for which there is another way.
        ExchangeError: If the peer cannot be reached; the results are kept.
    """
    told = Sent()
    for thing in things:
        if not journal.state(peer.name, thing.uid):
            journal.move(peer.name, thing.uid, "predicted")
    for thing in things:
        if journal.state(peer.name, thing.uid) == "sent":
            told.before += 1
        elif told.failures and thing.class_uid.startswith(REPORTS):
            told.failures[thing.path.name] = (
                f"{thing.path.name} was not sent, since what it may refer to was refused."
            )
        else:
            _send(peer, journal, thing, persistence, told)
    return told


def _send(
    peer: Peer, journal: Journal, thing: Outgoing, persistence: Persistence, told: Sent
) -> None:
    def attempt(_: int) -> bool:
        if peer.holds(thing):
            return False
        journal.move(peer.name, thing.uid, "sending")
        peer.store(thing)
        return True

    try:
        is_new = persistence.until_done(attempt)
    except PeerBusyError as error:
        raise ExchangeError(
            f"{error} The results are kept; the same command sends what is missing."
        ) from None
    except ClassRefusedError as error:
        if thing.class_uid == LABELMAP:
            journal.refuse(peer.name, LABELMAP)
            raise
        told.failures[thing.path.name] = f"{thing.path.name} was not sent: {error}"
    except DeniedError:
        raise
    except ExchangeError as error:
        told.failures[thing.path.name] = f"{thing.path.name} was not sent: {error}"
    else:
        journal.move(peer.name, thing.uid, "sent")
        told.new, told.before = told.new + is_new, told.before + (not is_new)
