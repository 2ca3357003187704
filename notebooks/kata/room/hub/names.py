"""What a learner may be called, and the system user that goes with it."""

from __future__ import annotations

import re
import unicodedata

TEACHER = "teacher"
"""The name by which the teacher comes in; its password is made with the room, so nobody else can take it."""

RESERVED = frozenset({"class"})
"""What `kata hub password` calls something else."""

PREFIX = "kata-"
"""How the names of the learners' system users begin."""

LONGEST = 20
"""Letters of a name, so that with a prefix it stays below the 32 that Linux allows a user."""

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_SIGN = re.compile(r"[\s._-]+")


class BadName(ValueError):
    """Nobody can be called this; the message says what to do."""


def name_of(text: str) -> str:
    """The name that somebody means who has written this: without capitals, accents and blanks.

    Raises:
        BadName: If that leaves no name.
    """
    plain = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    name = _SIGN.sub("-", plain.strip().lower())
    if not _NAME.fullmatch(name) or len(name) > LONGEST or name in RESERVED:
        raise BadName(
            f"a name is 1 to {LONGEST} letters from a to z, digits and hyphens, and begins with a letter, such as ada"
        )
    return name


def user_of(name: str, prefix: str = PREFIX) -> str:
    """The system user of a learner.

    Raises:
        BadName: If that is no name; what goes to the system has been looked at here, whoever asks.
    """
    if name_of(name) != name:
        raise BadName(f"{name!r} is no learner's name")
    return f"{prefix}{name}"
