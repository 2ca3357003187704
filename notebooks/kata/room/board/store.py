"""The board's file: who is on it, and how each one's findings stand. It is all there is: without it, no board."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from kata.room.board.invitation import new_code
from kata.room.board.message import key_of_code
from kata.room.board.name import free, sameness
from kata.verdict.model import Status

MOST = 200
"""Learners on one board."""

_VERSION = 1
_SCHEMA = f"""
create table board (id text not null, code text not null, token text not null, created integer not null,
    address text not null default '');
create table learner (
    id text primary key, name text not null, sameness text not null unique, nonce text not null unique,
    answer text not null, count integer not null default 0
);
create table verdict (
    learner text not null references learner(id) on delete cascade, finding text not null,
    status text not null, since integer not null, primary key (learner, finding)
);
create table spent (nonce text primary key);
pragma user_version = {_VERSION};
"""


class NotABoard(Exception):
    """The file is not a board's; the message says what to do."""


class Taken(Exception):
    """Somebody else has that name.

    Args:
        name: It, as they write it.
        free: One like it that is not taken.
    """

    def __init__(self, name: str, free: str) -> None:
        self.name, self.free = name, free
        super().__init__(f"{name} is on the board already: choose another name, such as {free}")


class Full(Exception):
    """Nobody else can join."""


class Gone(Exception):
    """The board does not know this learner, or not any more."""


