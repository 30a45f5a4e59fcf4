import pytest

from delineate.exchange.journal import NAME, Journal


def test_what_was_noted_is_there_after_a_crash(tmp_path):
    journal = Journal(tmp_path)
    (tmp_path / "a.dcm").touch()
    journal.receive("1.2", "1.2.3", "a.dcm")
    journal.move("PACS", "9", "sending")
    journal.refuse("PACS", "66.7")

    again = Journal(tmp_path)

    assert again.is_received("1.2", "1.2.3")
    assert not again.is_received("1.3", "1.2.3")
    assert (again.state("PACS", "9"), again.state("OTHER", "9")) == ("sending", "")
    assert again.has_refused("PACS", "66.7")
    assert not again.has_refused("OTHER", "66.7")


def test_a_file_that_is_gone_was_not_received(tmp_path):
    Journal(tmp_path).receive("1.2", "1.2.3", "a.dcm")

    assert not Journal(tmp_path).is_received("1.2", "1.2.3")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 9}', '{"version": 1, "studies": 3}'])
def test_a_damaged_journal_counts_as_none(tmp_path, text):
    (tmp_path / NAME).write_text(text)

    journal = Journal(tmp_path)

    assert journal.state("PACS", "9") == ""
    journal.move("PACS", "9", "sent")
    assert Journal(tmp_path).state("PACS", "9") == "sent"
