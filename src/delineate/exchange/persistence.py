"""Trying again: a bounded number of times, longer apart each time, and only where it may help."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from delineate.core.errors import ExchangeError

log = logging.getLogger("delineate")
Answer = TypeVar("Answer")


class PeerBusyError(ExchangeError):
    """A peer that is down, slow or full: it may be better in a moment."""


class ClassRefusedError(ExchangeError):
    """A peer that does not take this kind of object, now or ever."""


class DeniedError(ExchangeError):
    """A peer that wants other credentials, for whatever is asked of it."""


@dataclass(frozen=True, kw_only=True)
class Persistence:
    """How often and how long apart a peer is asked."""

    attempts: int = 4
    """Times that it is asked, at least 1."""
    first_wait_s: float = 1.0
    """Seconds before the second time; each later wait is three times as long."""

    def until_done(self, action: Callable[[int], Answer]) -> Answer:
        """Do something until it is done, or the attempts are used up.

        Args:
            action: Takes the number of the attempt from 0; raises `PeerBusyError` to be called
                again. Whatever else it raises ends it at once.

        Returns:
            What the action gave.

        Raises:
            ExchangeError: What the last attempt raised.
        """
        for attempt in range(self.attempts - 1):
            try:
                return action(attempt)
            except PeerBusyError as error:
                wait_s = self.first_wait_s * 3**attempt
                log.info("%s Asking again in %g s.", str(error).split(". ")[0] + ".", wait_s)
                time.sleep(wait_s)
        return action(self.attempts - 1)
