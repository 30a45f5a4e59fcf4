"""DICOMweb with Orthanc, and with servers that answer nonsense."""

import json
from contextlib import closing

import pytest

from archives import reply, scripted_server
from delineate.core.errors import ExchangeError
from delineate.exchange.address import parse_address
from delineate.exchange.credentials import Credentials
from delineate.exchange.dicomweb import DicomWeb
from delineate.exchange.persistence import ClassRefusedError, PeerBusyError
from delineate.exchange.web import Web

STUDY, SERIES = "1.2.3.1", "1.2.3.2"


def with_answer(answer, action):
    """Let a server answer an action; returns what it was asked."""
    with scripted_server(answer) as server:
        address = parse_address(server.url, option="--from")
        with closing(Web(address, Credentials(), patience_s=5)) as line:
            action(DicomWeb(line))
    return server.asked


def say(content, status=200):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return lambda handler, asked: reply(handler, status, body)


def test_series_and_instances_of_a_study_are_listed(web):
    (series,) = web.list_series(STUDY)

    assert (series.uid, series.modality, series.number) == (SERIES, "CT", "2")
    assert series.num_instances == 10
    assert sorted(web.list_instances(STUDY, SERIES)) == sorted(
        f"1.2.3.4.{number}" for number in range(1, 11)
    )


def test_a_file_comes_with_its_pixels(web, ct):
    import pydicom

    content = web.fetch(STUDY, SERIES, "1.2.3.4.1")

    fetched = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
    assert fetched.PixelData == pydicom.dcmread(ct / "000.dcm").PixelData


def test_a_study_that_is_not_there_has_no_series(web):
    assert web.list_series("1.2.999") == []


def test_an_object_is_held_once_it_was_stored(web, archive, results):
    for thing in results.values():
        assert not web.holds(thing)
        web.store(thing)
        web.store(thing)
        assert web.holds(thing)

    assert archive.count() == 14


def test_pages_are_asked_for_until_one_brings_nothing():
    uids = [f"1.2.{number}" for number in range(7)]
    rows = [{"00080018": {"vr": "UI", "Value": [uid]}} for uid in uids]
    found = []

    def two_at_a_time(handler, body):
        start = int(handler.path.partition("offset=")[2] or 0)
        reply(handler, 200, json.dumps(rows[start : start + 2]).encode())

    with_answer(two_at_a_time, lambda peer: found.extend(peer.list_instances("1.2", "1.3")))

    assert found == uids


def test_a_server_that_knows_no_pages_is_not_asked_for_ever():
    rows = [{"00080018": {"Value": ["1.2.3"]}}]
    found = []

    asked = with_answer(say(rows), lambda peer: found.extend(peer.list_instances("1.2", "1.3")))

    assert found == ["1.2.3"]
    assert len(asked) == 2


@pytest.mark.parametrize(
    "content",
    [b"<html>welcome</html>", b"", b"[" * 100_000, {"a": 1}, [3], [{}], [{"0020000E": 5}],
     [{"0020000E": {"Value": []}}], [{"0020000E": {"Value": ["../../etc"]}}],
     [{"0020000E": {"Value": ["1" * 65]}}]],
    ids=range(10),
)  # fmt: skip
def test_nonsense_instead_of_a_list_is_said(content):
    with pytest.raises(PeerBusyError, match="nonsense"):
        with_answer(say(content), lambda peer: peer.list_series("1.2"))


@pytest.mark.parametrize("content", [b"<html>", b"", {}, [], [3], {"00081199": 4},
                                     {"00081199": {"Value": [{}]}}], ids=range(7))  # fmt: skip
def test_a_page_of_welcome_does_not_count_as_stored(content, results):
    with pytest.raises(PeerBusyError, match="nonsense"):
        with_answer(say(content), lambda peer: peer.store(results["SR"]))


def failing(thing, reason):
    named = {"00081155": {"Value": [thing.uid]}, "00081197": {"Value": [reason]}}
    return {"00081198": {"vr": "SQ", "Value": [named]}}


@pytest.mark.parametrize(
    ("reason", "kind"),
    [(0x0122, ClassRefusedError), (0xA700, PeerBusyError), (0xC000, ExchangeError),
     (None, ExchangeError)],
)  # fmt: skip
def test_the_reason_of_a_failure_decides_what_follows(reason, kind, results):
    thing = results["LABELMAP"]

    with pytest.raises(ExchangeError) as caught:
        with_answer(say(failing(thing, reason), 409), lambda peer: peer.store(thing))

    assert type(caught.value) is kind


def test_what_is_there_already_counts_as_stored(results):
    thing = results["SR"]

    asked = with_answer(say(failing(thing, 0x0111), 409), lambda peer: peer.store(thing))

    assert asked == [("POST", "/dicom-web/studies")]


def test_an_unknown_class_may_be_refused_by_status(results):
    with pytest.raises(ClassRefusedError):
        with_answer(say({}, 415), lambda peer: peer.store(results["LABELMAP"]))


def test_a_wrong_root_is_said():
    with pytest.raises(ExchangeError, match="root of the services"):
        with_answer(say(b"", 404), lambda peer: peer.list_series("1.2"))


@pytest.mark.parametrize("uid", ["", "1.2/../..", "1.2?x", "a", "1." * 40 + "1"])
def test_what_is_no_uid_is_never_asked_for(uid):
    with pytest.raises(ExchangeError, match="digits and dots") as caught:
        with_answer(say([]), lambda peer: peer.list_series(uid))

    assert "/.." not in str(caught.value)
