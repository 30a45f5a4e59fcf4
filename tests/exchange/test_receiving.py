"""A study received: whole, once, of one patient, or not at all."""

import json
import logging

import numpy as np
import pytest
from pydicom import dcmread

from archives import forward, reply, scripted_server
from delineate.core.errors import ExchangeError, FileError
from delineate.exchange.address import parse_address
from delineate.exchange.credentials import read_credentials
from delineate.exchange.dicomweb import DicomWeb
from delineate.exchange.journal import Journal
from delineate.exchange.persistence import PeerBusyError
from delineate.exchange.receiving import receive_study
from delineate.exchange.web import Web
from delineate.readers import read_image

STUDY = "1.2.3.1"


def received(peer, out, hasty, wanted=(), study=STUDY):
    return receive_study(peer, Journal(out), out, study, wanted, hasty)


def through(archive, secret, change, action):
    """Put a server between that may change what the archive says."""

    def answer(handler, body):
        status, content, kind = forward(handler, body, archive.port)
        reply(handler, status, change(handler.path, content), kind)

    with scripted_server(answer) as server:
        address = parse_address(server.url, option="--from")
        line = Web(address, read_credentials(secret, [address])[address.place], patience_s=5)
        try:
            action(DicomWeb(line))
        finally:
            line.close()
    return server.asked


def test_a_study_becomes_a_folder_a_series_that_can_be_read(web, ct, tmp_path, hasty):
    (folder,) = received(web, tmp_path, hasty)

    assert folder.name.startswith("CT_2_")
    assert len(list(folder.iterdir())) == 10
    assert np.array_equal(read_image(folder).array, read_image(ct).array)
    assert {str(dcmread(path).PatientName) for path in folder.iterdir()} == {"Phantom^Anna"}


def test_results_in_the_study_are_left_aside(web, results, tmp_path, hasty, caplog):
    caplog.set_level(logging.INFO, "delineate")
    for thing in results.values():
        web.store(thing)

    folders = received(web, tmp_path, hasty)

    assert len(folders) == 1
    assert "1 RTSTRUCT, 2 SEG, 1 SR" in caplog.text


def test_only_the_series_that_were_named_come(web, tmp_path, hasty):
    assert len(received(web, tmp_path, hasty, ["1.2.3.2"])) == 1
    with pytest.raises(ExchangeError, match="--series"):
        received(web, tmp_path, hasty, ["1.2.3.99"])


def test_an_unknown_study_is_said(web, tmp_path, hasty):
    with pytest.raises(ExchangeError, match="no such study"):
        received(web, tmp_path, hasty, study="1.2.77")


def test_nothing_that_is_here_is_fetched_again(archive, secret, tmp_path, hasty):
    def same(path, content):
        return content

    through(archive, secret, same, lambda peer: received(peer, tmp_path, hasty))
    next((tmp_path / "received").glob("*/*.dcm")).unlink()

    asked = through(archive, secret, same, lambda peer: received(peer, tmp_path, hasty))

    assert sum("/instances/" in path for _, path in asked) == 1


def test_images_of_another_study_are_refused(archive, secret, tmp_path, hasty):
    def other(path, content):
        return content.replace(b"1.2.3.1\0", b"1.2.3.7\0") if "/instances/" in path else content

    with pytest.raises(ExchangeError, match="another study"):
        through(archive, secret, other, lambda peer: received(peer, tmp_path, hasty))

    assert not (tmp_path / "received").exists()


def test_a_study_of_two_patients_is_refused(archive, secret, tmp_path, hasty):
    def mix(path, content):
        return content.replace(b"P1", b"P2") if path.endswith("/1.2.3.4.4") else content

    with pytest.raises(ExchangeError, match="2 patients") as caught:
        through(archive, secret, mix, lambda peer: received(peer, tmp_path, hasty))

    assert "P1" not in str(caught.value)


def test_a_study_that_is_still_arriving_is_waited_for(archive, secret, tmp_path, hasty):
    def lack(path, content):
        if "/instances?" in path and "offset" not in path:
            return json.dumps(json.loads(content)[:6]).encode()
        return b"[]" if "/instances?" in path else content

    with pytest.raises(PeerBusyError, match="lists 6 instances of a series that has 10"):
        through(archive, secret, lack, lambda peer: received(peer, tmp_path, hasty))


def test_what_is_no_dicom_is_asked_for_again_and_then_said(archive, secret, tmp_path, hasty):
    def spoil(path, content):
        return content.replace(b"DICM", b"MCID") if "/instances/" in path else content

    with pytest.raises(PeerBusyError, match="no DICOM file"):
        through(archive, secret, spoil, lambda peer: received(peer, tmp_path, hasty))


def test_a_full_disk_ends_it_and_the_rest_comes_later(web, tmp_path, hasty, monkeypatch):
    import delineate.exchange.receiving as receiving

    true_whole, count = receiving.whole, []

    def full_at_the_fifth(path):
        count.append(path)
        if len(count) == 5:
            raise FileError(f"{path} could not be written (No space left on device).")
        return true_whole(path)

    monkeypatch.setattr(receiving, "whole", full_at_the_fifth)
    with pytest.raises(FileError, match="No space left"):
        received(web, tmp_path, hasty)
    monkeypatch.undo()

    (folder,) = received(web, tmp_path, hasty)

    assert len(list(folder.iterdir())) == 10
