"""What a learner's laptop and the board say to each other: canonical JSON, signed, and never long."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

LIMIT = 2048
"""Bytes of a message. All findings at once are a quarter of it."""

SIGNATURE = "Kata-Signature"
"""The header that carries a message's signature: HMAC with SHA-256, in hexadecimal digits."""

_ROUNDS = 100_000
"""Rounds that stretch a join code into a key: tens of milliseconds once, and centuries for who tries all codes."""


class BadMessage(ValueError):
    """Not a message of the course; the message says why."""


def canonical(message: Mapping[str, Any]) -> bytes:
    """The one way in which this message is written."""
    return json.dumps(message, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def is_canonical(body: bytes) -> bool:
    """Whether JSON is written in the one way: no key twice, no blank, no other spelling of the same."""
    try:
        return canonical(json.loads(body)) == body
    except (ValueError, RecursionError):
        return False


def sign(key: bytes, body: bytes) -> str:
    """The signature of a message."""
    return hmac.new(key, body, hashlib.sha256).hexdigest()


def is_signed(key: bytes, body: bytes, signature: str) -> bool:
    """Whether the signature is that of the message; as quick for a nearly right one as for a wrong one."""
    return hmac.compare_digest(sign(key, body).encode(), signature.encode())


def key_of_code(code: str, board: str) -> bytes:
    """The key that both sides make from the join code, so that the code itself is never sent.

    Args:
        board: The board's id, so that the same code is another key on another board.
    """
    return hashlib.pbkdf2_hmac("sha256", code.encode(), bytes.fromhex(board), _ROUNDS)


def key_of_learner(key: bytes, learner: str, nonces: tuple[str, str]) -> bytes:
    """The key with which one learner signs, which is never sent either.

    Args:
        key: That of the join code.
        learner: The learner's id.
        nonces: The random numbers of both sides, the learner's first.
    """
    return hmac.digest(key, canonical({"kind": "key", "learner": learner, "nonces": list(nonces)}), "sha256")
