"""Who has which name, and what is kept of their passwords: a small SQLite file that only the server can read."""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from kata.room.hub import passwords

_CLASS = ":class"
"""The row of the class password: no name has a colon in it."""

_TABLE = "CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, password TEXT NOT NULL) WITHOUT ROWID"


class Accounts:
    """The accounts of a room.

    A name once taken stays taken, whatever becomes of the user in JupyterHub's own list.

    Args:
        file: Where they are kept; made if it is not there.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._secret, self._right = secrets.token_bytes(32), None
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        with self._open() as database:
            database.execute(_TABLE)

    def names(self) -> list[str]:
        """Who has an account, the teacher included, sorted."""
        with self._open() as database:
            rows = database.execute("SELECT name FROM account WHERE name != ? ORDER BY name", [_CLASS])
            return [name for (name,) in rows]

    def has(self, name: str) -> bool:
        """Whether somebody has taken this name."""
        return self._kept(name) is not None

    def fits(self, name: str, password: str) -> bool:
        """Whether this is that person's password; False for a name that nobody has."""
        kept = self._kept(name)
        return kept is not None and passwords.fits(password, kept)

    def fits_class(self, password: str) -> bool:
        """Whether this is the class password; False as long as there is none."""
        kept = self._kept(_CLASS)
        if kept is None:
            return False
        if self._right is None or not hmac.compare_digest(self._right, self._mark(password, kept)):
            if not passwords.fits_class(password, kept):
                return False
            self._right = self._mark(password, kept)  # thirty people write the same: one hash is enough
        return True

    def take(self, name: str, password: str) -> bool:
        """Take a name; returns whether it was free, of two who want it at once for one only."""
        with self._open() as database:
            insert = "INSERT OR IGNORE INTO account VALUES (?, ?)"
            return database.execute(insert, [name, passwords.hashed(password)]).rowcount == 1

    def set(self, name: str, password: str) -> None:
        """Give somebody a new password, or an account."""
        self._set(name, passwords.hashed(password))

    def set_class(self, password: str) -> None:
        """Have another class password; those who are in keep theirs."""
        self._set(_CLASS, passwords.hashed_for_class(password))

    @property
    def has_class(self) -> bool:
        """Whether there is a class password."""
        return self._kept(_CLASS) is not None

    def remove(self, name: str) -> None:
        """Let a name be taken again: for when what its owner had is gone."""
        with self._open() as database:
            database.execute("DELETE FROM account WHERE name = ?", [name])

    def _mark(self, password: str, kept: str) -> bytes:
        """What tells the class password apart from others, in this process and until there is another one."""
        return hmac.digest(self._secret, f"{kept} {passwords.folded(password)}".encode("utf-8", "replace"), "sha256")

    def _kept(self, name: str) -> str | None:
        with self._open() as database:
            row = database.execute("SELECT password FROM account WHERE name = ?", [name]).fetchone()
        return row[0] if row else None

    def _set(self, name: str, kept: str) -> None:
        with self._open() as database:
            database.execute("INSERT OR REPLACE INTO account VALUES (?, ?)", [name, kept])

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self._file, timeout=30)) as database, database:
            yield database
