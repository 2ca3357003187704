"""A lesson's cells as slides, by the metadata that Jupyter keeps for it in each cell.

What is more than a slide can hold goes on on another one below it, so that nothing is ever cut off.
"""

from __future__ import annotations

import json
import re
import struct
from base64 import b64decode
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kata.room.slides.blocks import ROOM, Block, embedded, output, picture, prose, said, source

SLIDE_TYPES = ("slide", "subslide", "fragment", "skip", "notes", "-")
"""Begins a slide, begins one below, appears on it at a key, is left out, is for the teacher, stands on it too."""

_CONTINUED = 44
"""Pixels of the line that says what goes on."""

_MOST_CONTINUED = ROOM - _CONTINUED
"""Pixels of height that are left below it."""

_WORTH_BREAKING = 200
"""Pixels that have to be left on a slide for a block of code to begin there and go on on the next."""


_TOOLS = "board|check|diff|hint|lessons|machine|measured|predict|predictions|ready|turn"
_ASKS = re.compile(rf"(?:from kata import .*\n|\s*\n)*(?:await )?(?:{_TOOLS})\(.*\)")
"""A cell that does nothing but ask one of the course's tools."""

_QUESTION = re.compile(r"^\d+(?:\.\d+)?, (?:before|after): ", re.MULTILINE)
"""Where something begins that is asked to be predicted, or was."""

_VERDICT = "\n\nverdict: "
"""Where the verdict on a refactoring begins; on slides it is a step of its own, so that a room can guess."""


@dataclass(frozen=True)
class Piece:
    """A block on a slide, and the step at which it appears, counted from 1; 0 stands for the beginning."""

    block: Block
    step: int = 0


@dataclass(frozen=True)
class Slide:
    """What is on the stage at a time.

    Attributes:
        pieces: What stands on it, from top to bottom.
        notes: What is for the teacher, as HTML.
        continues: The heading of the slide that this one goes on with; None where it is a slide of its own.
    """

    pieces: tuple[Piece, ...]
    notes: str = ""
    continues: str | None = None


@dataclass(frozen=True)
class Deck:
    """The slides of one lesson, in columns: the first of each is beside the others, the rest is below it."""

    columns: tuple[tuple[Slide, ...], ...]


@dataclass
class _Open:
    """A slide that cells are still put on."""

    pieces: list[Piece] = field(default_factory=list)
    notes: str = ""
    steps: int = 0


def read(file: Path, files: Iterable[str] = ()) -> Deck:
    """The slides of a notebook.

    Args:
        file: The notebook.
        files: The notebooks that there are slides of.
    """
    names = tuple(files)
    columns: list[list[_Open]] = []
    for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
        kind = slide_type(cell)
        if kind == "skip":
            continue
        if kind == "slide" or not columns:
            columns.append([_Open()])
        elif kind == "subslide":
            columns[-1].append(_Open())
        slide = columns[-1][-1]
        if kind == "notes":
            slide.notes += "".join(block.html for block in prose(_source(cell), names))
            continue
        slide.steps += kind == "fragment"
        step = slide.steps if kind == "fragment" else 0
        for block in blocks(cell, names):
            slide.steps += block.is_step
            slide.pieces.append(Piece(block, slide.steps if block.is_step else step))
    return Deck(tuple(_column(column) for column in columns))


def slide_type(cell: dict[str, Any]) -> str:
    """What a cell is on the slides; without a word about it, it stands with the one before."""
    return str(cell["metadata"].get("slideshow", {}).get("slide_type", "-"))


def blocks(cell: dict[str, Any], files: Iterable[str]) -> list[Block]:
    """What a cell shows.

    A chart speaks for itself, and so does what the course's own tools say: the code that asks is left to the lesson.
    """
    text = _source(cell)
    if cell["cell_type"] == "markdown":
        return prose(text, files)
    shown = _merged([block for each in cell["outputs"] for block in _output(each, files)])
    drawn = any("image/png" in each.get("data", {}) for each in cell["outputs"])
    if shown and (drawn or _ASKS.fullmatch(text)):
        return shown
    return [replace(source(text), leads=bool(shown)), *shown]


def _output(told: dict[str, Any], files: Iterable[str]) -> list[Block]:
    if "text" in told:
        return [output("".join(told["text"]))]
    data = told.get("data", {})
    words = "".join(data.get("text/plain", ""))
    if "image/png" in data:
        png = "".join(data["image/png"]).replace("\n", "")
        return [picture(png, words, struct.unpack(">II", b64decode(png[:64])[16:24]))]
    if "text/html" in data:
        return [embedded("".join(data["text/html"]), words, files)]
    if asked := _QUESTION.search(words):
        shown = words[: asked.start()].rstrip()
        return [*([output(shown)] if shown else []), said(words[asked.start() :].strip())]
    changed, verdict, why = words.partition(_VERDICT)
    if verdict:
        return [output(changed), replace(output(f"{verdict.strip()} {why}"), is_step=True)]
    return [output(words)] if words else []


def _merged(shown: Sequence[Block]) -> list[Block]:
    """What a cell has said in several goes is one text."""
    merged: list[Block] = []
    for block in shown:
        if merged and merged[-1].lines and block.lines and not block.is_step:
            lines = (*merged[-1].lines, *block.lines)
            merged[-1] = Block.of_lines(lines, block.kind)
        else:
            merged.append(block)
    return merged


def _column(slides: Iterable[_Open]) -> tuple[Slide, ...]:
    """Slides below each other; a heading holds until the next one."""
    pages, heading = list[Slide](), ""
    for slide in slides:
        pages += _paged(slide, heading)
        heading = next((p.block.heading for p in reversed(slide.pieces) if p.block.heading), heading)
    return tuple(pages)


def _paged(slide: _Open, heading: str) -> list[Slide]:
    """A slide, and those that it goes on on."""
    pages: list[list[Piece]] = [[]]
    headings, left, waiting = [heading], ROOM, deque(slide.pieces)
    while waiting:
        piece, page = waiting.popleft(), pages[-1]
        block = piece.block
        parts = block.split(left) if not page or (left >= _WORTH_BREAKING and block.height > _MOST_CONTINUED) else None
        if block.height <= left or not (page or parts):
            page.append(piece)
            left -= block.height
            continue
        if parts:
            page.append(replace(piece, block=parts[0]))
            waiting.appendleft(replace(piece, block=parts[1]))
        else:
            waiting.appendleft(piece)
            while len(page) > 1 and page[-1].block.leads:
                waiting.appendleft(page.pop())
        headings.append(next((each.block.heading for each in reversed(page) if each.block.heading), headings[-1]))
        pages.append([])
        left = _MOST_CONTINUED
    return [_page(pieces, slide, number, headings[number]) for number, pieces in enumerate(pages)]


def _page(pieces: Sequence[Piece], slide: _Open, number: int, heading: str) -> Slide:
    """Steps begin anew on each page; what a page begins with is there at once."""
    steps = sorted({piece.step for piece in pieces} - {0, pieces[0].step if number and pieces else 0})
    counted = tuple(replace(piece, step=steps.index(piece.step) + 1 if piece.step in steps else 0) for piece in pieces)
    return Slide(counted, slide.notes, heading if number else None)


def _source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])
