"""A verdict in plain text, for terminals, notebooks and screen readers."""

from __future__ import annotations

from kata.audit import Finding
from kata.verdict.model import Behaviour, Status, Verdict

MARKS = {Status.FIXED: "✓", Status.UNTOUCHED: "·", Status.PRESENT: "✗", Status.BROKEN: "✗", Status.ERROR: "✗"}

_NEXT = {
    Status.UNTOUCHED: "edit that line, save the file, and check again",
    Status.PRESENT: "the finding is still there: look at the culprit, or ask for a hint",
    Status.BROKEN: "bring the old behaviour back, then check again",
    Status.ERROR: "mend that first: it could not be judged",
}


def render(verdict: Verdict, finding: Finding, target: str) -> str:
    """A verdict in a few lines: status, behaviour, culprit, message, what to do next.

    Seconds are left out, so that the same verdict always reads the same.
    """
    lines = [f"{MARKS[verdict.status]} {finding.id} {finding.title} ({target}): {verdict.status}"]
    if verdict.behaviour is Behaviour.KEPT:
        lines.append("  behaviour: kept")
    if verdict.behaviour is Behaviour.CHANGED:
        lines.append("  behaviour: changed")
    lines += [f"  {line}" for line in verdict.message.splitlines()]
    if verdict.culprit is not None and verdict.culprit.source not in verdict.message:
        lines.append(f"  culprit: {verdict.culprit.file}:{verdict.culprit.line}, in {verdict.culprit.function}")
        lines.append(f"    {verdict.culprit.source}")
    if verdict.status is not Status.FIXED:
        lines.append(f"  next: {advice(verdict, finding, target)}")
    return "\n".join(lines)


def advice(verdict: Verdict, finding: Finding, target: str) -> str:
    """What to do next. Always the package's code: there is nothing else to be edited."""
    if verdict.culprit is None and verdict.status in (Status.UNTOUCHED, Status.PRESENT):
        return f"edit {target}/{finding.where[0]}, save the file, and check again"
    return _NEXT[verdict.status]
