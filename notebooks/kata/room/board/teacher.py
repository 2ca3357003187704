"""What `kata board` does: start the page, take somebody off it, and end it all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from kata.room.board import addresses, call
from kata.room.board.invitation import HERE, url_of
from kata.room.board.serving import checked, listener, serve
from kata.room.board.store import Store

FILE = Path(click.get_app_dir("unblock-the-loop")) / "board.sqlite"
"""Where a board is kept unless the teacher says otherwise: outside the clone, where programs keep what is theirs."""

Say = Callable[[str], object]


class Running(Exception):
    """The board of this file is served already; the message says where."""


class NoBoard(Exception):
    """There is no such file, or nobody of that name is on it."""


@dataclass(frozen=True)
class Wanted:
    """How a board is to be started.

    Attributes:
        file: Where it is kept.
        host: The address that it listens on.
        port: The port; 0 for any that is free.
        address: The name or address by which learners reach this machine; empty for the one that is found.
        counts: Whether the page is told numbers only, and no names.
        certificate: A file to speak TLS with, in the format PEM.
        key: The file of the certificate's key, if it is another one.
    """

    file: Path
    host: str
    port: int
    address: str = ""
    counts: bool = False
    certificate: Path | None = None
    key: Path | None = None


def start(wanted: Wanted, say: Say) -> None:
    """Serve the board, and say first what to open and what to write on the whiteboard. Returns after Ctrl-C.

    Raises:
        Running: If it is served already.
        NotABoard: If the file is something else.
        BadCertificate: If TLS cannot be spoken with these files.
        CannotListen: If the address cannot be had.
        OSError: If the file cannot be written.
    """
    if wanted.certificate is not None:
        checked(wanted.certificate, wanted.key)
    store = Store(wanted.file)
    try:
        if _ordered(_Board(store.address, store.id, store.token), "find") is not None:
            raise Running(f"this board is served already, at {store.address}: end that one first with Ctrl-C")
        with listener(wanted.host, wanted.port) as at:
            places = _places(wanted, at.getsockname()[1])
            store.address = places.here
            line = _join_line(store.code, places.learners)
            say(_told(wanted, store, places, line))
            serve(store, at, join_line=line, names=not wanted.counts, certificate=wanted.certificate, key=wanted.key)
    finally:
        store.close()


@dataclass(frozen=True)
class _Places:
    """The board's addresses: from its own machine, and for those who join."""

    here: str
    learners: str


def _places(wanted: Wanted, port: int) -> _Places:
    scheme = "http" if wanted.certificate is None else "https"
    here = url_of(scheme, addresses.from_here(wanted.host), port)
    if wanted.address:
        return _Places(here, url_of(scheme, wanted.address, port))
    return _Places(here, url_of(scheme, addresses.reached_at(wanted.host), port))


def _join_line(code: str, url: str) -> str:
    """What learners type, as short as it can be."""
    where = "" if url == HERE else f"{url.removeprefix('http://')}/"
    return f"uv run kata join {where}{code} --name YOUR-NAME"


def _told(wanted: Wanted, store: Store, places: _Places, line: str) -> str:
    is_open = not addresses.is_loopback(wanted.host)
    lines = [
        "your page, and nobody else's: keep this address to yourself",
        f"  {places.here}/#{store.token}",
    ]
    if is_open and places.learners != places.here:
        lines.append(f"  {places.learners}/#{store.token} from another machine, in a network that you trust")
    lines += ["for the whiteboard, each with a name of their own choosing:", f"  {line}"]
    if not is_open:
        lines.append("only this machine reaches it; `kata board --host 0.0.0.0` opens it to the laptops in the room")
    elif wanted.certificate is None:
        lines.append(
            "plain HTTP: whoever listens on this network can read names and findings on their way, and with the code"
            " forge some. Fine among those in the room; elsewhere pass --certificate and --key"
        )
    lines.append(f"kept in {wanted.file} until `kata board --delete`; Ctrl-C ends the page, and starting it goes on")
    return "\n".join(lines)


def forget(file: Path, name: str) -> None:
    """Take somebody off the board, whether it is being served or not.

    Raises:
        NoBoard: If there is no board, or nobody has that name.
        NotABoard: If the file is something else.
    """
    with _existing(file) as store:
        board = _Board(store.address, store.id, store.token)
        answer = _ordered(board, "forget", name)
        found = store.forget(name) if answer is None else answer.get("found")
    if not found:
        raise NoBoard(f"nobody on the board has that name: {name}")


def delete(file: Path) -> None:
    """End the board: the page, if it is being served, and everything that is kept.

    Raises:
        NoBoard: If there is no board.
        NotABoard: If the file is something else.
        OSError: If it cannot be deleted.
    """
    with _existing(file) as store:
        board = _Board(store.address, store.id, store.token)
    _ordered(board, "end")
    file.unlink(missing_ok=True)


def _existing(file: Path) -> Store:
    if not file.exists():
        raise NoBoard(f"there is no board at {file}")
    return Store(file)


@dataclass(frozen=True)
class _Board:
    """A board that may be being served."""

    url: str
    id: str
    token: str


def _ordered(board: _Board, kind: str, name: str = "") -> Mapping[str, Any] | None:
    """Have a board do something, and give its answer; None if it is not being served."""
    order = {"board": board.id, "kind": kind, "now": int(time.time() * 1000), "name": name}
    try:
        answer: Mapping[str, Any] = call.ask(
            board.url, "/order", order, board.token.encode(), signed=True, trusting=True
        )
    except (call.Unreachable, call.Refusal):  # nobody is there, or somebody else has that address now
        return None
    return answer
