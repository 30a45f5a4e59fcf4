from email import message_from_bytes
from email.policy import HTTP

import pytest

from delineate.core.errors import ExchangeError
from delineate.exchange.multipart import pack, unpack

CONTENT = b"\r\n--not the mark\r\n\x00\xff--" * 50


def test_a_packed_file_comes_out_again():
    assert unpack(*pack(CONTENT)) == CONTENT


def test_the_library_of_mail_reads_what_was_packed():
    kind, body = pack(b"twelve bytes")

    message = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body, policy=HTTP)

    (part,) = message.iter_parts()
    assert part.get_content_type() == "application/dicom"
    assert part.get_payload(decode=True) == b"twelve bytes"


def test_a_preamble_a_quoted_mark_and_a_bare_file_are_read():
    body = b"hello\r\n--a b\r\nContent-Type: application/dicom\r\nX: y\r\n\r\nfile\r\n--a b--\r\n"

    assert unpack('multipart/related; boundary="a b"', body) == b"file"
    assert unpack("application/dicom", b"file") == b"file"


@pytest.mark.parametrize(
    ("kind", "body", "word"),
    [
        ("text/html", b"<html>", "no DICOM"),
        ("", b"", "no DICOM"),
        ("multipart/related", b"--a\r\n\r\nx\r\n--a--", "no DICOM"),
        ("multipart/related; boundary=a", b"--a\r\n\r\nx", "cut short"),
        ("multipart/related; boundary=a", b"", "cut short"),
        ("multipart/related; boundary=a", b"--a--", "0 parts"),
        ("multipart/related; boundary=a", b"--a\r\n\r\nx\r\n--a\r\n\r\ny\r\n--a--", "2 parts"),
    ],
)
def test_what_holds_no_single_file_is_refused(kind, body, word):
    with pytest.raises(ExchangeError, match=word):
        unpack(kind, body)