class Old(Exception):
    """A message that is not newer than the last one: sent again, or by somebody else.

    Args:
        count: That of the last one.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(f"not newer than {count}")


@dataclass(frozen=True)
class Learner:
    """Who is on the board.

    Attributes:
        nonces: The random numbers that the learner's key is made from, the learner's first.
    """

    id: str
    name: str
    nonces: tuple[str, str]


@dataclass(frozen=True)
class Standing:
    """How a finding of a learner stands.

    Attributes:
        since: Milliseconds since 1970, by the board's clock, when it first stood so.
    """

    status: Status
    since: int


class Store:
    """A board's file, made where there is none. Use it in one thread at a time, and close it.

    Attributes:
        id: The board's id, no secret.
        code: What learners join with.
        token: What opens the teacher's page.
        created: Milliseconds since 1970 when the board was made.
        key: The key of the code.

    Raises:
        NotABoard: If the file is something else.
        OSError: If it cannot be read or written.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))  # it holds keys
        self._base = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        try:
            self._base.execute("pragma foreign_keys = on")
            self._base.execute("pragma secure_delete = on")
            self.id, self.code, self.token, self.created = self._opened()
        except sqlite3.Error as error:
            self._base.close()
            raise NotABoard(f"{file} is no board ({error}): pass another --file, or move it away") from None
        except NotABoard:
            self._base.close()
            raise
        self.key = key_of_code(self.code, self.id)

    def _opened(self) -> tuple[str, str, str, int]:
        (version,) = self._base.execute("pragma user_version").fetchone()
        if version == 0 and not self._base.execute("select 1 from sqlite_master").fetchone():
            self._base.executescript(f"begin; {_SCHEMA} commit;")
            about = secrets.token_hex(16), new_code(), secrets.token_urlsafe(32), int(time.time() * 1000)
            self._base.execute("insert into board (id, code, token, created) values (?, ?, ?, ?)", about)
        elif version != _VERSION:
            raise NotABoard(f"{self.file} is no board of this course: pass another --file, or move it away")
        about: tuple[str, str, str, int] = self._base.execute("select id, code, token, created from board").fetchone()
        return about

    @property
    def address(self) -> str:
        """Where the board was started last, as its own machine reaches it; empty if it never was."""
        (address,) = self._base.execute("select address from board").fetchone()
        return str(address)

    @address.setter
    def address(self, address: str) -> None:
        self._base.execute("update board set address = ?", (address,))

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def delete(self) -> None:
        """Let go of the file, and of all that it holds."""
        self.close()
        self.file.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def join(self, name: str, nonce: str) -> Learner:
        """Put somebody on the board. Asked once more, because the answer got lost, it gives the same answer.

        Args:
            name: As `name_of` gives it.
            nonce: A random number of the learner's, never used before.

        Raises:
            Taken: If the name is that of somebody else.
            Full: If there are `MOST` already.
            Gone: If it is an old request of somebody who has left.
        """
        known = self._base.execute("select id, name, answer from learner where nonce = ?", (nonce,)).fetchone()
        if known and known[1] == name:
            return Learner(known[0], name, (nonce, known[2]))
        if known or self._base.execute("select 1 from spent where nonce = ?", (nonce,)).fetchone():
            raise Gone
        taken = dict(self._base.execute("select sameness, name from learner"))
        if sameness(name) in taken:
            raise Taken(taken[sameness(name)], free(name, taken))
        if len(taken) >= MOST:
            raise Full
        learner = Learner(secrets.token_hex(16), name, (nonce, secrets.token_hex(16)))
        self._base.execute(
            "insert into learner (id, name, sameness, nonce, answer) values (?, ?, ?, ?, ?)",
            (learner.id, name, sameness(name), *learner.nonces),
        )
        return learner

    def learner(self, id: str) -> Learner:
        """Who that is.

        Raises:
            Gone: If nobody on the board is.
        """
        found = self._base.execute("select name, nonce, answer from learner where id = ?", (id,)).fetchone()
        if found is None:
            raise Gone
        return Learner(id, found[0], (found[1], found[2]))

    def report(self, id: str, count: int, verdicts: Mapping[str, Standing]) -> None:
        """Note how a learner's findings stand, all of them or none.

        Raises:
            Gone: If the board does not know the learner.
            Old: If the count is not greater than the last one.
        """
        with self._whole():
            self._counted(id, count)
            self._base.executemany(
                "insert into verdict values (?, ?, ?, ?) on conflict (learner, finding) do update set"
                " since = case status when excluded.status then since else excluded.since end,"
                " status = excluded.status",
                [(id, finding, str(standing.status), standing.since) for finding, standing in verdicts.items()],
            )

    def leave(self, id: str, count: int) -> None:
        """Forget a learner who asks for it.

        Raises:
            Gone: If the board does not know the learner.
            Old: If the count is not greater than the last one.
        """
        with self._whole():
            self._counted(id, count)
            self._forget(id)

    def forget(self, name: str) -> bool:
        """Forget whoever has that name, and say whether somebody had it."""
        found = self._base.execute("select id from learner where sameness = ?", (sameness(name),)).fetchone()
        with self._whole():
            if found:
                self._forget(found[0])
        return found is not None

    def room(self) -> dict[str, dict[str, Standing]]:
        """Everybody, by name, and how their findings stand, by id."""
        everybody: dict[str, dict[str, Standing]] = {}
        rows = self._base.execute(
            "select name, finding, status, since from learner left join verdict on learner = id order by sameness"
        )
        for name, finding, status, since in rows:
            standings = everybody.setdefault(name, {})
            if finding is not None:
                standings[finding] = Standing(Status(status), since)
        return everybody

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        """What is written in it is written whole, or not at all."""
        self._base.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._base.execute("rollback")
            raise
        self._base.execute("commit")

    def _counted(self, id: str, count: int) -> None:
        found = self._base.execute("select count from learner where id = ?", (id,)).fetchone()
        if found is None:
            raise Gone
        if count <= found[0]:
            raise Old(found[0])
        self._base.execute("update learner set count = ? where id = ?", (count, id))

    def _forget(self, id: str) -> None:
        """Of whoever leaves, only the random number stays, so that an old request does not bring them back."""
        self._base.execute("insert into spent select nonce from learner where id = ?", (id,))
        self._base.execute("delete from learner where id = ?", (id,))
