"""How the predictions came out, lesson by lesson: what was expected, what was measured, and how many were right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from kata.prediction.questions import When, questions
from kata.prediction.record import SHELF, Kind, Outlook, outlook
from kata.target import workspace

NOTHING = "You have put nothing down yet. Lessons ask you under Predict, and once more at the end of Wrong turns."


@dataclass(frozen=True)
class Account:
    """All questions that something was put down for.

    Attributes:
        outlooks: What is known of each.
    """

    outlooks: tuple[Outlook, ...]

    def of(self, when: When) -> tuple[Outlook, ...]:
        """Those before, or those after."""
        return tuple(each for each in self.outlooks if each.question.when is when)

    def counted(self, when: When) -> tuple[Outlook, ...]:
        """Those that were put down in time and have been measured."""
        return tuple(each for each in self.of(when) if each.is_right is not None and not each.is_late)

    def right(self, when: When) -> int:
        """How many of these were measured as expected."""
        return sum(bool(each.is_right) for each in self.counted(when))

    def _score(self, when: When) -> str:
        counted = len(self.counted(when))
        return f"{self.right(when)} of {counted} came as you expected" if counted else "there is nothing to count yet"

    @property
    def _rows(self) -> list[tuple[str, Outlook | None, Outlook | None]]:
        ids = dict.fromkeys(each.question.id for each in self.outlooks)
        found = {(each.question.id, each.question.when): each for each in self.outlooks}
        return [(id, found.get((id, When.BEFORE)), found.get((id, When.AFTER))) for id in ids]

    @property
    def summary(self) -> list[str]:
        """How many were right, in words; and what is kept where."""
        lines = [
            f"Before the lessons had shown it, {self._score(When.BEFORE)}.",
            f"After them, of code that they had not shown, {self._score(When.AFTER)}.",
        ]
        late = sum(each.is_late for each in self.outlooks)
        if late:
            lines.append(f"Not counted: {late} that you put down when it had been measured already (*).")
        waiting = sum(each.measured is None for each in self.outlooks)
        if waiting:
            lines.append(f"Not measured yet: {waiting} (–). The cells after the prediction do it.")
        lines.append(f"This is yours: it is kept in {workspace().name}/{SHELF} on this machine, and is sent nowhere.")
        return lines

    def __str__(self) -> str:
        if not self.outlooks:
            return NOTHING
        rows = [("", "before: expected", "measured", "after: expected", "measured")]
        rows += [(id, *_cells(before), *_cells(after)) for id, before, after in self._rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([*lines, "", *self.summary])

    def as_dict(self) -> dict[str, object]:
        """The same as plain data, for JSON."""
        return {
            "predictions": [
                {
                    "id": each.question.id,
                    "when": str(each.question.when),
                    "asks": each.question.asks,
                    "turn": each.question.turn_name or None,
                    "expected": each.expected,
                    "measured": each.measured,
                    "right": each.is_right,
                    "late": each.is_late,
                    "put_down": [
                        {"answer": entry.answer, "at": entry.at.isoformat()} for entry in each.of(Kind.EXPECTED)
                    ],
                }
                for each in self.outlooks
            ],
            **{str(when): {"right": self.right(when), "of": len(self.counted(when))} for when in When},
        }

    def html(self) -> str:
        """The same as a table."""
        if not self.outlooks:
            return f"<div>{escape(NOTHING)}</div>"
        head = '<tr><th></th><th colspan="2">before</th><th colspan="2">after</th></tr>' + _row(
            "th", ["", "expected", "measured", "expected", "measured"]
        )
        body = (_row("td", [id, *_cells(before), *_cells(after)]) for id, before, after in self._rows)
        words = "".join(f"<div>{escape(line)}</div>" for line in self.summary)
        colour = "color: var(--jp-content-font-color1, inherit)"
        return f'<table style="{colour}">{head}{"".join(body)}</table>{words}'


def account() -> Account:
    """How the predictions on this machine came out, as far as they go."""
    known = map(outlook, questions())
    return Account(tuple(each for each in known if each.expected is not None))


def _cells(each: Outlook | None) -> tuple[str, str]:
    if each is None:
        return "", ""
    mark = {True: " ✓", False: " ✗", None: ""}[each.is_right]
    return f"{each.expected}{'*' if each.is_late else ''}", f"{each.measured or '–'}{mark}"


def _row(tag: str, cells: Iterable[str]) -> str:
    left = 'style="text-align: left; padding-right: 1em"'
    return f"<tr>{''.join(f'<{tag} {left}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"
