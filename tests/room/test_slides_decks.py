"""Decks hold every cell that is not left out, whole, in the order and the steps that the notebooks' metadata says."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from functools import cache
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner

from kata.audit import project_root
from kata.cli import main
from kata.room.slides import NotOurs, UnknownLesson, chosen, write_slides
from kata.room.slides.blocks import ROOM, prose, source
from kata.room.slides.deck import SLIDE_TYPES, Deck, read, slide_type
from kata.room.slides.page import deck_page
from kata.syllabus import Lesson, lessons

LESSONS = [pytest.param(lesson, id=lesson.file.removesuffix(".ipynb")) for lesson in lessons()]
REVEAL = project_root() / "notebooks" / "kata" / "room" / "slides" / "reveal"


@cache
def deck_of(lesson: Lesson) -> Deck:
    return read(project_root() / "notebooks" / lesson.file, tuple(each.file for each in lessons()))


def notebook(folder: Path, *cells: tuple[str, str], outputs: tuple[str, ...] = ()) -> Path:
    """A notebook of cells, each with what it is on the slides; the last of them says so much."""
    made = [
        {"cell_type": "markdown", "metadata": {"slideshow": {"slide_type": kind}} if kind else {}, "source": [text]}
        for kind, text in cells
    ]
    if outputs:
        said = [{"output_type": "stream", "name": "stdout", "text": [text]} for text in outputs]
        made.append({"cell_type": "code", "metadata": {}, "source": ["talk()"], "outputs": said})
    file = folder / "a.ipynb"
    file.write_text(json.dumps({"cells": made}), encoding="utf-8")
    return file


def told(deck: Deck) -> str:
    """The words of a deck."""
    html = "\n".join(piece.block.html for column in deck.columns for slide in column for piece in slide.pieces)
    return unescape(re.sub(r"<[^>]*>", "", html))


def shape(deck: Deck) -> list[list[list[int]]]:
    """For each column, for each slide, the steps at which its pieces appear."""
    return [[[piece.step for piece in slide.pieces] for slide in column] for column in deck.columns]


def test_cells_become_slides_as_their_metadata_says(tmp_path):
    cells = [
        ("slide", "a"),
        ("-", "b"),
        ("fragment", "c"),
        ("skip", "no"),
        ("subslide", "d"),
        ("slide", "e"),
        ("", "f"),
    ]
    assert shape(read(notebook(tmp_path, *cells))) == [[[0, 0, 1], [0]], [[0, 0]]]


def test_notes_are_for_the_teacher_s_eyes(tmp_path):
    deck = read(notebook(tmp_path, ("slide", "a"), ("notes", "b")))
    assert told(deck) == "a\n"
    assert "b" in deck.columns[0][0].notes


@pytest.mark.parametrize("lesson", LESSONS)
def test_there_are_as_many_slides_as_the_metadata_says_and_what_they_go_on_on(lesson):
    file = project_root() / "notebooks" / lesson.file
    kinds = [slide_type(cell) for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]]
    deck = deck_of(lesson)
    assert set(kinds) <= set(SLIDE_TYPES)
    assert len(deck.columns) == kinds.count("slide")
    own = [slide for column in deck.columns for slide in column if slide.continues is None]
    assert len(own) == kinds.count("slide") + kinds.count("subslide")
    assert all(slide.pieces for column in deck.columns for slide in column)


@pytest.mark.parametrize("lesson", LESSONS)
def test_nothing_that_a_cell_says_is_lost_between_two_slides(lesson):
    file = project_root() / "notebooks" / lesson.file
    words = re.sub(r"\s+", "", told(deck_of(lesson)))
    for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
        if slide_type(cell) == "skip" or cell["cell_type"] != "code":
            continue
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data or "text/html" in data:
                continue
            said = "".join(output.get("text") or data.get("text/plain", ""))
            for line in said.splitlines():
                assert re.sub(r"\s+", "", line) in words, line


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_deck_asks_nothing_of_anybody(lesson):
    """What a browser would fetch stands in the file itself."""
    html = deck_page(lesson, deck_of(lesson))
    assert fetched(html) == []
    assert "sourceMappingURL" not in html


def fetched(html: str) -> list[str]:
    """What a page would fetch: scripts, styles, pictures, sounds; not what one has to click on."""
    html = re.sub(r"(<script\b[^>]*>).*?</script>", r"\1", html, flags=re.DOTALL)
    tags = re.findall(r"<(?:script|link|img|audio|video|iframe|source|object)\b[^>]*>", html)
    named = [value for tag in tags for value in re.findall(r"(?:src|href|data)=[\"']?([^\"'\s>]+)", tag)]
    styled = "\n".join(re.findall(r"<style>.*?</style>|style=\"[^\"]*\"", html, re.DOTALL))
    styles = re.findall(r"url\(\s*[\"']?([^\"')]+)|@import\s+[\"']([^\"']+)", styled)
    return [name for name in (*named, *("".join(each) for each in styles)) if not name.startswith("data:")]


def test_what_would_be_fetched_is_found():
    assert fetched('<script src="https://a.example/x.js"></script>') == ["https://a.example/x.js"]
    assert fetched("<link rel=stylesheet href=https://a.example/x.css>") == ["https://a.example/x.css"]
    assert fetched("<style>@import 'https://a.example/x.css'; b { background: url(x.png) }</style>") != []
    assert fetched('<img src="data:image/png;base64,AA"><a href="https://a.example">x</a>') == []


def test_code_goes_on_on_the_next_slide_and_all_of_it_is_there(tmp_path):
    lines = [f"line {number}" for number in range(60)]
    deck = read(notebook(tmp_path, ("slide", "# Long"), outputs=("\n".join(lines),)))
    (column,) = deck.columns
    assert len(column) > 2
    assert [slide.continues for slide in column[1:]] == ["Long"] * (len(column) - 1)
    assert [line for line in told(deck).splitlines() if line.startswith("line")] == lines
    assert all(sum(piece.block.height for piece in slide.pieces) <= ROOM for slide in column)


def test_a_heading_does_not_stay_behind_alone(tmp_path):
    long = "\n\n".join(["word " * 60] * 2)
    (column,) = read(notebook(tmp_path, ("slide", f"{long}\n\n# Heading\n\n{long}"))).columns
    assert [slide.pieces[-1].block.heading for slide in column] == ["", ""]


def test_coloured_code_keeps_its_colours_over_a_page_s_end():
    block = source('"""one\ntwo\nthree"""\n')
    first, rest = block.split(90)
    for part in (first, rest):
        assert part.html.count("<span") == part.html.count("</span>")
        assert 'class="s' in part.html


def test_the_verdict_on_a_refactoring_is_a_step_of_its_own(tmp_path):
    """The room can guess before it is told."""
    file = notebook(tmp_path, ("slide", "a"))
    table = json.loads(file.read_text(encoding="utf-8"))
    said = {"output_type": "execute_result", "data": {"text/plain": ["--- a.py\n+++ a.py\n\nverdict: broken\n  why"]}}
    cell = {"cell_type": "code", "metadata": {}, "source": ['await turn("1.4", "x")'], "outputs": [said]}
    file.write_text(json.dumps({"cells": [*table["cells"], cell]}), encoding="utf-8")
    assert shape(read(file)) == [[[0, 0, 1]]]


def test_a_link_leads_to_another_deck_or_to_the_network_or_is_only_words():
    (block,) = prose("[a](1_1_x.ipynb) [b](../starter/graph/nodes.py) [c](https://a.example/)", ["1_1_x.ipynb"])
    assert re.findall(r'href="([^"]+)"', block.html) == ["1_1_x.html", "https://a.example/"]
    assert "b" in block.html


def test_a_folded_answer_stays_together():
    text = "<details>\n<summary>open</summary>\n\nOne.\n\nTwo.\n\n</details>"
    (block,) = prose(text)
    assert block.html.index("<details>") < block.html.index("Two.") < block.html.index("</details>")


def test_lessons_are_called_by_their_numbers():
    assert [lesson.file for lesson in chosen(["1.4", "01"])] == [
        "01_pulse_of_the_loop.ipynb",
        "1_4_sleep_between_retries.ipynb",
    ]
    assert chosen([]) == lessons()
    with pytest.raises(UnknownLesson, match=r"no lesson '9.9': there are 00, 01, 1.1, 1.2"):
        chosen(["9.9"])


def test_reveal_is_what_its_makers_packed():
    kept = tomllib.loads((REVEAL / "vendored.toml").read_text(encoding="utf-8"))
    sums = {name: hashlib.sha256((REVEAL / name).read_bytes()).hexdigest() for name in kept["sha256"]}
    assert sums == kept["sha256"]
    assert "MIT" in kept["licence"]
    assert "Copyright" in (REVEAL / "LICENSE").read_text(encoding="utf-8")


def test_slides_are_written_again_over_slides_and_over_nothing_else(tmp_path):
    folder = tmp_path / "slides"
    first = write_slides(chosen(["1.4"]), folder)
    assert [file.name for file in first] == ["1_4_sleep_between_retries.html", "index.html"]
    assert write_slides(chosen(["1.4", "1.1"]), folder)[-1].read_text(encoding="utf-8").count(".html") == 2
    mine = folder / "1_4_sleep_between_retries.html"
    mine.write_text(mine.read_text(encoding="utf-8").replace("The symptom", "My symptom"), encoding="utf-8")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(NotOurs, match="1_4_sleep_between_retries.html is in the way"):
        write_slides(chosen(["1.1", "1.4"]), folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_the_list_of_decks_names_those_that_were_written_before(tmp_path):
    write_slides(chosen(["1.4"]), tmp_path)
    write_slides(chosen(["1.1"]), tmp_path)
    listed = re.findall(r'href="([^"]+)"', (tmp_path / "index.html").read_text(encoding="utf-8"))
    assert listed == ["1_1_folder_on_the_loop.html", "1_4_sleep_between_retries.html"]


def test_the_command_says_where_they_are_and_what_is_wrong(tmp_path):
    def kata(*arguments: str):
        return CliRunner().invoke(main, ["slides", *arguments])

    run = kata("1.4", "--output", str(tmp_path / "out"))
    assert run.exit_code == 0
    assert f"open {tmp_path / 'out' / 'index.html'} in a browser" in run.output
    (tmp_path / "out" / "index.html").write_text("mine", encoding="utf-8")
    run = kata("1.4", "--output", str(tmp_path / "out"))
    assert (run.exit_code, "Move it away, or write elsewhere with --output" in run.output) == (1, True)
    assert (tmp_path / "out" / "index.html").read_text(encoding="utf-8") == "mine"
    run = kata("2.9")
    assert (run.exit_code, "no lesson '2.9': there are 00" in run.output) == (2, True)
