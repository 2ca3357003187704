"""How far the learner has come: the last verdict on each finding, and whether it still speaks of the files that stand.

Each verdict is kept in the workspace, with the hashes of the files that it depends on, so that it is right after any
restart, and is never taken for one on other files.
"""

from __future__ import annotations

import hashlib
import json
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


def board() -> Board:
    """How every finding of the report stands in the workspace, whether it exists yet or not, and every one beyond it
    that has been found: asking for its verdict is finding it."""
    beyond = [standing(finding) for finding in audit().beyond]
    found = [each for each in beyond if each.verdict is not None]
    return Board((*(standing(finding) for finding in audit().findings), *found))


def standing(finding: Finding) -> Standing:
    """How one finding stands in the workspace."""
    kept = _kept(finding)
    if kept is None:
        return Standing(finding)
    verdict, prints = kept
    now = _prints(finding, workspace())
    changed = sorted(path for path in {*prints, *now} if prints.get(path) != now.get(path))
    return Standing(finding, verdict, tuple(changed))


def judged(finding: Finding, folder: Path) -> Verdict:
    """Judge one finding, and keep the verdict if the package is the workspace and nobody changed it meanwhile.

    Raises:
        ValueError: If the finding has no tests.
    """
    if folder != workspace():
        return judge(finding, folder)
    before = _prints(finding, folder)
    verdict = judge(finding, folder)
    if _prints(finding, folder) == before:
        _keep(verdict, before, folder)
    return verdict


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


def _kept(finding: Finding) -> tuple[Verdict, Prints] | None:
    try:
        told = json.loads((workspace() / _place(finding)).read_text(encoding="utf-8"))
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
