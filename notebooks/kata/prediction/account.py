"""How the predictions came out, lesson by lesson: what was expected, what was measured, and how many were right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import indent, wrap

from kata import syllabus
from kata.prediction.questions import When, questions
from kata.prediction.record import SHELF, Kind, Outlook, outlook
from kata.target import workspace

_WIDTH = 80  # characters of a line in a terminal
_LEFT = "text-align: left; vertical-align: top; padding-right: 1em"
_PAIR = "text-align: left; padding-right: 1em; border-bottom: 1px solid var(--jp-border-color2, #bdbdbd)"

NOTHING = "You have put nothing down yet. Lessons ask you under Predict, and once more at the end of Wrong turns."

_NOTHING_IN = "Nothing put down:"


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
    def unanswered(self) -> tuple[str, ...]:
        """The lessons that nothing was put down for."""
        answered = {each.question.id for each in self.outlooks}
        return tuple(dict.fromkeys(each.id for each in questions() if each.id not in answered))

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
        margin, asked = " " * (widths[0] + 2), _asked()
        below = [indent("\n".join(wrap(asked[id], _WIDTH - len(margin))), margin) for id, *_ in self._rows]
        answers = [f"{line}\n{words}" for line, words in zip(lines[1:], below, strict=True)]
        left = [f"{_NOTHING_IN} {', '.join(self.unanswered)}."] if self.unanswered else []
        return "\n".join([lines[0], *answers, "", *self.summary, *left])

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

    def html(self, lessons: str) -> str:
        """The same as a table.

        Args:
            lessons: The way to the folder of the notebooks, for links.
        """
        if not self.outlooks:
            return f"<div>{escape(NOTHING)}</div>"
        pairs = "".join(f'<th colspan="2" scope="colgroup" style="{_PAIR}">{when}</th>' for when in When)
        names = "".join(f'<th scope="col" style="{_LEFT}">{name}</th>' for name in ("expected", "measured") * 2)
        head = f"<tr><th></th>{pairs}</tr><tr><th></th>{names}</tr>"
        links, asked = _links(lessons), _asked()
        body = (
            f'<tr><th scope="row" style="{_LEFT}; font-weight: normal; max-width: 32em">'
            f"{links[id]} {escape(asked[id])}</th>{_values(*_cells(before), *_cells(after))}</tr>"
            for id, before, after in self._rows
        )
        left = [f"{_NOTHING_IN} {', '.join(links[id] for id in self.unanswered)}."] if self.unanswered else []
        words = "".join(f"<div>{line}</div>" for line in [*map(escape, self.summary), *left])
        colour = "color: var(--jp-content-font-color1, inherit)"
        return f'<table style="{colour}">{head}{"".join(body)}</table><div style="{colour}">{words}</div>'


def account() -> Account:
    """How the predictions on this machine came out, as far as they go."""
    known = map(outlook, questions())
    return Account(tuple(each for each in known if each.expected is not None))


def _cells(each: Outlook | None) -> tuple[str, str]:
    if each is None:
        return "", ""
    mark = {True: " ✓", False: " ✗", None: ""}[each.is_right]
    return f"{each.expected}{'*' if each.is_late else ''}", f"{each.measured or '–'}{mark}"


def _values(*cells: str) -> str:
    return "".join(f'<td style="{_LEFT}">{escape(cell)}</td>' for cell in cells)


def _asked() -> Mapping[str, str]:
    """What each lesson asks before it shows anything, by the lesson's number."""
    return {each.id: each.asks for each in questions() if each.when is When.BEFORE}


def _links(lessons: str) -> Mapping[str, str]:
    """A link to each lesson that asks something, by the lesson's number.

    Args:
        lessons: The way to the folder of the notebooks.
    """
    files = [lesson.file for lesson in syllabus.lessons()]
    return {id: _link(id, lessons, files) for id in _asked()}


def _link(id: str, lessons: str, files: Sequence[str]) -> str:
    file = next((file for file in files if file.startswith(f"{id.replace('.', '_')}_")), "")
    return f'<a href="{lessons}/{file}">{escape(id)}</a>' if file else escape(id)
