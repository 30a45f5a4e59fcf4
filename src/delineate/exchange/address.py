"""Where a peer is: a DICOMweb address, or an AE title on a host and port."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from delineate.core.errors import ExchangeError

FORMS = "https://host/dicom-web or dicom://AETITLE@host:port"
"""How addresses are written, for messages."""
OURS = "DELINEATE"
"""Our own AE title where the user names none."""
PORTS = {"http": 80, "https": 443, "dicom": 104}
TITLE = re.compile(r"[\x21-\x5b\x5d-\x7e]{1,16}")
"""An AE title: up to 16 characters without backslash; we ask for one without spaces."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """A peer's place."""

    scheme: str
    """One of "http", "https" and "dicom"."""
    host: str
    """Name or number of the machine."""
    port: int
    """Its port."""
    path: str = ""
    """Root of the DICOMweb services, without a slash at its end."""
    title: str = ""
    """The peer's AE title."""
    ours: str = OURS
    """Our own AE title."""

    @property
    def is_web(self) -> bool:
        """True for DICOMweb."""
        return self.scheme != "dicom"

    @property
    def place(self) -> str:
        """Host and port, which tell passwords apart."""
        return f"{self.host}:{self.port}"

    @property
    def is_here(self) -> bool:
        """True if nothing that is said leaves this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        """What to call it in messages."""
        if self.is_web:
            return f"{self.scheme}://{self.place}{self.path}"
        return f"{self.title} at {self.place}"


def parse_address(text: str, *, option: str) -> Address:
    """Read an address that a user wrote.

    Args:
        text: The address.
        option: Name of the option, for messages.

    Returns:
        Where the peer is.

    Raises:
        ExchangeError: If it is no address, or holds a password.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in PORTS or not parts.hostname:
        raise ExchangeError(f"{option} is no address of an archive. Write {FORMS}.")
    port = PORTS[parts.scheme] if port is None else port
    if parts.scheme == "dicom":
        return _node(parts.netloc.rpartition("@")[0], parts.hostname, port, option)
    if "@" in parts.netloc:
        raise ExchangeError(
            f"{option} holds a user or a password, which others on this machine can see. "
            "Write them into a file and pass --credentials FILE."
        )
    if parts.query or parts.fragment:
        raise ExchangeError(f"{option} has a ? or a # in it. Write the root of the services alone.")
    return Address(scheme=parts.scheme, host=parts.hostname, port=port, path=parts.path.rstrip("/"))


def _node(titles: str, host: str, port: int, option: str) -> Address:
    ours, _, theirs = titles.rpartition(":")
    if not TITLE.fullmatch(theirs) or not TITLE.fullmatch(ours or OURS):
        raise ExchangeError(
            f"{option} names no AE title of 1 to 16 characters. Write dicom://AETITLE@host:port."
        )
    return Address(scheme="dicom", host=host, port=port, title=theirs, ours=ours or OURS)
