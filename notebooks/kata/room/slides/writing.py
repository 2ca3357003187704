"""Writes slides into a folder; what somebody else has put there, or has changed since, is never written over."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from kata.audit import project_root
from kata.room.slides.deck import read
from kata.room.slides.page import deck_page, index_page
from kata.syllabus import Lesson, lessons

INDEX = "index.html"

_SEAL = re.compile(r"\n<!-- kata slides: sha256 ([0-9a-f]{64}) -->\n\Z")


class NotOurs(OSError):
    """A file is in the way that `kata slides` has not written, or that was changed since; the message names it."""


def write_slides(chosen: Iterable[Lesson], folder: Path) -> list[Path]:
    """Write the slides of some lessons, and a list of all that are in the folder.

    Args:
        chosen: The lessons.
        folder: Where to; made if it is not there.

    Returns:
        What was written, the list last.

    Raises:
        NotOurs: If something else is in the way; nothing has been written then.
        OSError: If the folder cannot be written.
    """
    wanted, every = list(chosen), lessons()
    there = [lesson for lesson in every if lesson in wanted or _is_ours(folder / deck_file(lesson))]
    for name in (*(deck_file(lesson) for lesson in wanted), INDEX):
        _check(folder / name)
    folder.mkdir(parents=True, exist_ok=True)
    files = [lesson.file for lesson in there]
    written = []
    for lesson in wanted:
        deck = read(project_root() / "notebooks" / lesson.file, files)
        written.append(_write(folder / deck_file(lesson), deck_page(lesson, deck)))
    listed = [(lesson, deck_file(lesson)) for lesson in there]
    written.append(_write(folder / INDEX, index_page(listed)))
    return written


def deck_file(lesson: Lesson) -> str:
    """The name of the file of a lesson's slides."""
    return lesson.file.removesuffix(".ipynb") + ".html"


def _check(file: Path) -> None:
    if file.exists() and not _is_ours(file):
        raise NotOurs(
            f"{file} is in the way: it is not as `kata slides` has written it. "
            "Move it away, or write elsewhere with --output"
        )


def _is_ours(file: Path) -> bool:
    try:
        text = file.read_bytes().decode("utf-8")
    except (OSError, ValueError):
        return False
    seal = _SEAL.search(text)
    return bool(seal) and seal.group(1) == _sum(text[: seal.start()])


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(file: Path, text: str) -> Path:
    """Written beside it, then renamed: whoever opens it meets the old one or the new one."""
    sealed = f"{text}\n<!-- kata slides: sha256 {_sum(text)} -->\n"
    with tempfile.TemporaryDirectory(prefix=".kata-slides-", dir=file.parent, ignore_cleanup_errors=True) as folder:
        beside = Path(folder) / file.name
        beside.write_bytes(sealed.encode())
        os.replace(beside, file)
    return file
