"""A board as its teacher has it, in a process of its own, and learners who send what real ones send."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner, Result

from kata.cli import main
from kata.room.board import call, membership, telling
from kata.room.board.invitation import Invitation
from kata.room.board.message import SIGNATURE, canonical, key_of_code, sign
from kata.target import WORKSPACE_VARIABLE
from kata.workspace.files import HIDDEN, write

KATA = [sys.executable, "-c", "from kata.cli import main; main()"]

PATIENCE = 60
"""Seconds after which something that has to happen is given up."""


def kata(*arguments: str, workspace: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call the command line in a process of its own, as a learner with that workspace."""
    place = {WORKSPACE_VARIABLE: str(workspace)} if workspace else {}
    return subprocess.run(
        [*KATA, *arguments],
        env={**os.environ, "KATA_WARM": "0", **place, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
        check=False,
    )


class Board:
    """`kata board`, started.

    Attributes:
        said: What it has printed.
    """

    def __init__(self, file: Path, *options: str) -> None:
        self.file = file
        self.process = subprocess.Popen(
            [*KATA, "board", "--file", str(file), *(options if "--port" in options else ("--port=0", *options))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
        self.said = ""
        while "kept in " not in self.said:
            line = self._out().readline()
            assert line, f"no board: {self.said}{self.ended()[1]}"
            self.said += line
        call.ask(self.url, "/board", trusting=True)  # from now on, it hears Ctrl-C, in the background too

    def _out(self) -> Any:
        return self.process.stdout

    @property
    def page(self) -> str:
        """The address that opens the page."""
        return re.findall(r"https?://\S+#\S+", self.said)[0]

    @property
    def url(self) -> str:
        return self.page.partition("/#")[0]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def token(self) -> str:
        return self.page.partition("#")[2]

    @property
    def code(self) -> str:
        return re.findall(r"kata join \S*?([a-z2-9]{4}-[a-z2-9]{4}) ", self.said)[0]

    @property
    def invitation(self) -> Invitation:
        return Invitation(self.url, self.code)

    @property
    def id(self) -> str:
        return str(call.ask(self.url, "/board", trusting=True)["board"])

    def stop(self) -> None:
        """Ctrl-C, where there is one."""
        if self.process.poll() is None:
            self.process.terminate() if sys.platform == "win32" else self.process.send_signal(signal.SIGINT)

    def ended(self) -> tuple[int, str]:
        """How it ended, and what it said of errors."""
        errors = self.process.communicate(timeout=PATIENCE)[1]
        return self.process.returncode, errors

    def room(self) -> dict[str, Any]:
        """What the page is told now, without what is missing in the names' order."""
        with self.looking() as events:
            return next(events)

    @contextlib.contextmanager
    def looking(self) -> Iterator[Iterator[dict[str, Any]]]:
        """What the page is told after each change; that nothing has changed, only some times between."""
        with client_of(self) as browser:
            browser.post("/open", json={"token": self.token}).raise_for_status()
            with browser.stream("GET", "/events") as stream:
                stream.raise_for_status()
                yield _changes(stream.iter_lines())

    def kata(self, *options: str) -> Result:
        """What the teacher does to this board in another terminal."""
        return CliRunner().invoke(main, ["board", "--file", str(self.file), *options])

    def verdicts(self) -> dict[str, dict[str, str]]:
        """How everybody's findings stand, by name."""
        return {learner["name"]: learner["verdicts"] for learner in self.room()["who"]}


def _changes(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    beats = 0
    for line in lines:
        beats = beats + 1 if line == "event: beat" else 0 if line == "event: change" else beats
        assert beats < 4, "nothing has changed for long"
        if line.startswith("data: ") and not beats:
            yield json.loads(line.removeprefix("data: "))


@contextlib.contextmanager
def served(file: Path, *options: str) -> Iterator[Board]:
    """A board while one needs it."""
    board = Board(file, *options)
    try:
        yield board
    finally:
        board.stop()
        board.process.communicate(timeout=PATIENCE)


class Learner:
    """Somebody with a workspace, whose verdicts are decided by the test, and are sent as real ones are."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        (folder / HIDDEN).mkdir(parents=True)

    def joins(self, board: Board) -> membership.Membership:
        return membership.join(self.folder, board.invitation, self.name)

    @property
    def place(self) -> membership.Membership:
        place = membership.membership(self.folder)
        assert place is not None
        return place

    def judged(self, **statuses: str) -> None:
        """Have verdicts, such as ``_1_4="fixed"``, that nobody has been told of."""
        for id, status in statuses.items():
            id = id.strip("_").replace("_", ".")
            verdict = {"id": id, "status": status, "behaviour": None, "culprit": None, "message": "", "seconds": 1.0}
            told = json.dumps({"verdict": verdict, "files": {}})
            write(self.folder, f"{HIDDEN}/verdicts/{id}.json", told.encode())

    def tells(self, **statuses: str) -> int:
        """Have verdicts, and tell the board."""
        self.judged(**statuses)
        return telling.tell(self.folder)

    def report(self, **changes: Any) -> dict[str, Any]:
        """A message that the board would take, but for the changes."""
        about = {"board": self.place.board, "learner": self.place.learner, "kind": "report"}
        return {**about, "count": 1, "now": 1000, "verdicts": {"1.4": ["fixed", 1000]}, **changes}


def client_of(board: Board) -> httpx.Client:
    """A client that has nothing but this board in mind."""
    return httpx.Client(base_url=board.url, timeout=PATIENCE, trust_env=False, verify=False)


def post(board: Board, path: str, body: bytes, signature: str = "") -> httpx.Response:
    """Send something, right or wrong."""
    headers = {SIGNATURE.encode(): signature.encode("latin-1")} if signature else {}
    with client_of(board) as client:
        return client.post(path, content=body, headers=headers)


def post_signed(board: Board, path: str, message: Mapping[str, Any], key: bytes) -> httpx.Response:
    """Send a message, signed."""
    body = canonical(message)
    return post(board, path, body, sign(key, body))


def code_key(board: Board) -> bytes:
    """The key of the board's code."""
    return key_of_code(board.code, board.id)
