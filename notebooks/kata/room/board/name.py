"""What a learner may be called on the board: short, visible, and told apart from the others."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

MOST = 20
"""Characters of a name: what stands beside a row of findings, read from the last row of a room."""

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"  # Persian and Hindi are spelled with them, and so are families of emoji
_MARKS = 3
"""Accents that may follow one another; no language that is written needs more."""


class BadName(ValueError):
    """Not a name for the board; the message says what one is."""


def name_of(text: str) -> str:
    """The name as it is shown: composed characters, single blanks.

    Raises:
        BadName: If it is empty, too long, or would not be seen.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if any(unicodedata.category(each) in _INVISIBLE and each not in _JOINERS for each in name):
        raise BadName("a name has no control characters, nor others that cannot be seen: choose another")
    if len(name) > MOST:
        raise BadName(f"that name has {len(name)} characters: choose one of at most {MOST}")
    kinds = [unicodedata.category(each)[0] for each in name]
    if not any(kind in "LNPS" for kind in kinds):
        raise BadName("a name has at least one character that can be seen: choose another")
    if "M" * (_MARKS + 1) in "".join(kinds):
        raise BadName(f"a name has at most {_MARKS} accents on one letter: choose another")
    return name


def sameness(name: str) -> str:
    """What two names have in common that would be taken for each other: Ada, ADA and Ada with something unseen."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(each for each in folded if unicodedata.category(each) != "Cf")


def free(name: str, taken: Collection[str]) -> str:
    """The first of Ada, Ada 2, Ada 3 … that is not taken.

    Args:
        taken: The `sameness` of those that are.
    """
    number, candidate = 1, name
    while sameness(candidate) in taken:
        number += 1
        ending = f" {number}"
        candidate = name[: MOST - len(ending)].rstrip() + ending
    return candidate
