"""What stands on a slide, piece by piece: HTML, and how much of the stage's height it takes.

Nobody measures here, so heights are reckoned by the widest of the usual fonts, and rather too high than too low.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Self

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

STAGE = (1280, 720)
"""Pixels of the stage, whatever the screen: reveal.js scales it."""

WIDTH = 1184
"""Pixels of width that a slide has for what stands on it."""

ROOM = 660
"""Pixels of height that a slide has for what stands on it."""

PROSE, SAID, CODE = 40, 32, 26
"""Pixels of a line."""

COLUMNS, SAID_COLUMNS, CODE_COLUMNS = 74, 84, 95
"""Characters of a line."""

FRAME = 34
"""Pixels around the lines of code."""

_FEW = 5
"""Lines that are too few to go on on a slide of their own."""

PICTURE = 520
"""Pixels that a chart may be high."""

_DEEPEST_HEADING = {"h1": 70, "h2": 62, "h3": 52}
_FORMATTER = HtmlFormatter(nowrap=True)
_LINK = re.compile(r"[a-z]+:|#")


@dataclass(frozen=True)
class Block:
    """A piece that stays in one piece, or lines that may be told apart.

    Attributes:
        html: What is shown.
        height: Pixels it takes at the most, opened if it is folded.
        heading: What it says, if it is a heading.
        lines: Of a block of code, each with its height; such a block may go on on another slide.
        kind: The class of such a block.
        is_step: Whether it appears only at a key.
        leads: Whether it belongs with what comes next, as a heading does, and code with what it says.
    """

    html: str
    height: int
    heading: str = ""
    lines: tuple[tuple[str, int], ...] = ()
    kind: str = ""
    is_step: bool = False
    leads: bool = False

    @classmethod
    def of_lines(cls, lines: Sequence[tuple[str, int]], kind: str) -> Self:
        """A block of code, or of what a cell has said."""
        shown = "\n".join(line for line, _ in lines)
        height = FRAME + sum(height for _, height in lines)
        return cls(f'<pre class="{kind}">{shown}</pre>', height, "", tuple(lines), kind)

    def split(self, room: int) -> tuple[Block, Block] | None:
        """What of it fits into so much height, and the rest; None if it cannot be told apart there."""
        taken, fits = FRAME, 0
        for _, height in self.lines:
            if taken + height > room:
                break
            taken, fits = taken + height, fits + 1
        if not 0 < fits < len(self.lines):
            return None
        fits = self._good_place(max(1, min(fits, max(fits - _FEW, len(self.lines) - _FEW))))
        return Block.of_lines(self.lines[:fits], self.kind), Block.of_lines(self.lines[fits:], self.kind)

    def _good_place(self, most: int) -> int:
        """Where a diff is best told apart: before a file or a hunk, if there is one in the second half."""
        begins = [n for n, (line, _) in enumerate(self.lines) if re.match(r'<span class="at">(@@|---)', line)]
        files = {n for n in begins if "---" in self.lines[n][0][:24]}
        return max((n for n in begins if most / 2 < n <= most and n - 2 not in files), default=most)


def source(text: str, language: str = "python") -> Block:
    """Code, coloured."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        lexer = get_lexer_by_name("text", stripnl=False)
    coloured = highlight(text, lexer, _FORMATTER).rstrip("\n")
    return _block(text.rstrip("\n"), _unbroken(coloured), "code")


def output(text: str) -> Block:
    """What a cell has said. A unified diff gets its colours, wherever it begins."""
    lines = text.rstrip("\n").splitlines()
    coloured, is_diff = [], False
    for line in lines:
        is_diff = line.startswith("--- ") or (is_diff and line[:1] in (" ", "+", "-", "@"))
        colour = {"+": "in", "-": "out", "@": "at"}.get(line[:1]) if is_diff else None
        if line.startswith(("+++ ", "--- ")):
            colour = "at" if is_diff else None
        coloured.append(f'<span class="{colour}">{escape(line)}</span>' if colour else escape(line))
    return _block("\n".join(lines), coloured, "output")


def said(text: str) -> Block:
    """What the course itself asks or says, in letters for the last row: its first line is a heading."""
    heading, *lines = text.splitlines()
    height = FRAME + SAID * sum(max(1, math.ceil(len(line) / SAID_COLUMNS)) for line in (heading, *lines))
    rows = "".join(f"<div>{escape(line.strip())}</div>" for line in lines)
    return Block(f'<div class="said"><strong>{escape(heading)}</strong>{rows}</div>', height)


def picture(data: str, words: str, shape: tuple[int, int]) -> Block:
    """A chart.

    Args:
        data: The PNG, in base64.
        words: What it says, for those who cannot see it.
        shape: Its width and height in pixels.
    """
    width, height = shape
    shown = min(PICTURE, round(WIDTH * height / width))
    image = f'<img class="chart" alt="{escape(words, quote=True)}" src="data:image/png;base64,{data}">'
    return Block(f"<figure>{image}</figure>", shown + 36)


