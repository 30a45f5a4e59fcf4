from base64 import b64decode

import pytest

from archives import secret_file
from delineate.core.errors import ExchangeError
from delineate.exchange.address import parse_address
from delineate.exchange.credentials import Credentials, read_credentials

HERE = parse_address("http://127.0.0.1:8042/dicom-web", option="--from")
THERE = parse_address("https://pacs.example/dicom-web", option="--to")
NODE = parse_address("dicom://PACS@pacs.example:104", option="--to")


def told(credentials):
    kind, _, rest = credentials.header.partition(" ")
    return b64decode(rest).decode() if kind == "Basic" else rest


def test_user_and_password_of_one_archive(tmp_path):
    path = secret_file(tmp_path / "secret", {"user": "anna", "password": "gehéim"})

    found = read_credentials(path, [HERE, NODE])

    assert told(found["127.0.0.1:8042"]) == "anna:gehéim"
    assert "gehéim" not in repr(found)
    assert found["127.0.0.1:8042"].header not in repr(found)


def test_each_archive_gets_its_own(tmp_path):
    each = {"127.0.0.1:8042": {"token": "t0k3n"}, "pacs.example": {"user": "b", "password": "c"}}

    found = read_credentials(secret_file(tmp_path / "secret", each), [HERE, THERE])

    assert found["127.0.0.1:8042"].header == "Bearer t0k3n"
    assert told(found["pacs.example:443"]) == "b:c"


def test_one_password_is_not_told_to_two_archives(tmp_path):
    with pytest.raises(ExchangeError, match="whose each is"):
        read_credentials(secret_file(tmp_path / "secret"), [HERE, THERE])


def test_netrc_is_read(tmp_path):
    path = secret_file(tmp_path / "netrc", "machine 127.0.0.1 login anna password geheim\n")

    found = read_credentials(path, [HERE, THERE])

    assert told(found["127.0.0.1:8042"]) == "anna:geheim"
    assert found["pacs.example:443"].header == ""


def test_no_file_means_no_credentials():
    assert read_credentials(None, [HERE]) == {"127.0.0.1:8042": Credentials()}


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602])
def test_a_file_that_everybody_may_read_is_refused_with_the_mend(tmp_path, mode):
    path = secret_file(tmp_path / "secret", mode=mode)

    with pytest.raises(ExchangeError, match="chmod 600"):
        read_credentials(path, [HERE])


@pytest.mark.parametrize(
    "content",
    ["", "{", "geheim", '{"user": "geheim"}', '{"password": 5, "user": "geheim"}', '{"a": 1}',
     '{"127.0.0.1": "geheim"}', "machine other login a password geheim\n", '{"token": "a\\nb"}',
     "machine 127.0.0.1 geheim"],
)  # fmt: skip
def test_a_damaged_file_is_named_and_never_quoted(tmp_path, content):
    path = secret_file(tmp_path / "secret", content)

    with pytest.raises(ExchangeError, match="secret") as caught:
        read_credentials(path, [HERE])

    assert "geheim" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_absent_file_and_bytes_are_said(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "bytes").chmod(0o600)

    for name, word in (("absent", "cannot be read"), ("bytes", "no text")):
        with pytest.raises(ExchangeError, match=word):
            read_credentials(tmp_path / name, [HERE])
