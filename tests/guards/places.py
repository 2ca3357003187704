"""Where an issue is, in the manifest's terms."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kata.audit import Location, audit
from kata.guards.catalogue import claims
from kata.guards.issue import Issue

WHERE = {each.id: each.where for each in audit().everything}
"""The places of every finding, those beyond the report included."""


def is_at(path: str, line: int, where: Iterable[Location], package: Path) -> bool:
    """Whether a line of a file below a package's folder is inside one of the places."""
    return any(_spans(place, Path(path).relative_to(package).as_posix(), line, package) for place in where)


def claimed_by(issue: Issue, package: Path) -> list[str]:
    """The findings that claim an issue: one of their rules found it, inside their place."""
    names = {issue.rule.id, *issue.also}
    return [
        id for id, where in WHERE.items() if names & {*claims()[id]} and is_at(issue.path, issue.line, where, package)
    ]


def _spans(place: Location, path: str, line: int, package: Path) -> bool:
    node = place.find(package) if place.path == path else None
    if node is None:
        return False
    return not place.qualname or node.lineno <= line <= node.end_lineno
