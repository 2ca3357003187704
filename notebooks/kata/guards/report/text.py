"""The report as plain text, for terminals."""

from __future__ import annotations

from collections.abc import Iterator

from kata.guards.audit_code import Report
from kata.guards.issue import TITLES, Issue
from kata.guards.report.chapters import chapters, footnotes, head


def text(report: Report) -> str:
    """Summary, issues by kind and priority, good patterns."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield head(report)
    for kind, rules in chapters(report.new):
        yield from ("", TITLES[kind])
        for rule, places in rules:
            yield from ("", f"  {rule.priority}  {rule.message} [{rule.id}]")
            for issue in places:
                yield from _place(issue)
            yield f"    impact: {rule.impact}"
            yield f"    recommendation: {rule.recommendation}"
    if report.allowed:
        yield from ("", "Allowed")
        for issue in report.allowed:
            yield f"  {issue.location}  {issue.rule.id}: {issue.reason}"
    if report.good:
        yield from ("", "Good patterns")
        for good in report.good:
            yield f"  ✓ {good.path}:{good.line}  {good.message}"
    notes = list(footnotes(report))
    if notes:
        yield from ("", *notes)


def _place(issue: Issue) -> Iterator[str]:
    inside = f", in {issue.qualname}" if issue.qualname else ""
    seen = f" (also {', '.join(issue.also)})" if issue.also else ""
    yield f"    {issue.location}{inside}{seen}"
    yield f"      {issue.source}"
