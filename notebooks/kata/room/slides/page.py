"""A deck, and the list of all decks, each as one HTML file in which everything stands that it needs.

reveal.js turns the slides. It is kept beside this module, as its makers packed it, and put into each file as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib import resources

from pygments.formatters import HtmlFormatter

from kata.room.slides.deck import Deck, Piece, Slide
from kata.syllabus import Lesson

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; media-src data:; font-src data:"
)
"""The browser is told, too, that nothing may be fetched."""

_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)
"""What a browser's tools for developers would fetch."""


def deck_page(lesson: Lesson, deck: Deck) -> str:
    """A lesson's slides."""
    columns = "".join(f"<section>{''.join(map(_section, column))}</section>\n" for column in deck.columns)
    body = (
        f'<div class="reveal"><div class="slides">\n{columns}</div></div>\n'
        f'<div class="where">{escape(lesson.title)}</div>\n'
        f"<script>{_kept('reveal/reveal.js')}</script>\n<script>{_kept('slides.js')}</script>\n"
    )
    style = f"{_kept('reveal/reveal.css')}\n{_colours()}\n{_kept('slides.css')}"
    return _page(lesson.title, style, body, "deck")


def index_page(decks: Sequence[tuple[Lesson, str]]) -> str:
    """The list of decks.

    Args:
        decks: The lessons, and the file of each one's slides.
    """
    rows = "".join(
        f'<li><a href="{escape(file, quote=True)}">{escape(lesson.title)}</a> '
        f"<small>minutes: {escape(lesson.minutes)}</small></li>"
        for lesson, file in decks
    )
    keys = (
        ("→ ← ↓ ↑", "to the slides beside and below; the space bar takes all of them in their order"),
        ("Esc", "all slides at a glance"),
        ("F", "the whole screen"),
        ("D", "dark or light"),
        ("B", "a black screen, and back"),
        ("?", "all keys"),
    )
    table = "".join(f"<tr><th><kbd>{key}</kbd></th><td>{escape(what)}</td></tr>" for key, what in keys)
    title = "Unblock the Loop: slides"
    body = f"<main><h1>{title}</h1><ol>{rows}</ol><table>{table}</table></main>"
    return _page(title, _kept("slides.css"), body, "list")


def _page(title: str, style: str, body: str, kind: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f'<style>{style}</style>\n</head>\n<body class="{kind}">\n{body}</body>\n</html>\n'
    )


def _section(slide: Slide) -> str:
    again = ' data-continues="true"' if slide.continues is not None else ""
    head = f'<p class="continues">{escape(slide.continues or "")} …</p>' if slide.continues is not None else ""
    notes = f'<aside class="notes">{slide.notes}</aside>' if slide.notes else ""
    return f"<section{again}>{head}{''.join(map(_piece, slide.pieces))}{notes}</section>\n"


def _piece(piece: Piece) -> str:
    if not piece.step:
        return f"<div>{piece.block.html}</div>"
    return f'<div class="fragment" data-fragment-index="{piece.step - 1}">{piece.block.html}</div>'


@cache
def _kept(name: str) -> str:
    text = resources.files("kata.room.slides").joinpath(name).read_text(encoding="utf-8")
    return _SOURCE_MAP.sub("", text)


def _colours() -> str:
    """Those of code, for a light and for a dark screen."""
    light = HtmlFormatter(style="default").get_style_defs(".code")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".dark .code")
    return f"{_without_background(light)}\n{_without_background(dark)}"


def _without_background(style: str) -> str:
    return "\n".join(line for line in style.splitlines() if "background" not in line and "line-height" not in line)
