"""The map of lessons, read from the notebooks themselves."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

from kata.audit import project_root

_TITLE = re.compile(r"# (.+)")
_MINUTES = re.compile(r"\*\*Minutes\*\*: (.+)")


@dataclass(frozen=True)
class Lesson:
    """A notebook of the course.

    Attributes:
        file: Its name.
        title: What its first cell says.
        minutes: How long it takes, in its own words.
    """

    file: str
    title: str
    minutes: str

    def __str__(self) -> str:
        return f"{self.title} (minutes: {self.minutes})"


def lessons() -> list[Lesson]:
    """All notebooks, in the order in which they are taken."""
    return [_lesson(file) for file in sorted((project_root() / "notebooks").glob("*.ipynb"))]


def linked(lessons: list[Lesson], folder: str) -> str:
    """A list of links, as HTML.

    Args:
        folder: The way to the notebooks.
    """
    items = (
        f'<li><a href="{folder}/{each.file}">{escape(each.title)}</a> (minutes: {escape(each.minutes)})</li>'
        for each in lessons
    )
    return f"<ul>{''.join(items)}</ul>"


def _lesson(file: Path) -> Lesson:
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    head = "".join(cells[0]["source"])
    title, minutes = _TITLE.search(head), _MINUTES.search(head)
    return Lesson(file.name, title.group(1) if title else file.stem, minutes.group(1) if minutes else "?")
