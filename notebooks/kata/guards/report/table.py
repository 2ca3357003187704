"""The report as plain data, for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from kata.audit import PRIORITIES
from kata.guards.audit_code import Report


def table(report: Report) -> dict[str, Any]:
    """Everything that the report has."""
    priorities = [issue.rule.priority for issue in report.new]
    return {
        "root": report.root,
        "engines": list(report.engines),
        "files": report.files,
        "lines": report.lines,
        "summary": {priority: priorities.count(priority) for priority in PRIORITIES},
        "issues": [issue.as_dict() for issue in report.issues],
        "allowed": [issue.as_dict() for issue in report.allowed],
        "good": [asdict(good) for good in report.good],
        "unread": dict(report.unread),
        "gone": report.gone,
        "notes": list(report.notes),
    }
