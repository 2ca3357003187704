"""Comments that allow what a rule forbids: `# kata: allow RULE because REASON`, at the line's end or above it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_FORM = re.compile(r"#\s*kata:\s*allow\s+(?P<rule>[\w-]+)\s+because\s+(?P<reason>\S.*)")


@dataclass(frozen=True)
class Allowance:
    """A comment that allows something.

    Attributes:
        line: Where the comment stands.
        target: The line that it is about.
        rule: The rule's name; empty where the comment is not of the form above, and so without effect.
        reason: Why.
    """

    line: int
    target: int
    rule: str
    reason: str


def allowance(comment: str, line: int, lines: Sequence[str]) -> Allowance:
    """Read a comment.

    Args:
        comment: The comment, which begins with ``# kata: allow``.
        line: Where it stands, counted from 1.
        lines: The lines of the file.
    """
    form = _FORM.match(comment)
    target = line
    while target < len(lines) and lines[target - 1].lstrip().startswith("#"):
        target += 1  # a comment of its own is about the first line of code below it
    return Allowance(line, target, form["rule"] if form else "", form["reason"].strip() if form else "")
