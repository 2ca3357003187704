"""The report as a document, in the shape of an audit: overview, findings, good patterns, summary, recommendations."""

from __future__ import annotations

from collections.abc import Iterator

from kata.guards.audit_code import Report
from kata.guards.issue import TITLES, Issue
from kata.guards.report.chapters import PRIORITY_TITLES, by_priority, chapters, footnotes, head


def markdown(report: Report) -> str:
    """The report, to be put into a repository or an issue."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield from ("# Async pattern audit", "", "## Overview", "", f"{head(report)}.")
    yield from (line for note in footnotes(report) for line in ("", f"- {note}"))
    if report.new:
        yield from ("", "## Findings")
    for number, (kind, rules) in enumerate(chapters(report.new), 1):
        yield from ("", f"### {number}. {TITLES[kind]}")
        for part, (rule, places) in enumerate(rules, 1):
            yield from ("", f"#### {number}.{part} {rule.message.removesuffix('.')} (`{rule.id}`)", "")
            yield f"**Priority**: {rule.priority}"
            yield from ("", "**Location**:", "")
            for issue in places:
                yield from _place(issue)
            yield f"**Issue**: {rule.message}"
            yield from ("", f"**Impact**: {rule.impact}")
            yield from ("", f"**Recommendation**: {rule.recommendation}")
    if report.allowed:
        yield from ("", "## Allowed", "")
        yield from (f"- `{issue.location}`, `{issue.rule.id}`: {issue.reason}" for issue in report.allowed)
    yield from _good(report)
    yield from _summary(report)


def _place(issue: Issue) -> Iterator[str]:
    inside = f" in `{issue.qualname}`" if issue.qualname else ""
    yield f"- `{issue.path}:{issue.line}`{inside}"
    yield from ("", "  ```python", f"  {issue.source}", "  ```", "")


def _good(report: Report) -> Iterator[str]:
    if report.good:
        yield from ("", "## Good patterns", "")
        yield from ("| location | pattern | status |", "| --- | --- | --- |")
    for good in report.good:
        inside = f" in `{good.qualname}`" if good.qualname else ""
        yield f"| `{good.path}:{good.line}`{inside} | {good.message} | ✓ correct |"


def _summary(report: Report) -> Iterator[str]:
    yield from ("", "## Summary")
    if not report.new:
        yield from ("", "Nothing was found.")
    for priority, rules in by_priority(report.new):
        yield from ("", f"### {PRIORITY_TITLES[priority]}", "")
        for rule, places in rules:
            yield f"- {rule.message.removesuffix('.')}: {len(places)}"
    if report.new:
        yield from ("", "## Recommendations", "")
        told = [rule.recommendation for _, rules in by_priority(report.new) for rule, _ in rules]
        yield from (f"{number}. {each}" for number, each in enumerate(dict.fromkeys(told), 1))
