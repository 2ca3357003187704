"""A room, or a learner, goes away for good: what learners have done is archived first."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path

from kata.room.hub import learners
from kata.room.hub.accounts import Accounts
from kata.room.hub.settings import Room, State

_CACHES = {"__pycache__", ".cache", ".venv", ".ipynb_checkpoints", ".pytest_cache", ".ruff_cache"}


def homes(state: State) -> list[str]:
    """The names of those who have a home, sorted."""
    if not state.learners.is_dir():
        return []
    return sorted(each.name for each in state.learners.iterdir() if each.is_dir() and not each.name.startswith("."))


def archived(room: Room, names: Sequence[str], folder: Path) -> Path:
    """An archive of what learners have in their homes, without what programs have put there for themselves.

    It is read again before it gets its name.

    Raises:
        OSError: If it cannot be written, or not be read.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    who = names[0] if len(names) == 1 else "learners"
    archive = folder / f"{who}-{time.strftime('%Y-%m-%d-%H%M%S')}.tar.gz"
    beside = archive.with_suffix(".part")
    with open(os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as stream:
        with tarfile.open(fileobj=stream, mode="w:gz") as tar:
            for name in names:
                tar.add(room.home(name), arcname=name, filter=_without_caches)
        stream.flush()
        os.fsync(stream.fileno())
    with tarfile.open(beside) as tar:
        for _ in tar:
            pass
    beside.rename(archive)
    return archive


def removed(room: Room, names: Sequence[str]) -> None:
    """Remove learners, their homes and their accounts; the names can be taken again, by anybody."""
    accounts = Accounts(room.state.accounts)
    for name in names:
        learners.remove(room, name)
        if room.home(name).exists():
            shutil.rmtree(room.home(name))
        accounts.remove(name)
        _forget(room.state.hub / "jupyterhub.sqlite", name)


def ended(room: Room) -> None:
    """Remove all that a room has kept; what else lies in its folder stays."""
    removed(room, homes(room.state))
    state = room.state
    for folder in (state.proxy, state.course, state.tools, state.learners, state.tls, state.hub):
        shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        state.folder.rmdir()


def _without_caches(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if Path(member.name).name in _CACHES else member


def _forget(database: Path, name: str) -> None:
    """Take somebody out of JupyterHub's own list, or their cookies would open the door to who has the name next."""
    if not database.exists():
        return
    with contextlib.closing(sqlite3.connect(database)) as opened, opened:
        opened.execute("PRAGMA foreign_keys = ON")
        opened.execute("DELETE FROM users WHERE name = ?", [name])
