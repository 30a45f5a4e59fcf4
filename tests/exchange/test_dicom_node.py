"""C-STORE to Orthanc, and to peers that refuse, are slow, or break off."""

import gc
import logging
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
from pydicom import dcmread
from pydicom.uid import RLELossless
from pynetdicom import AE, evt

from archives import free_port
from delineate.core.errors import ExchangeError
from delineate.exchange.address import parse_address
from delineate.exchange.dicom_node import DicomNode
from delineate.exchange.persistence import ClassRefusedError, PeerBusyError

LABELMAP = "1.2.840.10008.5.1.4.1.1.66.7"
PLAIN = ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"]


def node_at(place, patience_s=10.0):
    return DicomNode(parse_address(place, option="--to"), patience_s=patience_s)


@contextmanager
def peer_that(answer, classes, syntaxes=PLAIN, **facts):
    """Start a storage peer whose answer to each C-STORE is a status."""
    entity = AE(ae_title=facts.pop("title", "PEER"))
    for name, value in facts.items():
        setattr(entity, name, value)
    for class_uid in classes:
        entity.add_supported_context(class_uid, syntaxes)
    port = free_port()
    server = entity.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, answer)]
    )
    try:
        yield f"dicom://PEER@127.0.0.1:{port}"
    finally:
        server.shutdown()


def test_orthanc_takes_each_object_once(archive, results):
    node = node_at(archive.node)

    for name in ("DICOM SEG", "RTSTRUCT", "SR"):
        node.store(results[name])
        node.store(results[name])

    assert archive.modalities() == [("CT", 10), ("RTSTRUCT", 1), ("SEG", 1), ("SR", 1)]


def test_orthanc_as_it_comes_refuses_a_labelmap(archive, results):
    node = node_at(archive.node)

    assert not node.takes(LABELMAP)
    with pytest.raises(ClassRefusedError):
        node.store(results["LABELMAP"])
    assert archive.count() == 10


def test_orthanc_that_takes_unknown_classes_gets_the_labelmap(open_orthanc, results):
    open_orthanc.clear()
    node = node_at(open_orthanc.node)

    assert node.takes(LABELMAP)
    node.store(results["LABELMAP"])

    assert open_orthanc.modalities() == [("SEG", 1)]


def test_what_is_compressed_is_unpacked_for_a_peer_without_the_syntax(results):
    got = []

    def keep(event):
        got.append(event.dataset)
        return 0

    thing = results["LABELMAP"]
    with peer_that(keep, [LABELMAP]) as place:
        node_at(place).store(thing)

    written = dcmread(thing.path)
    assert written.file_meta.TransferSyntaxUID == RLELossless
    written.decompress(generate_instance_uid=False)
    assert got[0].PixelData == written.PixelData
    assert got[0].SOPInstanceUID == thing.uid


@pytest.mark.parametrize(
    ("status", "kind"),
    [(0xA700, PeerBusyError), (0xC001, PeerBusyError), (0x0110, PeerBusyError),
     (0x0122, ClassRefusedError), (0x0124, ExchangeError), (0xA900, ExchangeError)],
)  # fmt: skip
def test_a_status_decides_what_follows(status, kind, results):
    thing = results["SR"]

    with (
        peer_that(lambda event: status, [thing.class_uid]) as place,
        pytest.raises(ExchangeError) as caught,
    ):
        node_at(place).store(thing)

    assert type(caught.value) is kind
    assert f"{status:#06x}" in str(caught.value)


@pytest.mark.parametrize("status", [0x0000, 0xB000, 0xB006, 0xB007, 0x0111])
def test_a_remark_or_a_duplicate_counts_as_stored(status, results):
    thing = results["SR"]

    asked = []

    def answer(event):
        asked.append(event.request.AffectedSOPInstanceUID)
        return status

    with peer_that(answer, [thing.class_uid]) as place:
        node_at(place).store(thing)

    assert len(asked) == 1  # taken for stored, so not offered again


def test_a_slow_peer_is_left_in_time(results):
    thing = results["SR"]

    def slow(event):
        time.sleep(2)
        return 0

    with (
        peer_that(slow, [thing.class_uid]) as place,
        pytest.raises(PeerBusyError, match="patience"),
    ):
        node_at(place, patience_s=0.4).store(thing)


def test_a_peer_that_aborts_is_said(results):
    thing = results["SR"]

    def abort(event):
        event.assoc.abort()
        return 0

    with peer_that(abort, [thing.class_uid]) as place, pytest.raises(PeerBusyError, match="broke"):
        node_at(place).store(thing)


def test_wrong_titles_are_told_apart(results):
    thing = results["SR"]
    facts = {"require_called_aet": True}

    with (
        peer_that(lambda event: 0, [thing.class_uid], title="OTHER", **facts) as place,
        pytest.raises(ExchangeError, match="AE title PEER"),
    ):
        node_at(place).store(thing)
    with (
        peer_that(lambda event: 0, [thing.class_uid], require_calling_aet=["YOU"]) as place,
        pytest.raises(ExchangeError, match="AE title DELINEATE"),
    ):
        node_at(place).store(thing)


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pynetdicom leaves one
def test_a_peer_that_is_down_is_said(results):
    with pytest.raises(PeerBusyError, match="cannot be reached"):
        node_at(f"dicom://PEER@127.0.0.1:{free_port()}").store(results["SR"])

    gc.collect()  # now, and not in another test


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pynetdicom leaves one
def test_another_protocol_on_the_port_is_said(results):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet():
            line, _ = listener.accept()
            with line:
                line.recv(1000)
                line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                time.sleep(0.2)

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(PeerBusyError, match="does not speak DICOM"):
            node_at(f"dicom://PEER@127.0.0.1:{listener.getsockname()[1]}", 2).store(results["SR"])
        thread.join()

    gc.collect()  # now, and not in another test


def test_nothing_of_the_patient_reaches_logs_or_output(results, caplog, capfd):
    thing = results["SR"]
    caplog.set_level(logging.DEBUG)

    with peer_that(lambda event: 0xC001, [thing.class_uid]) as place:
        logging.getLogger("pynetdicom").setLevel(logging.DEBUG)
        with pytest.raises(PeerBusyError) as caught:
            node_at(place).store(thing)

    out, err = capfd.readouterr()
    said = caplog.text + out + err + str(caught.value)
    for name in ("Phantom", "Anna", "A77", thing.uid, thing.study_uid, "19700101"):
        assert name not in said


def test_nothing_is_known_of_what_a_peer_holds(results):
    assert not node_at("dicom://PEER@127.0.0.1:1").holds(replace(results["SR"]))
