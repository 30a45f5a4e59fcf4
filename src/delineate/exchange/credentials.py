"""Users, passwords and tokens, from a file that not everybody may read; they never show."""

import json
import netrc
import stat
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from delineate.core.errors import ExchangeError
from delineate.exchange.address import Address

FORMS = (
    '{"user": "...", "password": "..."} or {"token": "..."}, '
    'for several archives {"host:port": {...}, ...}, or netrc; "ca", "certificate" and "key" '
    "name PEM files"
)
KNOWN = frozenset(("user", "password", "token", "ca", "certificate", "key"))
"""Words of an entry."""
MAX_BYTES = 2**20


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a peer asks for; nothing of it is in its repr."""

    header: str = field(default="", repr=False)
    """Value of the Authorization header; empty for none."""
    ca: Path | None = None
    """Certificates that are trusted in place of the system's, PEM."""
    certificate: Path | None = None
    """Our own certificate, for archives that want one, PEM."""
    key: Path | None = None
    """Its key, PEM; None if it stands in the same file."""


def read_credentials(path: Path | None, peers: Sequence[Address]) -> dict[str, Credentials]:
    """Read what each peer is to be told.

    Args:
        path: The file; None for none.
        peers: The archives that take part; those of DICOM get none.

    Returns:
        Credentials by host and port.

    Raises:
        ExchangeError: If the file is readable by others, damaged, or knows none of the peers.
    """
    places = list(dict.fromkeys(peer.place for peer in peers if peer.is_web))
    if path is None:
        return dict.fromkeys(places, Credentials())
    text = _private_text(path)
    if text.lstrip().startswith("{"):
        found = _of_json(path, text, places)
    else:
        headers = {place: _of_netrc(path, place) for place in places}
        found = {place: Credentials(header=header) for place, header in headers.items() if header}
    if places and not found:
        raise ExchangeError(
            f"{path} holds no credentials for {' or '.join(places)}. Write them as {FORMS}."
        )
    return {place: found.get(place, Credentials()) for place in places}


def _private_text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & stat.S_IRWXO:
                raise ExchangeError(
                    f"{path} may be read by everybody on this machine (mode {mode:04o}). "
                    f"Run chmod 600 {path}, and change the password if others have been here."
                )
            return stream.read(MAX_BYTES).decode("utf-8")
    except OSError as error:
        raise ExchangeError(
            f"{path} cannot be read ({error.strerror}). Check --credentials."
        ) from error
    except UnicodeDecodeError:
        raise ExchangeError(f"{path} is no text. Write it as {FORMS}.") from None


def _of_json(path: Path, text: str, places: Sequence[str]) -> dict[str, Credentials]:
    try:
        content = json.loads(text)
    except ValueError:  # its message could quote the file
        raise ExchangeError(f"{path} is no JSON. Write it as {FORMS}.") from None
    if not KNOWN & set(content):
        return {
            place: _entered(path, _entry(content, place)) for place in places
            if _entry(content, place) is not None
        }  # fmt: skip
    if len(places) > 1:
        raise ExchangeError(
            f"{path} holds one password, and there are two archives: {' and '.join(places)}. "
            'Say whose each is: {"host:port": {"user": "...", "password": "..."}, ...}.'
        )
    return {place: _entered(path, content) for place in places}


def _entry(content: Mapping[str, Any], place: str) -> Any:  # noqa: ANN401 - as the file has it
    return content.get(place, content.get(place.rpartition(":")[0]))


def _entered(path: Path, entry: Any) -> Credentials:  # noqa: ANN401 - as the file has it
    names = ("ca", "certificate", "key")
    files = {name: entry.get(name) for name in names} if isinstance(entry, dict) else {}
    given = {name: path.parent / file for name, file in files.items() if isinstance(file, str)}
    if secret := given.get("key", given.get("certificate")):
        _private_text(secret)
    is_silent = bool(given) and not {"user", "password", "token"} & set(entry)
    return Credentials(header="" if is_silent else _header(path, entry), **given)


def _header(path: Path, entry: Any) -> str:  # noqa: ANN401 - as the file has it
    if isinstance(entry, dict):
        token, user, password = (entry.get(name) for name in ("token", "user", "password"))
        if isinstance(token, str) and token.isprintable():
            return f"Bearer {token}"
        if isinstance(user, str) and isinstance(password, str):
            return _basic(user, password)
    raise ExchangeError(f"{path} names neither user and password nor a token. Write {FORMS}.")


def _of_netrc(path: Path, place: str) -> str:
    try:
        found = netrc.netrc(str(path))
    except (netrc.NetrcParseError, OSError):  # its message could quote the file
        raise ExchangeError(f"{path} is neither JSON nor netrc. Write it as {FORMS}.") from None
    host = place.rpartition(":")[0]
    entry = found.authenticators(place) or found.authenticators(host)
    return _basic(entry[0], entry[2] or "") if entry else ""


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")
