"""Archives for tests: Orthanc as Debian ships it, a proxy before it, and servers of nonsense."""

import json
import shutil
import socket
import subprocess
import threading
import time
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
PROGRAM = shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
USER, PASSWORD = "radiology", "not-so-secret"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Orthanc:
    """A running archive."""

    port: int
    dicom_port: int
    log: Path

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/dicom-web"

    @property
    def node(self):
        return f"dicom://ORTHANC@127.0.0.1:{self.dicom_port}"

    def ask(self, path, body=None, method=None):
        line = HTTPConnection("127.0.0.1", self.port, timeout=20)
        token = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        verb = method or ("POST" if body else "GET")
        line.request(verb, path, body, {"Authorization": f"Basic {token}"})
        answer = line.getresponse()
        content = answer.read()
        line.close()
        return json.loads(content) if content else None

    def count(self):
        return self.ask("/statistics")["CountInstances"]

    def put(self, folder):
        for path in sorted(folder.glob("*.dcm")):
            self.ask("/instances", path.read_bytes())

    def clear(self):
        for entry in self.ask("/patients"):
            self.ask(f"/patients/{entry}", method="DELETE")

    def modalities(self):
        rows = [self.ask(f"/series/{entry}") for entry in self.ask("/series")]
        return sorted((row["MainDicomTags"]["Modality"], len(row["Instances"])) for row in rows)


@contextmanager
def running_orthanc(folder, **changes):
    """Start Orthanc with its DICOMweb plugin, with a password; stop it in the end.

    Version 1.10 listens on all interfaces whatever is configured; it refuses whoever is not local
    on HTTP, and nobody but the test's own titles on DICOM.
    """
    if PROGRAM is None or not PLUGIN.is_file():
        pytest.skip("Orthanc is absent: apt-get install orthanc orthanc-dicomweb.")
    archive = Orthanc(free_port(), free_port(), folder / "orthanc.log")
    config = {
        "Name": "test", "StorageDirectory": str(folder / "store"),
        "IndexDirectory": str(folder / "store"), "HttpPort": archive.port,
        "DicomPort": archive.dicom_port, "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True, "RegisteredUsers": {USER: PASSWORD},
        "DicomAet": "ORTHANC", "DicomCheckCalledAet": True, "Plugins": [str(PLUGIN)], **changes,
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(config))
    with archive.log.open("wb") as log:
        process = subprocess.Popen([PROGRAM, folder / "orthanc.json"], stdout=log, stderr=log)
    try:
        _wait_for(archive, process)
        yield archive
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(archive, process):
    for _ in range(300):
        assert process.poll() is None, archive.log.read_text()
        try:
            archive.ask("/system")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(archive.log.read_text())


@dataclass
class Scripted:
    """An HTTP server that answers as it is told, and remembers what it was asked."""

    port: int
    asked: list = field(default_factory=list)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/dicom-web"


@contextmanager
def scripted_server(answer):
    """Serve `answer(handler, body)`, which writes its own response."""
    told = Scripted(0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            told.asked.append((self.command, self.path))
            answer(self, body)

        do_GET = do_POST = handle_any

        def log_message(self, *args):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, address):
            pass  # whoever was killed does not read on

    with Server(("127.0.0.1", 0), Handler) as server:
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()


def reply(handler, status=200, body=b"", kind="application/dicom+json"):
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def forward(handler, body, port):
    """Ask the archive behind; returns its status, body and content type."""
    line = HTTPConnection("127.0.0.1", port, timeout=20)
    wanted = {
        name: handler.headers[name]
        for name in ("Authorization", "Accept", "Content-Type")
        if handler.headers[name]
    }
    line.request(handler.command, handler.path, body or None, wanted)
    answer = line.getresponse()
    content = answer.read()
    line.close()
    return answer.status, content, answer.getheader("Content-Type", "")


def secret_file(path, content=None, mode=0o600):
    """Write a file of credentials."""
    told = {"user": USER, "password": PASSWORD} if content is None else content
    path.write_text(told if isinstance(told, str) else json.dumps(told))
    path.chmod(mode)
    return path
