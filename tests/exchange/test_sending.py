"""Results sent once each, whatever the archive does meanwhile."""

from dataclasses import dataclass, field

import pytest

from delineate.core.errors import ExchangeError
from delineate.exchange.journal import Journal
from delineate.exchange.persistence import (
    ClassRefusedError,
    DeniedError,
    PeerBusyError,
)
from delineate.exchange.sending import send_results

NAMES = ("DICOM SEG", "RTSTRUCT", "SR")


@dataclass
class Shelf:
    """An archive in memory; `fails` gives what the next storings raise, after storing or before."""

    name: str = "PACS"
    stored: list = field(default_factory=list)
    before: list = field(default_factory=list)
    after: list = field(default_factory=list)

    def holds(self, thing):
        return thing.uid in self.stored

    def store(self, thing):
        if self.before and (error := self.before.pop(0)):
            raise error
        self.stored.append(thing.uid)
        if self.after and (error := self.after.pop(0)):
            raise error


@pytest.fixture
def things(results):
    return [results[name] for name in NAMES]


def test_each_is_sent_once(tmp_path, things, hasty):
    shelf = Shelf()

    first = send_results(shelf, Journal(tmp_path), things, hasty)
    second = send_results(shelf, Journal(tmp_path), things, hasty)

    assert (first.new, first.before) == (3, 0)
    assert (second.new, second.before) == (0, 3)
    assert shelf.stored == [thing.uid for thing in things]


def test_what_arrived_although_no_answer_came_is_not_sent_again(tmp_path, things, hasty):
    shelf = Shelf(after=[PeerBusyError("Broke off.")])

    told = send_results(shelf, Journal(tmp_path), things, hasty)

    assert (told.new, told.before) == (2, 1)
    assert shelf.stored == [thing.uid for thing in things]


def test_without_its_journal_the_archive_is_asked(tmp_path, things, hasty):
    shelf = Shelf()
    send_results(shelf, Journal(tmp_path), things, hasty)

    told = send_results(shelf, Journal(tmp_path / "new"), things, hasty)

    assert (told.new, told.before) == (0, 3)


def test_a_peer_that_stays_away_leaves_all_for_the_next_time(tmp_path, things, hasty):
    shelf = Shelf(before=[None, PeerBusyError("Down."), PeerBusyError("Down.")])

    with pytest.raises(ExchangeError, match="same command sends what is missing"):
        send_results(shelf, Journal(tmp_path), things, hasty)
    states = [Journal(tmp_path).state("PACS", thing.uid) for thing in things]
    told = send_results(shelf, Journal(tmp_path), things, hasty)

    assert states == ["sent", "sending", "predicted"]
    assert (told.new, told.before) == (2, 1)
    assert shelf.stored == [thing.uid for thing in things]


def test_a_refused_object_does_not_stop_others_but_its_report(tmp_path, things, hasty):
    shelf = Shelf(before=[ExchangeError("No."), None])

    told = send_results(shelf, Journal(tmp_path), things, hasty)

    assert shelf.stored == [things[1].uid]
    assert set(told.failures) == {things[0].path.name, things[2].path.name}


def test_wrong_credentials_stop_at_once(tmp_path, things, hasty):
    shelf = Shelf(before=[DeniedError("No."), AssertionError("asked again")])

    with pytest.raises(DeniedError):
        send_results(shelf, Journal(tmp_path), things, hasty)


def test_a_refused_class_is_remembered_for_a_labelmap_only(tmp_path, results, hasty):
    journal = Journal(tmp_path)
    refusal = ClassRefusedError("No.")

    with pytest.raises(ClassRefusedError):
        send_results(Shelf(before=[refusal]), journal, [results["LABELMAP"]], hasty)
    told = send_results(Shelf(before=[refusal]), journal, [results["RTSTRUCT"]], hasty)

    assert journal.has_refused("PACS", results["LABELMAP"].class_uid)
    assert len(told.failures) == 1


def test_each_archive_has_its_own_account(tmp_path, things, hasty):
    send_results(Shelf(), Journal(tmp_path), things, hasty)
    other = Shelf(name="OTHER")

    told = send_results(other, Journal(tmp_path), things, hasty)

    assert told.new == 3
