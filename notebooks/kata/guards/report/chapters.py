"""The order in which a report tells what it has: by kind, by priority, each rule once with all its places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from kata.audit import PRIORITIES
from kata.guards.audit_code import Report
from kata.guards.issue import Issue, Kind, Rule

PRIORITY_TITLES = {"high": "Critical (high)", "medium": "Medium", "low": "Low"}


def chapters(issues: Iterable[Issue]) -> Iterator[tuple[Kind, list[tuple[Rule, list[Issue]]]]]:
    """Each kind that there is, with its rules and their places."""
    ordered = sorted(issues, key=lambda issue: issue.rank)
    for kind, some in groupby(ordered, key=lambda issue: issue.rule.kind):
        yield kind, [(rule, list(places)) for rule, places in groupby(some, key=lambda issue: issue.rule)]


def by_priority(issues: Iterable[Issue]) -> Iterator[tuple[str, list[tuple[Rule, list[Issue]]]]]:
    """Each priority that there is, the highest first, with its rules and their places."""
    found = [group for _, groups in chapters(issues) for group in groups]
    for priority in PRIORITIES:
        some = [group for group in found if group[0].priority == priority]
        if some:
            yield priority, some


def counted(number: int, noun: str) -> str:
    """A number of things: `1 issue`, `1,000 lines`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def head(report: Report) -> str:
    """What was audited and what came of it, in a sentence or two."""
    audited = f"{counted(report.files, 'file')}, {counted(report.lines, 'line')}, read by {', '.join(report.engines)}"
    told = [counted(len(report.new), "issue")]
    known = len(report.issues) - len(report.new)
    if known:
        told.append(f"{known} more known from the baseline")
    if report.allowed:
        told.append(f"{len(report.allowed)} allowed by a comment")
    return f"{report.root}: {', '.join(told)} ({audited})"


def footnotes(report: Report) -> Iterator[str]:
    """What else there is to know."""
    for path, why in report.unread.items():
        yield f"not audited: {path}, {why}"
    yield from report.notes
    if report.gone:
        yield (
            f"{counted(report.gone, 'issue')} of the baseline no longer found: "
            "write it anew with --write-baseline, so that none of them comes back unseen"
        )
