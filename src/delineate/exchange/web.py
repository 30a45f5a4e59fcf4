"""One conversation over HTTP: bounded in time and size, its failures said in one sentence."""

import http.client
import ssl
import time
from dataclasses import dataclass, field

from delineate.core.errors import ExchangeError
from delineate.exchange.address import Address
from delineate.exchange.credentials import Credentials
from delineate.exchange.persistence import DeniedError, PeerBusyError
from delineate.exchange.tls import make_context

MAX_BYTES = 2**31
"""Bytes of an answer that are taken in; a large multi-frame file has half of it."""
CHUNK = 2**20
ASKED = " If it wants to know who asks, name certificate and key in the credentials file."
"""What may help where an encrypted line broke: the refusal of a stranger often comes as that."""
OVERDUE = 20
"""Times the patience within which an answer must have come whole, however it drips."""
BUSY = (408, 425, 429, 500, 502, 503, 504, 507)
"""Statuses of a server that may be better in a moment."""


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    """HTTP status."""
    kind: str
    """Content type."""
    body: bytes = field(repr=False)
    """Content."""


class Web:
    """A server that is asked one thing after the other, over one connection while it lasts."""

    def __init__(self, address: Address, credentials: Credentials, *, patience_s: float) -> None:
        """Name the server; it is called when it is first asked.

        Args:
            address: The server.
            credentials: What it is told.
            patience_s: Seconds of silence that are borne.
        """
        self.address = address
        self._authorization = credentials.header
        self._trust = make_context(credentials) if address.scheme == "https" else None
        is_unknown = self._trust is not None and credentials.certificate is None
        self._hint = ASKED if is_unknown else ""
        self._patience_s = patience_s
        self._line: http.client.HTTPConnection | None = None
        self._is_broken = False

    def ask(
        self, method: str, path: str, *, accept: str, kind: str = "", body: bytes = b""
    ) -> Answer:
        """Send a request and take the whole answer.

        Args:
            method: "GET" or "POST".
            path: Below the root of the services, with a slash first.
            accept: Content type that is wanted.
            kind: Content type of the body.
            body: What is sent.

        Returns:
            The answer, whatever its status, but those that are raised.

        Raises:
            PeerBusyError: If the server is down, slow, cut off or says that it is busy.
            ExchangeError: If it is no such service, or one of us does not trust the other.
        """
        try:
            answer = self._exchange(method, path, accept, kind, body)
        except ssl.SSLCertVerificationError as error:
            raise ExchangeError(
                f"{self.address} shows a certificate that is not trusted "
                f"({error.verify_message}). Install your hospital's root certificate, or name it "
                "in the credentials file."
            ) from None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise PeerBusyError(
                f"{self.address} broke off the encrypted line. Try later.{self._hint}"
            ) from None
        except ssl.SSLError as error:
            raise ExchangeError(
                f"{self.address} does not agree to an encrypted line ({error.reason}).{self._hint}"
            ) from None
        except TimeoutError:
            raise PeerBusyError(
                f"{self.address} did not answer in time. Try later, or pass a larger --patience."
            ) from None
        except (http.client.IncompleteRead, http.client.RemoteDisconnected):
            raise PeerBusyError(
                f"{self.address} broke off while answering. Try later.{self._hint}"
            ) from None
        except http.client.HTTPException:
            raise ExchangeError(f"{self.address} does not speak HTTP. Check the port.") from None
        except OSError as error:
            raise PeerBusyError(
                f"{self.address} cannot be reached ({error.strerror or type(error).__name__}). "
                f"Check the address, and that the archive is running.{self._hint}"
            ) from None
        finally:
            self._hang_up_if_broken()
        self._judge(answer)
        return answer

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _exchange(self, method: str, path: str, accept: str, kind: str, body: bytes) -> Answer:
        if method == "POST":
            self.close()  # an old line may be cut, and what is sent is never blindly repeated
        is_kept = self._line is not None
        self._is_broken = True
        headers = {"Accept": accept, "User-Agent": "delineate"}
        headers |= {"Authorization": self._authorization} if self._authorization else {}
        headers |= {"Content-Type": kind} if kind else {}
        try:
            response = self._send(method, path, headers, body)
        except (ConnectionError, http.client.RemoteDisconnected):
            if not is_kept:
                raise
            self.close()  # a line kept open may have been cut since: nothing was answered yet
            response = self._send(method, path, headers, body)
        content = self._read(response)
        self._is_broken = response.will_close
        return Answer(response.status, response.getheader("Content-Type", ""), content)

    def _send(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> http.client.HTTPResponse:
        if self._line is None:
            place, patience_s = (self.address.host, self.address.port), self._patience_s
            if self._trust is not None:
                self._line = http.client.HTTPSConnection(
                    *place, timeout=patience_s, context=self._trust
                )
            else:
                self._line = http.client.HTTPConnection(*place, timeout=patience_s)
        self._line.request(method, self.address.path + path, body or None, headers)
        return self._line.getresponse()

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        end = time.monotonic() + OVERDUE * self._patience_s
        chunks, size = [], 0
        while chunk := response.read1(CHUNK):
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_BYTES:
                raise ExchangeError(
                    f"{self.address} sent more than {MAX_BYTES // 2**30} GB at once."
                )
            if time.monotonic() > end:
                raise TimeoutError
        if response.length:  # `read1` does not say that some is missing
            raise http.client.IncompleteRead(b"", response.length)
        response.close()  # so that the line can be asked again
        return b"".join(chunks)

    def _hang_up_if_broken(self) -> None:
        if self._is_broken:
            self.close()

    def _judge(self, answer: Answer) -> None:
        if answer.status in (401, 403):
            told = "these credentials" if self._authorization else "requests without credentials"
            raise DeniedError(
                f"{self.address} refuses {told} (HTTP {answer.status}). "
                "Check the file that --credentials names, and its rights in the archive."
            )
        if answer.status in BUSY:
            full = "is full" if answer.status == 507 else "is in trouble"
            raise PeerBusyError(
                f"{self.address} {full} (HTTP {answer.status}). Try later, or ask its operator."
            )
        if 300 <= answer.status < 400:
            raise ExchangeError(
                f"{self.address} points elsewhere (HTTP {answer.status}). Write the final address."
            )
