"""One call to a board, as a learner's laptop or the teacher's command makes it: short, and by the shortest way."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from kata.room.board.message import SIGNATURE, canonical, is_signed, sign

PATIENCE = 2.0
"""Seconds that the board may be silent: it is in the same room."""

_LONGEST = 4096
"""Bytes of an answer that are read."""


class Unreachable(Exception):
    """Nobody answers there, or nobody who is a board; the message says what was tried."""


class Refusal(Exception):
    """The board does not do what was asked.

    Args:
        status: That of HTTP.
        why: The board's words, safe to print.
        more: What else it said.
    """

    def __init__(self, status: int, why: str, more: Mapping[str, Any]) -> None:
        self.status, self.more = status, more
        super().__init__(why)

    @property
    def is_gone(self) -> bool:
        """Whether the board does not know who asks, or not any more."""
        return self.status == 404 and self.more.get("gone") is True


def ask(
    url: str,
    path: str,
    message: Mapping[str, Any] | None = None,
    key: bytes = b"",
    *,
    signed: bool = False,
    trusting: bool = False,
) -> Any:
    """What the board at an address answers.

    Args:
        url: The board's address.
        path: What to ask there.
        message: What to send, signed; nothing is sent if None.
        key: What to sign with.
        signed: Whether the answer has to be signed with the same key.
        trusting: Whether any certificate will do: on the way to this same machine.

    Raises:
        Unreachable: If there is no answer, or none of a board.
        Refusal: If the board says no.
    """
    body = None if message is None else canonical(message)
    headers = {} if body is None else {SIGNATURE: sign(key, body), "Content-Type": "application/json"}
    try:
        status, told, signature = _exchanged(url, path, body, headers, trusting)
        answer = json.loads(told)
    except ssl.SSLCertVerificationError:
        raise Unreachable(
            f"this machine does not trust the certificate of {url}: put a file with it into the variable SSL_CERT_FILE"
        ) from None
    except (OSError, HTTPException) as error:
        raise Unreachable(f"no board answers at {url} ({_plain(str(error)) or type(error).__name__})") from None
    except (ValueError, RecursionError):
        raise Unreachable(f"what answers at {url} is no board") from None
    if not isinstance(answer, dict):
        raise Unreachable(f"what answers at {url} is no board")
    if status != 200:
        raise Refusal(status, _plain(str(answer.get("error", status))), answer)
    if signed and not is_signed(key, told, signature):
        raise Unreachable(f"what answers at {url} is not that board: it does not know the code")
    return answer


def _exchanged(
    url: str, path: str, body: bytes | None, headers: Mapping[str, str], trusting: bool
) -> tuple[int, bytes, str]:
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port
    if parts.scheme == "https":
        context = ssl.create_default_context()
        if trusting:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection: HTTPConnection = HTTPSConnection(host, port, timeout=PATIENCE, context=context)
    else:
        connection = HTTPConnection(host, port, timeout=PATIENCE)
    try:
        connection.request("GET" if body is None else "POST", path, body, headers)
        response = connection.getresponse()
        return response.status, response.read(_LONGEST), response.headers.get(SIGNATURE, "")
    finally:
        connection.close()


def _plain(text: str) -> str:
    """Words of somebody else, as far as a terminal can show them."""
    return "".join(each for each in text if each.isprintable())[:200]
