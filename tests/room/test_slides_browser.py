"""The slides in a real browser: nothing is fetched, nothing is cut off, and the keys turn them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kata.audit import project_root
from kata.room.slides import chosen, write_slides
from kata.room.slides.deck import read
from kata.syllabus import Lesson, lessons

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
LESSONS = [pytest.param(lesson, id=lesson.file.removesuffix(".ipynb")) for lesson in lessons()]

MEASURED = """() => {
    document.querySelectorAll('details').forEach(each => { each.open = true; });
    const slides = Reveal.getSlides();
    for (const each of document.querySelectorAll('.slides section')) {
        each.style.setProperty('display', 'block', 'important');
        each.style.removeProperty('zoom');
    }
    return slides.map(slide => {
        const at = Reveal.getIndices(slide), ends = [...slide.children].map(each => each.offsetTop + each.offsetHeight);
        return {at: `${at.h}/${at.v || 0}`, words: slide.textContent.slice(0, 60), again: slide.dataset.continues || '',
                height: Math.max(slide.scrollHeight, ...ends), width: slide.scrollWidth};
    });
}"""
"""How much of the stage each slide takes, with its answers unfolded, before it would be made smaller."""

END = "document.querySelector('section.present:not(.stack) > :last-child').getBoundingClientRect().bottom"
"""Where what stands on the slide ends, in pixels of the screen."""


@pytest.fixture(scope="module")
def slides_page() -> Iterator[Any]:
    """One page for all of them: a new one costs more than what it shows."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is missing: uv sync --group browser")
    if CHROMIUM is None:
        pytest.skip("Chromium is missing: install it from the system's packages")
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    options = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync", *as_root]
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=options)
        page = chromium.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(60_000)
        yield page
        chromium.close()


@pytest.fixture(scope="module")
def decks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All decks, written."""
    folder = tmp_path_factory.mktemp("slides")
    write_slides(chosen([]), folder)
    return folder


class Shown:
    """What the page shows, what it has asked for, and what it has said in the console."""

    def __init__(self, page: Any) -> None:
        self.page, self.asked, self.said = page, list[str](), list[str]()

    def hears_request(self, request: Any) -> None:
        self.asked.append(request.url)

    def hears_line(self, message: Any) -> None:
        self.said.append(message.text)

    def hears_error(self, error: Any) -> None:
        self.said.append(str(error))

    def opens(self, file: Path) -> None:
        self.page.goto(file.as_uri())
        self.page.wait_for_function("() => !window.Reveal || Reveal.isReady()")

    @property
    def outside(self) -> list[str]:
        """What it has asked of anybody but the disk, and what it was not allowed to ask."""
        fetched = [url for url in self.asked if not url.startswith(("file:", "data:"))]
        return fetched + [line for line in self.said if "Content Security Policy" in line or "ERR_" in line]

    def at(self) -> tuple[int, int]:
        found = self.page.evaluate("Reveal.getIndices()")
        return found["h"], found["v"] or 0


@pytest.fixture
def show(slides_page: Any) -> Iterator[Callable[..., Shown]]:
    opened: list[Shown] = []

    def shown(file: Path, scheme: str = "light") -> Shown:
        slides_page.emulate_media(color_scheme=scheme)
        opened.append(Shown(slides_page))
        for event, hear in _heard(opened[-1]):
            slides_page.on(event, hear)
        opened[-1].opens(file)
        return opened[-1]

    yield shown
    for each in opened:
        for event, hear in _heard(each):
            slides_page.remove_listener(event, hear)


def _heard(shown: Shown) -> list[tuple[str, Callable[..., None]]]:
    return [("request", shown.hears_request), ("console", shown.hears_line), ("pageerror", shown.hears_error)]


def deck_of(lesson: Lesson, decks: Path) -> Path:
    return decks / lesson.file.replace(".ipynb", ".html")


def too_large(measured: list[dict[str, Any]], stage: tuple[int, int] = (1280, 720)) -> list[dict[str, Any]]:
    return [slide for slide in measured if slide["width"] > stage[0] or slide["height"] > stage[1]]


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_deck_fetches_nothing_cuts_nothing_off_and_has_the_slides_it_should_have(show, decks, lesson):
    shown = show(deck_of(lesson, decks))
    measured = shown.page.evaluate(MEASURED)
    deck = read(project_root() / "notebooks" / lesson.file)
    assert shown.outside == []
    assert shown.said == []
    assert too_large(measured) == []
    slides = [slide.continues is not None for column in deck.columns for slide in column]
    assert [bool(slide["again"]) for slide in measured] == slides


def planted(decks: Path, tmp_path: Path, old: str, new: str) -> Path:
    """Lesson 1.4's deck with something else in it."""
    html = (decks / "1_4_sleep_between_retries.html").read_text(encoding="utf-8")
    assert old in html
    file = tmp_path / "planted.html"
    file.write_text(html.replace(old, new, 1), encoding="utf-8")
    return file


