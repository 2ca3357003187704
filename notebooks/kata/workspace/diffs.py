"""What was changed for a finding: by the learner, by the solution, and what is between the two."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

from kata.audit import Finding, project_root
from kata.gallery import difference, gallery
from kata.target import workspace


def solution_of(finding: Finding) -> str:
    """What the solution changed for this finding and no other, from starter to solution, as a unified diff."""
    return difference(project_root() / "solution", gallery(finding.id).put_back, backwards=True)


def work_on(finding: Finding) -> str:
    """What the learner changed in the finding's files, from starter to workspace; empty if there is nothing."""
    return _between(finding, project_root() / "starter", workspace())


def left_to_the_solution(finding: Finding) -> str:
    """What is between the finding's files in the workspace and in the solution, where all findings are fixed."""
    return _between(finding, workspace(), project_root() / "solution")


def _between(finding: Finding, before: Path, after: Path) -> str:
    if not (before.is_dir() and after.is_dir()):
        return ""
    paths = dict.fromkeys(location.path for location in finding.where)
    return "\n".join(line for path in paths for line in _unified(path, before, after))


def _unified(path: str, before: Path, after: Path) -> Iterator[str]:
    return difflib.unified_diff(
        _lines(before / path), _lines(after / path), f"{before.name}/{path}", f"{after.name}/{path}", lineterm="", n=2
    )


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
