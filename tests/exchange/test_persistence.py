import pytest

from delineate.core.errors import ExchangeError
from delineate.exchange.persistence import ClassRefusedError, PeerBusyError, Persistence


@pytest.fixture
def waits(monkeypatch):
    found = []
    monkeypatch.setattr("delineate.exchange.persistence.time.sleep", found.append)
    return found


def test_a_busy_peer_is_asked_again_later_and_later(waits):
    def action(attempt):
        if attempt < 3:
            raise PeerBusyError("Busy. Try later.")
        return attempt

    assert Persistence().until_done(action) == 3
    assert waits == [1.0, 3.0, 9.0]


def test_the_attempts_are_bounded(waits):
    asked = []

    def action(attempt):
        asked.append(attempt)
        raise PeerBusyError("Busy.")

    with pytest.raises(PeerBusyError):
        Persistence(attempts=3).until_done(action)

    assert asked == [0, 1, 2]


@pytest.mark.parametrize("kind", [ExchangeError, ClassRefusedError])
def test_what_cannot_get_better_is_not_tried_again(waits, kind):
    def action(attempt):
        raise kind("No.")

    with pytest.raises(kind):
        Persistence().until_done(action)

    assert waits == []
