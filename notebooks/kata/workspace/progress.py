"""How far the learner has come: the last verdict on each finding, and whether it still speaks of the files that stand.

Each verdict is kept in the workspace, with the hashes of the files that it depends on, so that it is right after any
restart, and is never taken for one on other files.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from kata.audit import Finding, audit, project_root
from kata.instruments.culprit import Culprit
from kata.target import workspace
from kata.verdict.judge import judge
from kata.verdict.model import Behaviour, Status, Verdict
from kata.workspace.board import Board, Standing
from kata.workspace.files import HIDDEN, modules, write
from kata.workspace.reach import reach

Prints = dict[str, str]
"""Hashes by file, relative to the workspace's folder; `TESTS` stands for the finding's tests."""

TESTS = "the course's tests"

MEMBERSHIP = f"{HIDDEN}/board.json"
"""Where a workspace keeps its place on a teacher's board. Without this file nothing is sent, nor imported for it."""

logger = logging.getLogger(__name__)


def board() -> Board:
    """How every finding of the report stands in the workspace, whether it exists yet or not, and every one beyond it
    that has been found: asking for its verdict is finding it."""
    beyond = [standing(finding) for finding in audit().beyond]
    found = [each for each in beyond if each.verdict is not None]
    return Board((*(standing(finding) for finding in audit().findings), *found))


def standing(finding: Finding) -> Standing:
    """How one finding stands in the workspace."""
    kept = _kept(finding, workspace())
    if kept is None:
        return Standing(finding)
    verdict, prints = kept
    now = _prints(finding, workspace())
    changed = sorted(path for path in {*prints, *now} if prints.get(path) != now.get(path))
    return Standing(finding, verdict, tuple(changed))


def judged(finding: Finding, folder: Path) -> Verdict:
    """Judge one finding, and keep the verdict if the package is the workspace and nobody changed it meanwhile.

    A learner who has joined a teacher's board has it told of what is kept, in the background.

    Raises:
        ValueError: If the finding has no tests.
    """
    if folder != workspace():
        return judge(finding, folder)
    before = _prints(finding, folder)
    verdict = judge(finding, folder)
    if _prints(finding, folder) == before:
        _keep(verdict, before, folder)
        _tell(folder)
    return verdict


def last_verdicts(folder: Path) -> dict[str, tuple[Status, int]]:
    """By finding, the last verdict's status, and when it was kept, in milliseconds since 1970.

    Args:
        folder: The workspace's folder.
    """
    found = {}
    for finding in audit().everything:
        kept = _kept(finding, folder)
        with contextlib.suppress(FileNotFoundError):
            if kept is not None:
                found[finding.id] = kept[0].status, (folder / _place(finding)).stat().st_mtime_ns // 1_000_000
    return found


def place_on_the_board() -> str:
    """What is to be known about one's place on a teacher's board; empty for who has not joined one."""
    if not (workspace() / MEMBERSHIP).exists():
        return ""
    from kata.room.board.membership import membership
    from kata.room.board.telling import waiting

    place, waits = membership(workspace()), waiting(workspace())
    wait = f"; {waits} {'verdict' if waits == 1 else 'verdicts'} to tell it, with the next" if waits else ""
    return f"{place}{wait}" if place else ""


def _tell(folder: Path) -> None:
    if not (folder / MEMBERSHIP).exists():
        return
    try:
        from kata.room.board import telling

        telling.soon(folder)
    except Exception:  # whatever is wrong with the board, the verdict stands
        logger.info("the board was not told", exc_info=True)


def _prints(finding: Finding, folder: Path) -> Prints:
    """What the files are that a verdict on this finding depends on."""
    within = reach(finding, folder)
    prints = {path: _hash(folder / path) for path in modules(folder) if path in within}
    tests = project_root() / finding.tests
    return {**prints, TESTS: _hash(tests) + _hash(tests.with_name("conftest.py"))}


def _hash(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        return str(error.strerror)


def _place(finding: Finding) -> str:
    return f"{HIDDEN}/verdicts/{finding.id}.json"


def _keep(verdict: Verdict, prints: Prints, folder: Path) -> None:
    told = json.dumps({"verdict": verdict.as_dict(), "files": prints}, indent=1, ensure_ascii=False)
    try:
        write(folder, _place(audit().finding(verdict.id)), told.encode())
    except OSError:
        return  # a workspace that cannot be written can be judged all the same


def _kept(finding: Finding, folder: Path) -> tuple[Verdict, Prints] | None:
    try:
        told = json.loads((folder / _place(finding)).read_text(encoding="utf-8"))
        return _verdict(told["verdict"]), dict(told["files"])
    except (OSError, ValueError, LookupError, TypeError):
        return None  # none, or one that somebody has edited


def _verdict(told: dict[str, Any]) -> Verdict:
    return Verdict(
        id=told["id"],
        status=Status(told["status"]),
        behaviour=told["behaviour"] and Behaviour(told["behaviour"]),
        culprit=told["culprit"] and Culprit(**told["culprit"]),
        message=told["message"],
        seconds=told["seconds"],
    )
