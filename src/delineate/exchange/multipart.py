"""Bodies of several parts (multipart/related, RFC 2387), as DICOMweb carries DICOM in."""

from email.message import Message
from uuid import uuid4

from delineate.core.errors import ExchangeError


def pack(part: bytes) -> tuple[str, bytes]:
    """Wrap a DICOM file.

    Args:
        part: The file's content.

    Returns:
        Content type and body.
    """
    boundary = uuid4().hex
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode("ascii")
    kind = f'multipart/related; type="application/dicom"; boundary={boundary}'
    return kind, head + part + f"\r\n--{boundary}--\r\n".encode("ascii")


def unpack(kind: str, body: bytes) -> bytes:
    """Take the one DICOM file out of an answer.

    Args:
        kind: The answer's content type.
        body: The answer.

    Returns:
        The file's content.

    Raises:
        ExchangeError: If there is none, or several.
    """
    message = Message()
    message["Content-Type"] = kind
    if message.get_content_type() == "application/dicom":
        return body
    boundary = message.get_param("boundary")
    if not message.get_content_type().startswith("multipart/") or not isinstance(boundary, str):
        raise ExchangeError("no DICOM came")
    mark = b"\r\n--" + boundary.encode("latin-1", "replace")
    parts = []
    for piece in (b"\r\n" + body).split(mark)[1:]:
        if piece.startswith(b"--"):  # the closing mark
            break
        head, gap, content = piece.partition(b"\r\n\r\n")
        if gap and len(head) < 2**14:
            parts.append(content)
    else:
        raise ExchangeError("the answer is cut short")
    if len(parts) != 1:
        raise ExchangeError(f"{len(parts)} parts came instead of one")
    return parts[0]
