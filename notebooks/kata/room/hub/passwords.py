"""Passwords: made, chosen, and kept as hashes only."""

from __future__ import annotations

import hashlib
import hmac
import secrets

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""What made passwords consist of: nothing that could be taken for something else on a projector."""

LEAST_CLASS = 12
"""Characters of a class password that the teacher chooses."""

LEAST_OWN = 8
"""Characters of a learner's own password."""

MOST = 128
"""Characters of any password."""

_COST = {"n": 2**14, "r": 8, "p": 5}
"""What a hash costs, by scrypt: 16 MiB, a quarter of a second; one of the settings in OWASP's cheat sheet."""


class BadPassword(ValueError):
    """That cannot be a password; the message says what to do."""


def made(groups: int) -> str:
    """A new password of so many groups of four characters, 19.8 bits each, such as ``k7pm-3vxq-9tdh``."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(groups))


def chosen_for_class(text: str) -> str:
    """A class password that somebody has chosen.

    Raises:
        BadPassword: If it is too short or too long.
    """
    if not LEAST_CLASS <= len(folded(text)) <= MOST:
        raise BadPassword(f"a class password has {LEAST_CLASS} characters or more, blanks and hyphens not counted")
    return text


def chosen(text: str, *others: str) -> str:
    """A password that a learner has chosen.

    Args:
        text: What they wrote.
        others: What it must not be: the name, the class password.

    Raises:
        BadPassword: If it is too short, too long, or one of the others.
    """
    if not LEAST_OWN <= len(text) <= MOST:
        raise BadPassword(f"your own password has {LEAST_OWN} to {MOST} characters: choose a longer one")
    if any(folded(text) == folded(other) for other in others):
        raise BadPassword("your own password is neither your name nor the class password: choose another")
    return text


def hashed(password: str) -> str:
    """What is kept of a password."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{_digest(password, salt).hex()}"


def hashed_for_class(password: str) -> str:
    """What is kept of a class password, in which capitals, blanks and hyphens do not count."""
    return hashed(folded(password))


def fits(password: str, kept: str) -> bool:
    """Whether this is the password of which that was kept."""
    salt, _, digest = kept.partition(":")
    return hmac.compare_digest(_digest(password[: MOST + 1], bytes.fromhex(salt)), bytes.fromhex(digest))


def fits_class(password: str, kept: str) -> bool:
    """The same for a class password."""
    return fits(folded(password), kept)


def folded(text: str) -> str:
    """A class password without what does not count in it."""
    return "".join(text.split()).replace("-", "").casefold()


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "replace"), salt=salt, **_COST)
