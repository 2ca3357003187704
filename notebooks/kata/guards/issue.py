"""What the audit of some code finds, and what it is called."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kata.audit import PRIORITIES


class Kind(StrEnum):
    """What sort of issue it is: the report's chapters, and the comments that allow something."""

    BLOCKING_IO = "blocking-io"
    CONVERSION = "conversion"
    CONNECTIONS = "connections"
    ALLOWANCE = "allowance"


TITLES = {
    Kind.BLOCKING_IO: "Blocking I/O in async functions",
    Kind.CONVERSION: "Conversions between sync and async",
    Kind.CONNECTIONS: "Missing async context managers",
    Kind.ALLOWANCE: "Comments that allow something",
}
"""The chapters' titles."""


@dataclass(frozen=True)
class Rule:
    """Something that is looked for.

    Attributes:
        id: Its name, such as ``ASYNC230`` or ``client-per-request``.
        priority: high, medium or low.
        message: What is wrong, in a sentence.
        engines: Who looks for it: ruff, flake8-async, ast-grep, kata.
    """

    id: str
    kind: Kind
    priority: str
    message: str
    impact: str
    recommendation: str
    engines: tuple[str, ...]


@dataclass(frozen=True)
class Hit:
    """A place at which an engine says that a rule is broken. Lines and columns count from 1."""

    rule: str
    path: str
    line: int
    column: int
    end_line: int


@dataclass(frozen=True)
class Issue:
    """A place that is to be mended.

    Attributes:
        rule: What is wrong there.
        also: The other rules' names that found the same.
        path: The file, as it was reached.
        line: Counted from 1, as the column.
        qualname: The function or class around it; empty at the top of the module.
        source: The line of code, without its indentation.
        reason: Why it is allowed, where a comment says so.
        known: Whether the baseline has it.
    """

    rule: Rule
    also: tuple[str, ...]
    path: str
    line: int
    column: int
    qualname: str
    source: str
    reason: str = ""
    known: bool = False

    @property
    def location(self) -> str:
        """Where it is, as editors and terminals can follow it."""
        return f"{self.path}:{self.line}:{self.column}"

    @property
    def rank(self) -> tuple[int, int, str, str, int, int]:
        """By kind, by priority, by rule, by place."""
        kinds, priority = list(Kind), PRIORITIES.index(self.rule.priority)
        return (kinds.index(self.rule.kind), priority, self.rule.id, self.path, self.line, self.column)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return {
            "rule": self.rule.id,
            "also": list(self.also),
            "kind": str(self.rule.kind),
            "priority": self.rule.priority,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "qualname": self.qualname,
            "source": self.source,
            "issue": self.rule.message,
            "impact": self.rule.impact,
            "recommendation": self.rule.recommendation,
            "known": self.known,
            "reason": self.reason,
        }
