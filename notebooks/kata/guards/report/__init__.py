"""The audit's report, in the forms that people and programs read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from kata.guards.audit_code import Report
from kata.guards.report.github import annotations
from kata.guards.report.markdown import markdown
from kata.guards.report.sarif import sarif
from kata.guards.report.table import table
from kata.guards.report.text import text


def _json(of: Callable[[Report], dict]) -> Callable[[Report], str]:
    return lambda report: json.dumps(of(report), indent=2, ensure_ascii=False)


FORMATS: Mapping[str, Callable[[Report], str]] = {
    "text": text,
    "markdown": markdown,
    "json": _json(table),
    "sarif": _json(sarif),
    "github": annotations,
}
"""What turns a report into text, by the format's name."""
