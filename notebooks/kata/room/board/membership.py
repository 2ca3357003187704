"""A learner on the board: how one joins and leaves, and what the workspace keeps of it.

It is kept in the workspace's hidden folder. Where there is no such file, nothing is ever sent.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from kata.room.board import call
from kata.room.board.invitation import Invitation
from kata.room.board.message import key_of_code, key_of_learner
from kata.room.board.name import BadName, name_of
from kata.workspace.files import HIDDEN, write
from kata.workspace.progress import MEMBERSHIP

_ASKING = f"{HIDDEN}/board-asking.json"


class NotJoined(Exception):
    """The workspace is on no board; the message says how it gets there."""


class Joined(Exception):
    """The workspace is on a board already; the message says how it gets off."""


class NameTaken(Exception):
    """Somebody else in the room has that name.

    Args:
        free: One like it that nobody has.
    """

    def __init__(self, why: str, free: str) -> None:
        self.free = free
        super().__init__(why)


@dataclass(frozen=True)
class Membership:
    """A place on a board.

    Attributes:
        url: The board's address.
        board: The board's id.
        learner: The learner's id, which the board has given.
        name: The name that the room sees.
        key: What messages are signed with, in hexadecimal digits.
        state: `on` the board; `leaving` if the board could not be told yet; `gone` if it does not know the learner.
    """

    url: str
    board: str
    learner: str
    name: str
    key: str
    state: str = "on"

    @property
    def secret(self) -> bytes:
        """The key as bytes."""
        return bytes.fromhex(self.key)

    def __str__(self) -> str:
        if self.state == "leaving":
            return f"the board at {self.url} may still show {self.name}: `kata leave` asks it once more to forget you"
        if self.state == "gone":
            return (
                f"the board at {self.url} does not know {self.name} any more: nothing is sent, `kata join` joins anew"
            )
        return f"you are on the board at {self.url} as {self.name}: `kata leave` takes you off"


def membership(folder: Path) -> Membership | None:
    """The place of a workspace on a board, or None.

    Args:
        folder: The workspace's folder.
    """
    try:
        told = json.loads((folder / MEMBERSHIP).read_text(encoding="utf-8"))
        found = Membership(**told)
        return found if all(isinstance(each, str) for each in told.values()) and found.secret else None
    except (OSError, ValueError, TypeError):
        return None  # none, or one that somebody has edited


def keep(folder: Path, place: Membership) -> None:
    """Write down a place on a board, readable for its owner only."""
    _write_secret(folder, MEMBERSHIP, asdict(place))


def terms(invitation: Invitation, name: str) -> str:
    """What joining means, to be said before it."""
    lines = [
        f"the board at {invitation.url} gets, and shows to the room:",
        f"  the name {name}",
        "  of each finding that you have judged, or judge from now on: its id, the verdict in one word, and when",
        "nothing else is sent, and no code of yours; `kata leave` stops it and has the board forget you",
    ]
    if invitation.url.startswith("http://") and not invitation.url.startswith("http://127."):
        lines.append("(plain HTTP: who listens on this network could read it on its way)")
    return "\n".join(lines)


def may_join(folder: Path) -> None:
    """See whether the workspace is free to join.

    Raises:
        Joined: If it is on a board.
    """
    place = membership(folder)
    if place and place.state == "on":
        raise Joined(str(place))


def join(folder: Path, invitation: Invitation, name: str) -> Membership:
    """Put the workspace on a board. Asked again after an interruption, it is the same place.

    Args:
        folder: The workspace's folder; it is there.

    Raises:
        BadName: If that is no name for a board.
        NameTaken: If somebody else has it.
        Joined: If the workspace is on a board.
        Unreachable: If no board answers there.
        Refusal: If the board says no, because the code is wrong or for another reason.
        OSError: If the workspace cannot be written.
    """
    may_join(folder)
    name = name_of(name)
    board = call.ask(invitation.url, "/board").get("board")
    if not isinstance(board, str) or len(board) != 32 or not set(board) <= set("0123456789abcdef"):
        raise call.Unreachable(f"what answers at {invitation.url} is no board")
    key = key_of_code(invitation.code, board)
    asking = {"board": board, "kind": "join", "name": name, "nonce": _nonce(folder, board, name)}
    try:
        answer = call.ask(invitation.url, "/join", asking, key, signed=True)
    except call.Refusal as refusal:
        if "taken" in refusal.more:
            raise NameTaken(str(refusal), _free(refusal.more.get("free"))) from None
        if refusal.is_gone:
            _forget(folder, _ASKING)
        raise
    learner = key_of_learner(key, str(answer["learner"]), (asking["nonce"], str(answer["nonce"])))
    place = Membership(invitation.url, board, str(answer["learner"]), name, learner.hex())
    keep(folder, place)
    _forget(folder, _ASKING)
    return place


def leave(folder: Path) -> Membership:
    """Stop sending, at once and in any case; then have the board forget the learner.

    Raises:
        NotJoined: If the workspace is on no board.
        Unreachable: If the board could not be told. Nothing is sent any more all the same.
        Refusal: If the board says no. Nothing is sent any more all the same.
        OSError: If the workspace cannot be written.
    """
    place = membership(folder)
    if place is None:
        _forget(folder, MEMBERSHIP)
        raise NotJoined("you are on no board: `kata join` with what stands on the whiteboard")
    if place.state == "on":
        place = replace(place, state="leaving")
        keep(folder, place)
    asking = {"board": place.board, "count": new_count(), "kind": "leave", "learner": place.learner}
    try:
        call.ask(place.url, "/leave", asking, place.secret)
    except call.Refusal as refusal:
        if (last := last_count(refusal)) is not None:
            call.ask(place.url, "/leave", {**asking, "count": new_count(last)}, place.secret)
        elif not refusal.is_gone:
            raise
    _forget(folder, MEMBERSHIP)
    return place


def new_count(after: int = 0) -> int:
    """A number that is greater than those before it, as long as clocks go forward, and than that one in any case."""
    return max(int(time.time() * 1000), after + 1)


def last_count(refusal: call.Refusal) -> int | None:
    """The count of the last message, if the board says that one was not newer."""
    count = refusal.more.get("count")
    return count if refusal.status == 409 and isinstance(count, int) and 0 <= count < 2**53 - 1 else None


def _nonce(folder: Path, board: str, name: str) -> str:
    """The random number of this request, kept until it is answered: an answer that got lost is asked for again."""
    asking = {"board": board, "name": name}
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        told = json.loads((folder / _ASKING).read_text(encoding="utf-8"))
        if {**told, **asking} == told and isinstance(told["nonce"], str):
            return str(told["nonce"])
    nonce = secrets.token_hex(16)
    _write_secret(folder, _ASKING, {**asking, "nonce": nonce})
    return nonce


def _free(told: object) -> str:
    """The name that the board proposes, or an empty one if that is none."""
    try:
        return name_of(str(told))
    except BadName:
        return ""


def _write_secret(folder: Path, path: str, content: object) -> None:
    (folder / HIDDEN).mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):  # `write` keeps the mode of what it replaces
        os.close(os.open(folder / path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    write(folder, path, json.dumps(content, indent=1).encode())


def _forget(folder: Path, path: str) -> None:
    (folder / path).unlink(missing_ok=True)
