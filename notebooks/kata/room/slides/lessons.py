"""Which lessons there are slides of, by the number that a teacher calls them by."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kata.syllabus import Lesson, lessons

_NUMBER = re.compile(r"(\d+(?:\.\d+)?) · ")


class UnknownLesson(LookupError):
    """No lesson goes by this name; the message names those that there are."""


def number(lesson: Lesson) -> str:
    """A lesson's number, such as ``1.4``."""
    found = _NUMBER.match(lesson.title)
    return found.group(1) if found else lesson.file.removesuffix(".ipynb")


def chosen(names: Sequence[str]) -> list[Lesson]:
    """The lessons of these numbers or files, in the order of the course; all of them for none.

    Raises:
        UnknownLesson: If one is not there.
    """
    there = lessons()
    known = {number(lesson) for lesson in there} | {lesson.file for lesson in there}
    for name in names:
        if name not in known:
            raise UnknownLesson(f"no lesson {name!r}: there are {', '.join(map(number, there))}")
    return [lesson for lesson in there if not names or {number(lesson), lesson.file} & set(names)]
