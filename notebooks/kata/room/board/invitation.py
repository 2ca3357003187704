"""What stands on the whiteboard: where the board is, and the code to join it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

PORT = 8642
"""Where a board listens unless it is told otherwise."""

HERE = f"http://127.0.0.1:{PORT}"

VARIABLE = "KATA_BOARD"
"""Environment variable with the board's address, and perhaps its code, for machines that a teacher has set up."""

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another when it is read from afar
_HALF = 4
"""Characters of half a code: eight of 31 are 850 thousand million codes."""


class BadInvitation(ValueError):
    """Neither a code nor an address with one; the message says how one looks."""


def new_code() -> str:
    """A fresh join code, such as ``k7mq-3xfh``."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_HALF)) for _ in range(2))


def code_of(text: str) -> str:
    """A code as it was meant: capitals, blanks and a lost hyphen do not matter.

    Raises:
        BadInvitation: If it is none.
    """
    letters = "".join(text.casefold().replace("-", " ").split())
    if len(letters) != 2 * _HALF or not set(letters) <= set(_LETTERS):
        raise BadInvitation(f"{text!r} is no join code: one looks like k7mq-3xfh, and has no 0, 1, i, l or o")
    return f"{letters[:_HALF]}-{letters[_HALF:]}"


@dataclass(frozen=True)
class Invitation:
    """Where to join, and with which code.

    Attributes:
        url: The board's address, such as ``http://192.0.2.7:8642``.
    """

    url: str
    code: str

    @classmethod
    def parse(cls, text: str | None, preset: str | None = None) -> Invitation:
        """What a learner typed: a code, or an address with the code at its end.

        Args:
            text: What was typed, if anything was.
            preset: What the environment says, an address with or without a code.

        Raises:
            BadInvitation: If the one or the other cannot be understood, or there is no code.
        """
        url, code = _read(preset, VARIABLE) if preset else (HERE, "")
        if text and not set(text) & set(":/."):
            code = code_of(text)
        elif text:
            url, code = _read(text, "the address")
        if not code:
            raise BadInvitation("the join code is missing: type what stands on the whiteboard after `kata join`")
        return cls(url, code)


def _read(text: str, what: str) -> tuple[str, str]:
    """The address in a text, and the code at its end or an empty one."""
    how = f"{what} looks like 192.0.2.7:{PORT}/k7mq-3xfh, not {text!r}"
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port or PORT
    except ValueError:
        raise BadInvitation(how) from None
    path = parts.path.strip("/")
    if parts.scheme not in ("http", "https") or not host or "/" in path or parts.query or parts.fragment or "@" in text:
        raise BadInvitation(how)
    return url_of(parts.scheme, host, port), code_of(path) if path else ""


def url_of(scheme: str, host: str, port: int) -> str:
    """An address, with the brackets that an IPv6 one needs."""
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
