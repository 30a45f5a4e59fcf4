"""The round with a real archive: fetched, predicted, sent; refused, repeated, killed."""

import json
import logging
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread

from archives import forward, free_port, reply, scripted_server, secret_file
from delineate.core.errors import ExchangeError
from delineate.exchange.options import ExchangeOptions
from delineate.exchange.persistence import DeniedError, Persistence
from delineate.steps.predict import PredictSettings, predict

SOURCE = Path(__file__).parents[2] / "src"
STUDY, ALL = "1.2.3.1", "dicom-seg,rtstruct,sr"
SMALL = "dicom-seg-labelmap,sr"
BINARY, LABELMAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
JUDGE = {"Authorization": "Basic cmFkaW9sb2d5Om5vdC1zby1zZWNyZXQ="}


def round_of(archive, run, secret, out, **changes):
    values = {
        "fetch": archive.url, "study": STUDY, "to": archive.url, "credentials": secret,
        "model": str(run), "out": out, "format": ALL, "device": "cpu",
    }  # fmt: skip
    return PredictSettings(**{**values, **changes})


def sent_back(archive):
    """Classes of what lies in the archive beside the CT."""
    found = [
        archive.ask(f"/instances/{entry}/tags?simplify") for entry in archive.ask("/instances")
    ]
    return sorted(tags["SOPClassUID"] for tags in found if tags["Modality"] != "CT")


@pytest.mark.parametrize("way", ["url", "node"])
def test_a_study_comes_and_its_results_go_back_once(archive, run, secret, tmp_path, way):
    asked = round_of(archive, run, secret, tmp_path / "out", to=getattr(archive, way))

    first = predict(asked)
    second = predict(asked)
    (tmp_path / "out" / "exchange.json").unlink()
    third = predict(asked)

    assert (first.received, first.sent, first.failures) == (10, 3, {})
    assert (second.sent, second.sent_before) == (0, 3)
    assert third.sent == (3 if way == "node" else 0)  # C-STORE cannot ask what is there
    assert archive.modalities() == [("CT", 10), ("RTSTRUCT", 1), ("SEG", 1), ("SR", 1)]
    assert archive.count() == 13


def test_an_independent_client_finds_what_was_written(archive, run, secret, tmp_path):
    result = predict(round_of(archive, run, secret, tmp_path / "out"))

    (path,) = result.folder.glob("*.seg.dcm")
    written = dcmread(path)
    judge = DICOMwebClient(archive.url, headers=JUDGE)
    held = judge.retrieve_instance(STUDY, written.SeriesInstanceUID, written.SOPInstanceUID)
    assert held.PixelData == written.PixelData
    assert (held.PatientID, str(held.PatientName)) == ("P1", "Phantom^Anna")


def test_files_of_ones_own_go_to_a_node_that_takes_a_labelmap(open_orthanc, ct, run, tmp_path):
    open_orthanc.clear()

    result = predict(
        PredictSettings(
            inputs=(str(ct),), to=open_orthanc.node, model=str(run), out=tmp_path / "out",
            format=SMALL, device="cpu",
        )
    )  # fmt: skip

    assert (result.received, result.sent) == (0, 2)
    assert LABELMAP in sent_back(open_orthanc)


def test_a_node_without_labelmap_gets_a_binary_and_one_prediction(
    archive, run, secret, tmp_path, caplog
):
    asked = round_of(archive, run, secret, tmp_path / "out", to=archive.node, format=SMALL)

    result = predict(asked)

    assert (result.sent, result.failures) == (2, {})
    assert "takes no LABELMAP" in caplog.text
    assert BINARY in sent_back(archive)
    assert not list(result.folder.glob("*.labelmap.dcm"))
    assert predict(asked).sent == 0