@pytest.mark.parametrize("policy", [True, False], ids=["with its policy", "without"])
def test_a_link_to_a_cdn_is_found(show, decks, tmp_path, policy):
    html = "</title><link rel='stylesheet' href='http://cdn.invalid/reveal.css'>"
    file = planted(decks, tmp_path, "</title>", html)
    if not policy:
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace('http-equiv="Content-Security-Policy"', 'name="none"', 1), encoding="utf-8")
    shown = show(file)
    assert any("cdn.invalid" in each for each in shown.outside)


def test_a_slide_that_is_too_high_is_found(show, decks, tmp_path):
    shown = show(planted(decks, tmp_path, "<h2>The symptom</h2>", "<h2>The symptom</h2>" + "<p>more</p>" * 12))
    assert [slide["at"] for slide in too_large(shown.page.evaluate(MEASURED))] == ["1/0"]


def test_a_slide_that_is_too_high_is_made_smaller_so_that_nothing_is_cut_off(show, decks, tmp_path):
    """With other letters than those that the heights are reckoned by."""
    shown = show(planted(decks, tmp_path, "<h2>The symptom</h2>", "<h2>The symptom</h2>" + "<p>more</p>" * 12))
    shown.page.evaluate("Reveal.slide(1)")
    assert shown.page.evaluate(END) <= 720


def test_a_long_answer_that_is_unfolded_makes_the_slide_smaller(show, decks, tmp_path):
    html = "<p>more</p>" * 12
    shown = show(planted(decks, tmp_path, "open</summary>", f"open</summary>{html}"))
    shown.page.evaluate("Reveal.slide(2)")
    assert shown.page.evaluate(END) <= 720
    shown.page.locator("section.present summary").click()
    shown.page.wait_for_function("() => document.querySelector('section.present:not(.stack)').style.zoom !== ''")
    assert shown.page.evaluate(END) <= 720


def test_the_arrow_keys_and_the_space_bar_turn_the_slides(show, decks):
    shown = show(decks / "1_4_sleep_between_retries.html")
    way = [shown.at()]
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowDown", "ArrowUp", "ArrowLeft", "Space"):
        shown.page.keyboard.press(key)
        way.append(shown.at())
    assert way == [(0, 0), (1, 0), (2, 0), (3, 0), (3, 1), (3, 0), (2, 0), (3, 0)]


def test_the_space_bar_alone_leads_through_everything(show, decks):
    shown = show(decks / "1_1_folder_on_the_loop.html")
    seen, last = [shown.at()], shown.page.evaluate("Reveal.getTotalSlides()")
    for _ in range(200):
        if shown.page.evaluate("Reveal.isLastSlide() && !Reveal.availableFragments().next"):
            break
        shown.page.keyboard.press("Space")
        if shown.at() != seen[-1]:
            seen.append(shown.at())
    assert len(seen) == len(set(seen)) == last


def test_a_folded_answer_opens_by_key_and_by_mouse_without_turning_the_slide(show, decks):
    shown = show(decks / "1_4_sleep_between_retries.html")
    shown.page.evaluate("Reveal.slide(2)")
    answer = shown.page.locator("section.present details")
    shown.page.locator("section.present summary").focus()
    shown.page.keyboard.press("Space")
    assert answer.get_attribute("open") is not None
    shown.page.locator("section.present summary").click()
    assert answer.get_attribute("open") is None
    assert shown.at() == (2, 0)


def test_it_is_dark_where_the_screen_is_and_where_one_wants_it(show, decks):
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = show(decks / "1_4_sleep_between_retries.html", "dark").page.evaluate(paper)
    page = show(decks / "1_4_sleep_between_retries.html", "light").page
    assert page.evaluate(paper) != dark
    page.keyboard.press("d")
    assert page.evaluate(paper) == dark


def test_a_deck_leads_to_the_next_and_the_list_to_all_of_them(show, decks):
    shown = show(decks / "index.html")
    hrefs = shown.page.eval_on_selector_all("a", "all => all.map(each => each.getAttribute('href'))")
    assert hrefs == [lesson.file.replace(".ipynb", ".html") for lesson in lessons()]
    shown.page.click("a >> nth=1")
    shown.page.wait_for_function("() => window.Reveal && Reveal.isReady()")
    assert shown.page.title().startswith("01")
    assert shown.outside == []


def test_letters_and_paper_differ_enough_to_be_read_from_the_last_row(show, decks):
    """At least 7 to 1 for what is to be read and 4.5 to 1 for what is aside (WCAG 2.2, AAA and AA), light and dark."""
    for scheme in ("light", "dark"):
        page = show(decks / "1_4_sleep_between_retries.html", scheme).page
        value = "name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()"
        colours = {name: page.evaluate(value, f"--{name}") for name in ("paper", "ink", "faint", "block", "in", "out")}
        for paper in ("paper", "block"):
            assert contrast(colours["ink"], colours[paper]) >= 7, scheme
            for name in ("faint", "in", "out"):
                assert contrast(colours[name], colours[paper]) >= 4.5, (scheme, name)


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
