"""The lessons as a plan sees them: their minutes, their parts, and where their code is edited."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kata import syllabus
from kata.audit import Audit, Finding, audit, project_root

_NUMBER = re.compile(r"(.+?) · ")
_MINUTES = re.compile(r"(\d+)(?: to read and run, (\d+) to \w+)?")
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)

Cell = Mapping[str, Any]


class NoLessons(LookupError):
    """There are no notebooks to plan with, or one does not say how long it takes; the message says what to do."""


@dataclass(frozen=True)
class Lesson:
    """A notebook, and its minutes.

    Attributes:
        number: What it is called by: ``00``, ``1.4``, ``7``.
        title: Number and title, as its first cell has them.
        file: Its name below ``notebooks/``.
        teach: Minutes to read and run it.
        do: Minutes for the refactoring, or for what it lets one try.
        finding: The finding that is mended in it, if there is one.
    """

    number: str
    title: str
    file: str
    teach: int
    do: int = 0
    finding: Finding | None = None

    @property
    def cells(self) -> Sequence[Cell]:
        """Its cells, as they are stored."""
        return json.loads((project_root() / "notebooks" / self.file).read_text(encoding="utf-8"))["cells"]

    @property
    def sections(self) -> Sequence[str]:
        """The titles of its parts, in their order."""
        return [title for title, _ in parts(self.cells) if title]

    @property
    def edited(self) -> Sequence[str]:
        """The files of the workspace that its refactoring changes."""
        places = self.finding.where if self.finding else ()
        return list(dict.fromkeys(f"workspace/{place.path}" for place in places))


def parts(cells: Sequence[Cell]) -> Iterator[tuple[str, Sequence[Cell]]]:
    """A notebook's cells by the part they belong to; what comes before the first part has no title."""
    title, kept = "", []
    for cell in cells:
        heading = _HEADING.search("".join(cell["source"])) if cell["cell_type"] == "markdown" else None
        if heading:
            yield title, kept
            title, kept = heading.group(1).strip(), []
        kept.append(cell)
    yield title, kept


def cells_of(lesson: Lesson, sections: Sequence[str] = ()) -> Sequence[Cell]:
    """A lesson's cells, or its head and those of some parts."""
    wanted = {"", *sections}
    return [cell for title, cells in parts(lesson.cells) if not sections or title in wanted for cell in cells]


def lessons(manifest: Audit | None = None) -> Mapping[str, Lesson]:
    """All lessons by number, in their order.

    Minutes are the manifest's; those of a lesson that the manifest does not have are what its first cell says.

    Raises:
        NoLessons: If there is none, or one without minutes.
    """
    manifest = manifest or audit()
    findings = {finding.notebook: finding for finding in manifest.findings}
    chapters = {section.notebook: section for section in manifest.sections}
    found = {}
    for each in syllabus.lessons():
        number = _NUMBER.match(each.title)
        if entry := findings.get(each.file) or chapters.get(each.file):
            teach, do = entry.teach, entry.do
        elif said := _MINUTES.match(each.minutes):
            teach, do = int(said[1]), int(said[2] or 0)
        else:
            raise NoLessons(f"{each.file} does not say how long it takes: write **Minutes** into its first cell")
        key = number[1] if number else Path(each.file).stem
        found[key] = Lesson(key, each.title, each.file, teach, do, findings.get(each.file))
    if not found:
        folder = project_root() / "notebooks"
        raise NoLessons(f"there are no lessons in {folder}: run it in a clone of the course, by `uv run kata plan`")
    return found
