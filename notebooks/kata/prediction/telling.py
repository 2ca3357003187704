"""One question as a lesson shows it: what is asked, what was put down, what was measured; in text and as a card."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from kata.prediction.questions import VERDICTS
from kata.prediction.record import Outlook
from kata.verdict.html import framed

LATE = "when it had been measured already"


def marked(outlook: Outlook) -> str:
    """How the measured answer stands to the expected one, in words and with a mark."""
    if outlook.is_right is None:
        return ""
    return "as you expected ✓" if outlook.is_right else "not as you expected ✗"


def asked(outlook: Outlook) -> str:
    """The question, and the lesson it is asked in."""
    question = outlook.question
    return f"{question.id}, {question.when}: {question.asks}"


def answered(outlook: Outlook, *, is_shown: bool) -> list[str]:
    """What was put down and what was measured, a line for each.

    Args:
        outlook: What is known.
        is_shown: Whether what was measured may be told to somebody who has put nothing down.
    """
    lines = []
    if outlook.expected is not None:
        lines.append(f"you expected: {outlook.expected}{_aside(outlook)}")
    elif is_shown:
        lines.append("you expected: nothing was put down")
    if outlook.measured is not None and (is_shown or outlook.expected is not None):
        words = marked(outlook)
        lines.append(f"measured: {outlook.measured}{words and ', '}{words}")
    return lines


def invitation(outlook: Outlook) -> list[str]:
    """The words to answer with, and where to put one; empty for somebody who has put one down."""
    question = outlook.question
    if outlook.expected is not None:
        return []
    meanings = [f"{word}: {meaning}" for word, meaning in VERDICTS.items()] if question.finding else []
    seen = [f"you have run this lesson before, so it will be noted that you answer {LATE}"]
    return [
        *meanings,
        f'write {question.choice} into {question.when}="", and run this cell again',
        *(seen if outlook.measured is not None else []),
    ]


def text(heading: str, lines: Iterable[str]) -> str:
    """A heading, and lines below it."""
    return "\n".join([heading, *(f"  {line}" for line in lines)])


def card(heading: str, lines: Iterable[str]) -> str:
    """The same as HTML."""
    rows = "".join(f"<div>{escape(line)}</div>" for line in lines)
    return framed(f"<div><strong>{escape(heading)}</strong></div>{rows}", label=heading)


def notice(line: str) -> str:
    """A line that stands above a card, as HTML."""
    colour = "color: var(--jp-content-font-color1, inherit)"
    return f'<div role="status" style="{colour}"><strong>{escape(line)}</strong></div>'


def _aside(outlook: Outlook) -> str:
    late = f", put down {LATE}" if outlook.is_late else ""
    later = f" (you put this down first, so it stays; then {', '.join(outlook.later)})" if outlook.later else ""
    return late + later
