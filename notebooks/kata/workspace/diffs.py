"""What was changed for a finding: by the learner, by the solution, and what is between the two."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from kata.audit import Finding, audit, project_root
from kata.gallery import difference, gallery
from kata.target import workspace
from kata.workspace.progress import standing
from kata.workspace.resetting import sharing
from kata.workspace.source import NotPython
from kata.workspace.splice import CannotSplice, splice


def solution_of(finding: Finding) -> str:
    """What the solution changed for this finding and no other, from starter to solution, as a unified diff."""
    return difference(project_root() / "solution", gallery(finding.id).put_back, backwards=True)


def work_on(finding: Finding) -> str:
    """What the learner changed in the finding's files, from starter to workspace; empty if there is nothing."""
    return _between(finding, project_root() / "starter", workspace())


def left_to_the_solution(finding: Finding, *, at_once: bool = False) -> str:
    """What would still change in the workspace if the finding's code were that of the solution.

    Args:
        finding: The finding.
        at_once: Show it although its code is that of other findings as well, which are not fixed yet. In the solution
            they are, and whoever takes them later would have seen how.

    Returns:
        A unified diff of the finding's own code, or a sentence that says why there is none.
    """
    others = [id for id in sharing(finding) if not standing(audit().finding(id)).is_fixed]
    if others and not at_once:
        are = "is" if len(others) == 1 else "are"
        return f"shown when {', '.join(others)} {are} fixed too, or now: `kata diff {finding.id} --solution`"
    return _between(finding, workspace(), project_root() / "solution", only_its_code=True) or "no difference"


def _between(finding: Finding, before: Path, after: Path, *, only_its_code: bool = False) -> str:
    if not (before.is_dir() and after.is_dir()):
        return ""
    lines: list[str] = []
    for path in dict.fromkeys(location.path for location in finding.where):
        names = [location.qualname for location in finding.where if location.path == path]
        lines += _unified(path, before, after, names if only_its_code else ())
    return "\n".join(lines)


def _unified(path: str, before: Path, after: Path, names: Sequence[str] = ()) -> Iterator[str]:
    """Between two files of the same path; with names, only as far as these definitions of the other one go."""
    mine, other = _read(before / path), _read(after / path)
    if names and all(names):
        with suppress(NotPython, CannotSplice):
            other = splice(mine, other, names).data
    return difflib.unified_diff(
        _lines(mine), _lines(other), f"{before.name}/{path}", f"{after.name}/{path}", lineterm="", n=2
    )


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8", errors="replace").splitlines()