def embedded(html: str, text: str, files: Iterable[str] = ()) -> Block:
    """What a cell shows as HTML, such as a table or something to listen to.

    Args:
        html: The HTML.
        text: The same in words, which say how much it is.
        files: The lessons that there are slides of.
    """
    decks = _decks(files)
    linked = re.sub(r'href="(?:\./)?([^"/:]+)"', lambda link: f'href="{decks.get(link[1], "#")}"', html)
    tags = len(re.findall(r"<tr|<li|<div|<audio", html))
    return Block(f'<div class="embedded">{linked}</div>', 30 + 34 * max(tags, len(text.splitlines())))


def prose(text: str, files: Iterable[str] = ()) -> list[Block]:
    """Markdown, block by block. What is folded stays together with what it is folded under.

    Args:
        text: The cell's source.
        files: The lessons that there are slides of, to be linked to; a link to any other file is only its words.
    """
    reader = MarkdownIt("commonmark", {"html": True, "highlight": _fenced}).enable("table")
    decks = _decks(files)
    tokens = [_relinked(token, decks) for token in reader.parse(text)]
    return [_block_of(group, str(reader.renderer.render(group, reader.options, {}))) for group in _groups(tokens)]


def _decks(files: Iterable[str]) -> dict[str, str]:
    """The file of each lesson's slides, by the lesson's."""
    return {file: f"{file.removesuffix('.ipynb')}.html" for file in files}


def _block_of(group: Sequence[Token], html: str) -> Block:
    heading = group[1].content if group[0].type == "heading_open" else ""
    introduces = group[-1].type == "paragraph_close" and _words(group[1]).endswith(":")
    return Block(html, _height(group), heading, leads=bool(heading) or introduces)


def _block(text: str, coloured: Sequence[str], kind: str) -> Block:
    heights = (CODE * max(1, math.ceil(len(line) / CODE_COLUMNS)) for line in text.split("\n"))
    return Block.of_lines(tuple(zip(coloured, heights, strict=True)), kind)


def _unbroken(coloured: str) -> list[str]:
    """The lines of coloured code, each with all the spans that it is in: a string may go over several."""
    lines, open_spans = [], ""
    for line in coloured.split("\n"):
        whole = open_spans + line
        left = re.findall(r"<span[^>]*>|</span>", whole)
        stack: list[str] = []
        for tag in left:
            if tag == "</span>":
                stack.pop()
            else:
                stack.append(tag)
        lines.append(whole + "</span>" * len(stack))
        open_spans = "".join(stack)
    return lines


def _fenced(text: str, language: str, _: str) -> str:
    return f'<pre class="code">{"".join(line + chr(10) for line in _coloured(text, language))}</pre>'


def _coloured(text: str, language: str) -> list[str]:
    return [line for line, _ in source(text, language or "text").lines]


def _groups(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Top-level blocks; what stands between <details> and its end is one."""
    group: list[Token] = []
    folded = 0
    for token in tokens:
        group.append(token)
        if token.type == "html_block":
            folded += token.content.count("<details") - token.content.count("</details>")
        if token.level == 0 and token.nesting != 1 and not folded:
            yield group
            group = []
    if group:
        yield group


def _relinked(token: Token, decks: dict[str, str]) -> Token:
    closes: list[bool] = []
    for child in token.children or ():
        if child.type == "link_open":
            target = str(child.attrs.get("href", ""))
            closes.append(_relink(child, target, decks))
        elif child.type == "link_close" and closes.pop():
            child.tag = "span"
    return token


def _relink(link: Token, target: str, decks: dict[str, str]) -> bool:
    """Lead a link where it can lead to from a slide; whether it is no link any more."""
    if _LINK.match(target):
        link.attrs = {"href": target, "target": "_blank", "rel": "noreferrer"}
        return False
    if target in decks:
        link.attrs = {"href": decks[target]}
        return False
    link.tag, link.attrs = "span", {"class": "file"}
    return True


def _height(group: Sequence[Token]) -> int:
    height, table_row, summary = 0, 0, 0
    for token in group:
        if token.type == "heading_open":
            height += _DEEPEST_HEADING.get(token.tag, 46)
        elif token.type == "fence":
            height += FRAME + CODE * len(token.content.splitlines())
        elif token.type == "html_block":
            summary = 50 if "<summary" in token.content else 12
            height += summary
        elif token.type == "tr_open":
            table_row = 0
        elif token.type == "tr_close":
            height += 14 + 34 * max(1, math.ceil(table_row / 84))
        elif token.type == "inline":
            shown = len(_words(token))
            if token.level >= 3 and group[0].type == "table_open":
                table_row += shown + 4
            elif group[0].type != "heading_open":
                height += PROSE * max(1, math.ceil(shown / COLUMNS)) + (8 if token.level > 1 else 20)
            else:
                height += PROSE * (math.ceil(shown / 46) - 1)
    return height


def _words(token: Token) -> str:
    return "".join(child.content if child.type != "softbreak" else " " for child in token.children or ())
