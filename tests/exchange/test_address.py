import pytest

from delineate.core.errors import ExchangeError
from delineate.exchange.address import parse_address


def test_a_web_address_has_host_port_and_root():
    address = parse_address("https://pacs.example/dicom-web/", option="--from")

    assert (address.host, address.port, address.path) == ("pacs.example", 443, "/dicom-web")
    assert address.is_web
    assert not address.is_here
    assert str(address) == "https://pacs.example:443/dicom-web"


def test_a_node_has_its_title_and_ours():
    address = parse_address("dicom://US:ORTHANC@127.0.0.1:4242", option="--to")

    assert (address.title, address.ours, address.port) == ("ORTHANC", "US", 4242)
    assert address.is_here
    assert str(address) == "ORTHANC at 127.0.0.1:4242"


def test_a_node_without_port_and_our_title_gets_the_usual_ones():
    address = parse_address("dicom://PACS@host", option="--to")

    assert (address.ours, address.port) == ("DELINEATE", 104)


@pytest.mark.parametrize(
    "text",
    ["", "pacs", "ftp://pacs/", "http://", "http://a:port/", "http://a:99999/", "http://[1/",
     "dicom://host:104", "dicom://A_TITLE_THAT_IS_TOO_LONG@host", "http://a/?x=1", "dicom://a b@h"],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_the_option(text):
    with pytest.raises(ExchangeError, match="--to"):
        parse_address(text, option="--to")


def test_a_password_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(ExchangeError, match="--credentials") as caught:
        parse_address("http://anna:geheim@pacs/dicom-web", option="--to")

    assert "geheim" not in str(caught.value)
