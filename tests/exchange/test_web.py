import socket
import ssl
import subprocess
import threading
import time
from contextlib import suppress

import pytest

from archives import free_port, reply, scripted_server
from delineate.core.errors import ExchangeError
from delineate.exchange.address import parse_address
from delineate.exchange.credentials import Credentials
from delineate.exchange.persistence import DeniedError, PeerBusyError
from delineate.exchange.web import Web


def ask(url, *, patience_s=5.0, header="", method="GET"):
    web = Web(
        parse_address(url, option="--from"), Credentials(header=header), patience_s=patience_s
    )
    try:
        return web.ask(method, "/x", accept="*/*", body=b"abc" if method == "POST" else b"")
    finally:
        web.close()


def test_an_answer_comes_with_status_kind_and_body():
    with scripted_server(
        lambda handler, body: reply(handler, 404, b"none", "text/plain")
    ) as server:
        answer = ask(server.url)

    assert (answer.status, answer.kind, answer.body) == (404, "text/plain", b"none")
    assert server.asked == [("GET", "/dicom-web/x")]


def test_credentials_are_told_and_refusals_said_without_them():
    seen = []

    def answer(handler, body):
        seen.append(handler.headers["Authorization"])
        reply(handler, 401)

    with scripted_server(answer) as server, pytest.raises(DeniedError) as caught:
        ask(server.url, header="Bearer geheim")

    assert seen == ["Bearer geheim"]
    assert "--credentials" in str(caught.value)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("status", [429, 500, 503, 507])
def test_a_server_in_trouble_may_be_better_later(status):
    with (
        scripted_server(lambda handler, body: reply(handler, status)) as server,
        pytest.raises(PeerBusyError, match=str(status)),
    ):
        ask(server.url)


def test_a_redirection_is_not_followed():
    with (
        scripted_server(lambda handler, body: reply(handler, 302)) as server,
        pytest.raises(ExchangeError, match="elsewhere"),
    ):
        ask(server.url, header="Bearer geheim")


def test_a_server_that_is_down_is_said():
    with pytest.raises(PeerBusyError, match="cannot be reached"):
        ask(f"http://127.0.0.1:{free_port()}/dicom-web")


def test_a_silent_server_is_left_in_time():
    start = time.monotonic()

    with scripted_server(lambda handler, body: time.sleep(3)) as server:
        with pytest.raises(PeerBusyError, match="in time"):
            ask(server.url, patience_s=0.3)

        assert time.monotonic() - start < 2.5


def test_a_dripping_server_is_left_in_time():
    def drip(handler, body):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        for _ in range(200):
            handler.wfile.write(b"x")
            time.sleep(0.02)

    with scripted_server(drip) as server, pytest.raises(PeerBusyError, match="in time"):
        ask(server.url, patience_s=0.05)


def test_an_answer_that_breaks_off_is_no_answer():
    def cut(handler, body):
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True

    with scripted_server(cut) as server, pytest.raises(PeerBusyError, match="broke off"):
        ask(server.url)


def test_too_large_an_answer_is_refused(monkeypatch):
    monkeypatch.setattr("delineate.exchange.web.MAX_BYTES", 10)

    with (
        scripted_server(lambda handler, body: reply(handler, 200, b"x" * 11)) as server,
        pytest.raises(ExchangeError, match="more than"),
    ):
        ask(server.url)


def test_another_protocol_on_the_port_is_said():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet():
            line, _ = listener.accept()
            with line:
                line.recv(1000)
                line.sendall(b"SSH-2.0-hello\r\n\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(ExchangeError, match="HTTP"):
            ask(f"http://127.0.0.1:{listener.getsockname()[1]}/dicom-web")
        thread.join()


def test_a_line_that_was_cut_meanwhile_is_opened_anew_for_a_question():
    def answer_and_leave(handler, body):
        reply(handler, 200, b"1")
        handler.close_connection = True

    with scripted_server(answer_and_leave) as server:
        web = Web(parse_address(server.url, option="--from"), Credentials(), patience_s=5)
        answers = [web.ask("GET", "/x", accept="*/*").body for _ in range(3)]
        web.close()

    assert answers == [b"1"] * 3
    assert len(server.asked) == 3


def test_a_certificate_of_nobody_is_not_trusted(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    try:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
             "/CN=localhost", "-keyout", key, "-out", certificate],
            check=True, capture_output=True,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("openssl is absent.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse():
            line, _ = listener.accept()
            with line, suppress(ssl.SSLError):
                context.wrap_socket(line, server_side=True).close()

        thread = threading.Thread(target=refuse)
        thread.start()
        with pytest.raises(ExchangeError, match="not trusted"):
            ask(f"https://localhost:{listener.getsockname()[1]}/dicom-web")
        thread.join()
