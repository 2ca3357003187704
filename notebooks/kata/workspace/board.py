"""The board: how every finding stands in the workspace, in text and as a table for a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from kata.audit import Finding, Section, audit
from kata.verdict.model import Status, Verdict
from kata.verdict.text import MARKS


@dataclass(frozen=True)
class Standing:
    """How a finding stands in the workspace.

    Attributes:
        finding: The finding.
        verdict: The last verdict, or None if it was never judged.
        changed: The files that have changed since, so that the verdict is out of date.
    """

    finding: Finding
    verdict: Verdict | None = None
    changed: tuple[str, ...] = ()

    @property
    def is_current(self) -> bool:
        """Whether there is a verdict, and it is on the files that stand there."""
        return self.verdict is not None and not self.changed

    @property
    def is_fixed(self) -> bool:
        """Whether the files that stand there have been judged, and the finding is fixed in them."""
        return self.is_current and self.verdict is not None and self.verdict.status is Status.FIXED

    @property
    def minutes(self) -> int:
        """Minutes that the teacher's plan has for it: the lesson and the refactoring."""
        return self.finding.teach + self.finding.do

    @property
    def mark(self) -> str:
        """A character for it; a question mark for a verdict that is out of date."""
        if self.verdict is None:
            return " "
        return MARKS[self.verdict.status] if self.is_current else "?"

    def __str__(self) -> str:
        if self.verdict is None:
            return "not checked yet"
        changed = f", out of date: {', '.join(self.changed)} changed" if self.changed else ""
        return f"{self.verdict.status}{changed}"


@dataclass(frozen=True)
class Board:
    """All findings, and how they stand."""

    standings: tuple[Standing, ...]

    @property
    def fixed(self) -> int:
        """How many are fixed."""
        return sum(standing.is_fixed for standing in self.standings)

    @property
    def minutes(self) -> int:
        """Minutes of the teacher's plan, all in all."""
        return sum(standing.minutes for standing in self.standings)

    @property
    def minutes_left(self) -> int:
        """Minutes of the teacher's plan for what is not fixed."""
        return sum(standing.minutes for standing in self.standings if not standing.is_fixed)

    @property
    def next(self) -> Standing | None:
        """The first that is not fixed, or None."""
        return next((standing for standing in self.standings if not standing.is_fixed), None)

    def of(self, section: Section) -> tuple[Standing, ...]:
        """Those of one section of the report."""
        return tuple(each for each in self.standings if each.finding.id.startswith(f"{section.number}."))

    def _sections(self) -> Iterator[Section]:
        """Those that have something on the board."""
        return (section for section in audit().sections if self.of(section) or audit().patterns_of(section))

    @property
    def summary(self) -> str:
        """How far it is, in a line."""
        return f"{self.fixed} of {len(self.standings)} fixed, {self.minutes_left} of {self.minutes} minutes left"

    def __str__(self) -> str:
        lines = []
        for section in self._sections():
            lines.append(f"{section.number} {section.title}")
            lines += [_line(standing) for standing in self.of(section)]
            lines += [f"    {p.id}  good            {p.title}" for p in audit().patterns_of(section)]
        lines.append(self.summary)
        if self.next:
            lines.append(f"next: {self.next.finding.id} {self.next.finding.title}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """The same as plain data, for JSON."""
        return {
            "fixed": self.fixed,
            "findings": [
                {
                    "id": each.finding.id,
                    "status": None if each.verdict is None else str(each.verdict.status),
                    "changed_since": list(each.changed),
                    "minutes": each.minutes,
                }
                for each in self.standings
            ],
            "minutes": self.minutes,
            "minutes_left": self.minutes_left,
        }

    def html(self, lessons: str) -> str:
        """The same as a table.

        Args:
            lessons: The way to the folder of the notebooks, for links.
        """
        rows = []
        for section in self._sections():
            rows.append(f'<tr><th colspan="6" {_LEFT}>{section.number} {escape(section.title)}</th></tr>')
            rows += [_row(standing, lessons) for standing in self.of(section)]
            for pattern in audit().patterns_of(section):
                rows.append(_cells("", pattern.id, "good", "", _title(pattern.title, section.notebook, lessons), ""))
        nearest = f" Next: {escape(self.next.finding.id)}." if self.next else ""
        return f"<table>{''.join(rows)}</table><div>{escape(self.summary)}.{nearest}</div>"


_LEFT = 'style="text-align: left"'


def _line(standing: Standing) -> str:
    finding = standing.finding
    minutes = f"{standing.minutes:>3} min"
    return f"  {standing.mark} {finding.id}  {finding.priority:<6} {minutes}  {finding.title}: {standing}"


def _row(standing: Standing, lessons: str) -> str:
    finding = standing.finding
    title = _title(finding.title, finding.notebook, lessons)
    status = f"<strong>{escape(str(standing))}</strong>" if standing.is_current else escape(str(standing))
    return _cells(standing.mark, finding.id, finding.priority, f"{standing.minutes} min", title, status)


def _title(title: str, notebook: str | None, lessons: str) -> str:
    return f'<a href="{lessons}/{notebook}">{escape(title)}</a>' if notebook else escape(title)


def _cells(*contents: str) -> str:
    return f"<tr>{''.join(f'<td {_LEFT}>{content}</td>' for content in contents)}</tr>"
