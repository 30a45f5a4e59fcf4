"""A hospital's own certificates, made by openssl, on a server that wants to know who asks."""

import shutil
import ssl
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from archives import secret_file
from delineate.core.errors import ExchangeError
from delineate.exchange.address import parse_address
from delineate.exchange.credentials import Credentials, read_credentials
from delineate.exchange.tls import make_context
from delineate.exchange.web import Web

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """A root, and certificates for a server and a client that it signed."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is absent.")
    folder = tmp_path_factory.mktemp("papers")

    def make(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    make("req", "-x509", *EC, "-nodes", "-days", "1", "-subj", "/CN=Hospital", "-keyout", "ca.key",
         "-out", "ca.pem")  # fmt: skip
    for name, subject in (("server", "/CN=localhost"), ("client", "/CN=Delineate")):
        (folder / "names").write_text("subjectAltName=DNS:localhost")
        make("req", *EC, "-nodes", "-subj", subject, "-keyout", f"{name}.key", "-out", "asked")
        make("x509", "-req", "-in", "asked", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "1",
             "-CAcreateserial", "-extfile", "names", "-out", f"{name}.pem")  # fmt: skip
    make("ec", "-in", "client.key", "-aes256", "-passout", "pass:geheim", "-out", "locked.key")
    for path in folder.glob("*.key"):
        path.chmod(0o600)
    return folder


@contextmanager
def hospital(papers):
    """An HTTPS server that answers only who shows a certificate of the hospital."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *words):
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers / "server.pem", papers / "server.key")
    context.load_verify_locations(papers / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield parse_address(f"https://localhost:{server.server_port}/dicom-web", option="--from")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(address, credentials):
    web = Web(address, credentials, patience_s=5)
    try:
        return web.ask("GET", "/studies", accept="*/*").body
    finally:
        web.close()


def test_own_root_and_certificate_open_the_door(papers):
    entry = {"ca": "ca.pem", "certificate": "client.pem", "key": "client.key"}
    file = secret_file(papers / "secret.json", entry)

    with hospital(papers) as address:
        found = read_credentials(file, [address])[address.place]

        assert ask(address, found) == b"hello"

    assert found.header == ""


def test_without_the_root_the_server_is_not_trusted(papers):
    with hospital(papers) as address, pytest.raises(ExchangeError, match="not trusted"):
        ask(address, Credentials())


def test_without_a_certificate_the_mend_is_said(papers):
    with (
        hospital(papers) as address,
        pytest.raises(ExchangeError, match="name certificate and key"),
    ):
        ask(address, Credentials(ca=papers / "ca.pem"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ca": "absent.pem"}, "no certificate that can be trusted"),
        ({"ca": "secret.txt"}, "no certificate that can be trusted"),
        ({"certificate": "absent.pem"}, "cannot be used"),
        ({"certificate": "client.pem", "key": "server.key"}, "cannot be used"),
        ({"certificate": "client.pem", "key": "locked.key"}, "without a password"),
    ],
)
def test_papers_that_cannot_be_used_are_named(papers, changes, reason):
    (papers / "secret.txt").write_text("no PEM")
    named = {name: papers / file for name, file in changes.items()}

    with pytest.raises(ExchangeError, match=reason):
        make_context(Credentials(**named))


def test_a_key_that_everybody_may_read_is_refused(papers):
    (papers / "open.key").write_bytes((papers / "client.key").read_bytes())
    (papers / "open.key").chmod(0o644)
    entry = {"user": "a", "password": "b", "certificate": "client.pem", "key": "open.key"}
    file = secret_file(papers / "other.json", entry)

    with pytest.raises(ExchangeError, match=r"open\.key may be read by everybody"):
        read_credentials(file, [parse_address("https://localhost/dicom-web", option="--to")])