def test_a_store_that_fails_for_its_class_is_followed_by_a_binary(archive, run, secret, tmp_path):
    def answer(handler, body):
        if handler.command == "POST" and LABELMAP.encode() in body:
            failed = {"00081197": {"vr": "US", "Value": [0x0122]}}
            content = {"00081198": {"vr": "SQ", "Value": [failed]}}
            return reply(handler, 409, json.dumps(content).encode())
        return reply(handler, *forward(handler, body, archive.port))

    with scripted_server(answer) as server:
        asked = round_of(
            archive, run, secret, tmp_path / "out", fetch=server.url, to=server.url, format=SMALL
        )
        result = predict(asked)
        again = predict(asked)

    assert (result.sent, again.sent, again.sent_before) == (2, 0, 2)
    assert BINARY in sent_back(archive)
    assert LABELMAP not in sent_back(archive)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"study": None}, "go together"),
        ({"fetch": None}, "go together"),
        ({"fetch": "dicom://A@127.0.0.1:104"}, "C-STORE cannot fetch"),
        ({"inputs": ("scans",)}, "not both"),
        ({"to": "pacs"}, "--to"),
        ({"format": "nifti"}, "Add dicom-seg"),
        ({"study": "Anna"}, "digits and dots"),
    ],
)
def test_options_that_contradict_each_other_are_said(tmp_path, changes, word):
    url = f"http://127.0.0.1:{free_port()}/dicom-web"
    values = {"fetch": url, "study": STUDY, "to": url, "model": "hippocampus", **changes}

    with pytest.raises(ExchangeError, match=word):
        predict(PredictSettings(out=tmp_path / "out", **values))

    assert not (tmp_path / "out").exists()


def test_wrong_credentials_are_said_at_once_and_never_shown(archive, run, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    wrong = secret_file(tmp_path / "wrong", {"user": "radiology", "password": "geheim"})

    with pytest.raises(DeniedError, match="--credentials") as caught:
        predict(round_of(archive, run, wrong, tmp_path / "out"))

    assert "geheim" not in caplog.text + str(caught.value)
    assert b"geheim" not in archive.log.read_bytes()


def test_a_password_in_clear_is_warned_of(secret, tmp_path, caplog, monkeypatch):
    from delineate.exchange import courier

    monkeypatch.setattr(courier, "receive_study", lambda *args: [])
    options = ExchangeOptions(
        fetch="http://pacs.example/dicom-web", study="1.2", credentials=secret
    )

    courier.relay(
        options, (), "auto", tmp_path, lambda inputs, formats: courier.Predicted(folder=tmp_path),
        persistence=Persistence(attempts=1),
    )  # fmt: skip

    assert "in clear" in caplog.text


class Killer:
    """Stands before the archive, and kills a process when it is told or asks for something."""

    def __init__(self, port):
        self.port, self.stage, self.process, self.passed = port, "", None, []

    def __call__(self, handler, body):
        kind = "wado" if "/instances/" in handler.path else handler.command
        if self.stage == kind and (kind != "wado" or self.count("wado") == 3):
            return self.kill()
        answer = forward(handler, body, self.port)
        self.passed.append(kind)
        if self.stage == "after" and kind == "POST":
            return self.kill()
        return reply(handler, *answer)

    def count(self, kind):
        return self.passed.count(kind)

    def kill(self):
        self.stage = ""
        self.process.kill()

    def watch(self, out):
        """Kill when the first result is being written."""
        while self.process.poll() is None and not list(out.glob("*.seg.dcm")):
            time.sleep(0.002)
        self.kill()


def test_killed_at_every_state_a_study_ends_once_with_its_results(
    archive, run, secret, tmp_path, loopback
):
    killer, out = Killer(archive.port), tmp_path / "out"
    codes = []
    with scripted_server(killer) as server:
        words = [
            sys.executable, "-m", "delineate", "predict", "--from", server.url, "--study", STUDY,
            "--to", server.url, "--credentials", secret, "--model", run, "--out", out,
            "--format", ALL, "--device", "cpu",
        ]  # fmt: skip
        for stage in ("wado", "writing", "POST", "after", ""):
            killer.stage = stage
            killer.process = subprocess.Popen(
                [str(word) for word in words], env={**loopback, "PYTHONPATH": str(SOURCE)},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            if stage == "writing":
                watch = threading.Thread(target=killer.watch, args=(out,))
                watch.start()
            said, _ = killer.process.communicate(timeout=120)
            codes.append(killer.process.returncode)
            assert "Anna" not in said
            assert STUDY not in said

    assert codes == [-signal.SIGKILL] * 4 + [0], said
    assert archive.modalities() == [("CT", 10), ("RTSTRUCT", 1), ("SEG", 1), ("SR", 1)]
    assert killer.count("wado") == 10  # none was fetched twice
    assert killer.count("POST") == 3  # none was sent twice
