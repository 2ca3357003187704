"""Runs the engines: ast-grep with the course's own rules, ruff, and flake8-async.

Each is told what to look for by the course alone: an audit reads the code, not the project's configuration of a linter.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from kata.guards.catalogue import ROOM, blocking_calls, names
from kata.guards.issue import Hit

LONGEST_CALL = 20_000
"""Characters of file names in one call: Windows takes 32 767 for the whole of it."""

NEWEST_SYNTAX = "py314"
"""Code is read as this version of Python has it, so that what is newer than the audit's own is no error."""


class EngineFailed(RuntimeError):
    """An engine could not be started, or said something that is no report."""


@dataclass(frozen=True)
class Sighting:
    """What ast-grep found that is no hit: a good pattern, or a comment that allows something."""

    rule: str
    path: str
    line: int
    text: str


def ast_grep(files: Sequence[str]) -> tuple[list[Hit], list[Sighting]]:
    """Look for the course's own rules and patterns.

    Raises:
        EngineFailed: If ast-grep could not do it.
    """
    hits, sightings, ours = [], [], set(names("ast-grep"))
    call = [program("ast-grep"), "scan", "--config", str(ROOM / "sgconfig.yml"), "--json=stream"]
    for output in _run(call, files, statuses=(0, 1)):
        for line in output.splitlines():
            entry = _parsed("ast-grep", line)
            start, end = entry["range"]["start"], entry["range"]["end"]
            if entry["ruleId"] in ours:
                place = (start["line"] + 1, start["column"] + 1, end["line"] + 1)
                hits.append(Hit(entry["ruleId"], entry["file"], *place))
            else:
                sightings.append(Sighting(entry["ruleId"], entry["file"], start["line"] + 1, entry["text"]))
    return hits, sightings


def ruff(files: Sequence[str]) -> tuple[list[Hit], dict[str, str]]:
    """Look for ruff's ASYNC rules.

    Returns:
        The hits, and by their names the files that are no Python, with what is wrong in them.

    Raises:
        EngineFailed: If ruff could not do it.
    """
    hits, unread = [], {}
    call = [program("ruff"), "check", "--isolated", "--no-cache", "--quiet", "--exit-zero", "--ignore-noqa"]
    call += ["--no-respect-gitignore", "--target-version", NEWEST_SYNTAX, "--output-format", "json"]
    call += ["--select", ",".join(names("ruff"))]
    for output in _run(call, files):
        for entry in _parsed("ruff", output):
            place = entry["location"]["row"], entry["location"]["column"], entry["end_location"]["row"]
            if entry["code"] in names("ruff"):
                hits.append(Hit(entry["code"], entry["filename"], *place))
            else:  # invalid-syntax, or a file that cannot be read
                unread.setdefault(entry["filename"], f"line {place[0]}: {entry['message']}")
    return hits, unread


def flake8_async(files: Sequence[str]) -> list[Hit]:
    """Look for flake8-async's rules of blocking calls, with the course's list of them. About 1200 lines a second.

    Raises:
        EngineFailed: If flake8-async is not installed, or could not do it.
    """
    if find_spec("flake8_async") is None:
        raise EngineFailed("flake8-async is not installed: run `uv sync`, or leave out --thorough")
    calls = ", ".join(f"{call}->{instead}" for call, instead in blocking_calls().items())
    call = [sys.executable, "-m", "flake8_async", "--disable-noqa", "--asyncio"]
    call += ["--enable", ",".join(names("flake8-async")), "--async200-blocking-calls", calls]
    line = re.compile(r"^(?P<path>.+?):(?P<line>\d+):(?P<column>\d+): (?P<rule>ASYNC\d+) ")
    hits = []
    for output in _run(call, files, statuses=(0, 1)):
        for found in map(line.match, output.splitlines()):
            if found is not None:
                at = int(found["line"])
                hits.append(Hit(found["rule"], found["path"], at, int(found["column"]), at))
    return hits


def _run(call: Sequence[str], files: Sequence[str], statuses: Sequence[int] = (0,)) -> Iterator[str]:
    for some in _batches(files):
        try:
            done = subprocess.run([*call, *some], capture_output=True, encoding="utf-8", check=False)
        except OSError as error:
            raise EngineFailed(f"{call[0]} cannot be started: {error}") from error
        if done.returncode not in statuses:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
            raise EngineFailed(f"{' '.join(call[:3])} failed with status {done.returncode}: {' '.join(said)}")
        yield done.stdout


def _batches(files: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    length = 0
    for file in files:
        if batch and length + len(file) > LONGEST_CALL:
            yield batch
            batch, length = [], 0
        batch.append(file)
        length += len(file) + 1
    if batch:
        yield batch


def program(name: str) -> str:
    """The path of an engine: the one of this environment before any other.

    Raises:
        EngineFailed: If there is none.
    """
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if found is None:
        raise EngineFailed(f"{name} is not installed: it comes with the course, run `uv sync`")
    return found


def _parsed(engine: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise EngineFailed(f"{engine} said something that is no report: {text[:200]!r}") from None
