"""The report as GitHub's workflow commands, which become annotations on the lines of a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from kata.guards.audit_code import Report
from kata.guards.issue import Issue
from kata.guards.report.chapters import footnotes, head

COMMANDS = {"high": "error", "medium": "warning", "low": "notice"}
"""Priorities as annotations."""


def annotations(report: Report) -> str:
    """One annotation for each new issue, then a line of plain text with the sum."""
    return "\n".join((*map(_annotation, report.new), *_unread(report), head(report)))


def _annotation(issue: Issue) -> str:
    place = {"file": issue.path, "line": issue.line, "col": issue.column, "title": f"kata audit: {issue.rule.id}"}
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in place.items())
    said = _data(f"{issue.rule.message} {issue.rule.recommendation}")
    return f"::{COMMANDS[issue.rule.priority]} {properties}::{said}"


def _unread(report: Report) -> Iterator[str]:
    return (f"::warning title=kata audit::{_data(note)}" for note in footnotes(report))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
