"""The report as SARIF 2.1.0, for GitHub's code scanning and for editors.

The format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kata.guards.audit_code import Report
from kata.guards.baseline import fingerprint
from kata.guards.catalogue import rules
from kata.guards.issue import Issue, Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

LEVELS = {"high": "error", "medium": "warning", "low": "note"}
"""Priorities as SARIF's levels."""


def sarif(report: Report) -> dict[str, Any]:
    """A log with one run; what a comment allows is in it as suppressed, what the baseline has as unchanged."""
    issues = [*report.issues, *report.allowed]
    told = sorted({issue.rule.id for issue in issues})
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "kata audit",
                        "version": version("unblock-the-loop"),
                        "rules": [_rule(rules()[id]) for id in told],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": not report.unread,
                        "toolExecutionNotifications": [
                            {
                                "level": "error",
                                "message": {"text": f"not audited: {why}"},
                                "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(path)}}}],
                            }
                            for path, why in report.unread.items()
                        ],
                    }
                ],
                "columnKind": "unicodeCodePoints",
                "results": [_result(issue, told) for issue in issues],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.message},
        "fullDescription": {"text": rule.impact},
        "help": {"text": rule.recommendation},
        "defaultConfiguration": {"level": LEVELS[rule.priority]},
        "properties": {"tags": [str(rule.kind)], "engines": list(rule.engines)},
    }


def _result(issue: Issue, told: list[str]) -> dict[str, Any]:
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(issue.path)},
            "region": {"startLine": issue.line, "startColumn": issue.column, "snippet": {"text": issue.source}},
        }
    }
    if issue.qualname:
        place["logicalLocations"] = [{"fullyQualifiedName": issue.qualname}]
    print = hashlib.sha256("\0".join(fingerprint(issue, Path.cwd())).encode()).hexdigest()
    result: dict[str, Any] = {
        "ruleId": issue.rule.id,
        "ruleIndex": told.index(issue.rule.id),
        "level": LEVELS[issue.rule.priority],
        "message": {"text": f"{issue.rule.message} {issue.rule.recommendation}"},
        "locations": [place],
        "partialFingerprints": {"kataAudit/v1": print},
        "baselineState": "unchanged" if issue.known else "new",
    }
    if issue.reason:
        result["suppressions"] = [{"kind": "inSource", "justification": issue.reason}]
    return result


def _uri(path: str) -> str:
    """Relative to where the audit was run, as code scanning wants it; absolute on another drive."""
    file = Path(path)
    if file.is_absolute():
        try:
            file = file.relative_to(Path.cwd())
        except ValueError:
            return file.as_uri()
    return quote(file.as_posix())
