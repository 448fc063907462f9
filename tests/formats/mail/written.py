"""Messages for tests, put together as octets: what a library would refuse to write is what tests need."""

from __future__ import annotations

from collections.abc import Sequence

CRLF = b"\r\n"


def message(*headers: str, body: bytes | str = b"", ends: bytes = CRLF) -> bytes:
    """Return a message of these header lines and this body."""
    lines = [line.encode("utf-8", "surrogateescape") for line in headers]
    return ends.join([*lines, b"", body if isinstance(body, bytes) else body.encode()])


def multipart(kind: str, parts: Sequence[bytes], *headers: str, boundary: str = "==b") -> bytes:
    """Return a multipart of parts that are messages themselves."""
    marks = b"".join(b"--" + boundary.encode() + CRLF + part + CRLF for part in parts)
    top = f'Content-Type: multipart/{kind}; boundary="{boundary}"'
    return message(*headers, top, body=marks + b"--" + boundary.encode() + b"--" + CRLF)


def text(words: str, kind: str = "text/plain", charset: str = "utf-8") -> bytes:
    """Return a part of text."""
    return message(f"Content-Type: {kind}; charset={charset}", body=words.encode(charset))


def report(*groups: str, returned: bytes = b"", said: str = "It failed.", headers: Sequence[str] = ()) -> bytes:
    """Return a delivery report (RFC 3464)."""
    status = message("Content-Type: message/delivery-status", body="\r\n\r\n".join(groups) + "\r\n")
    parts = [text(said), status]
    if returned:
        parts.append(message("Content-Type: text/rfc822-headers", body=returned))
    top = ("From: MAILER-DAEMON@mx.example", "Auto-Submitted: auto-replied", "Subject: Undelivered Mail", *headers)
    return multipart("report; report-type=delivery-status", parts, *top)
