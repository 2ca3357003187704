"""The teacher's board as a room sees it: in a browser, with thirty learners."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "room" / "board"))

from boards import Learner, served
from crowd import come, names

from kata.audit import audit

pytestmark = pytest.mark.slow

SIZES = ((1920, 1080), (1280, 720))
"""Of projectors."""

CAPITALS = 0.024
"""The least height of capital letters, as a part of the picture's. Letters of 1/200 of the distance are legible for
certain (17 minutes of arc; ISO 9241-303 asks for 16 at least): these are, from 4.8 times the picture's height away.
That is seven metres from a picture of a metre and a half."""

LETTERS = """elements => elements.map(element => {
    const style = getComputedStyle(element);
    const pen = document.createElement('canvas').getContext('2d');
    pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    return pen.measureText('H').actualBoundingBoxAscent;
})"""

CUT_OFF = """elements => elements.filter(element => {
    const box = element.getBoundingClientRect();
    const inside = box.top >= 0 && box.left >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
    return !inside || box.width === 0 || box.height === 0;
}).map(element => element.textContent)"""

STANDING = """() => Object.fromEntries([...document.querySelectorAll('#learners tbody tr')].map(row =>
    [row.querySelector('th').textContent, [...row.querySelectorAll('td')].map(cell => cell.dataset.status)]))"""


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A board with thirty learners in the middle of their work."""
    folder = tmp_path_factory.mktemp("room")
    with served(folder / "board.sqlite") as board:
        come(folder / "learners", board.invitation)
        yield board


@pytest.fixture
async def opened(board, page):
    """The teacher's page, as its address opens it."""
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(board.page)
    await page.locator("#learners tbody tr").first.wait_for()
    yield page
    assert complaints == []


async def test_the_room_sees_what_the_board_knows(board, opened):
    shown = await opened.evaluate(STANDING)
    ids = [finding.id for finding in audit().everything]
    assert shown == {name: [verdicts.get(id, "") for id in ids] for name, verdicts in board.verdicts().items()}
    assert set(shown) == set(names())
    assert await opened.locator("#how-many").inner_text() == "30 learners"
    room = board.room()
    for finding in room["findings"]:
        row = opened.locator("#findings thead th", has_text=finding["id"])
        assert (await row.get_attribute("class") == "is-stuck") == (finding["id"] in room["stuck"])
    fixed = await opened.locator("#findings tr[data-status=fixed] td").all_inner_texts()
    assert fixed == [str(finding["counts"]["fixed"] or "–") for finding in room["findings"]]
    assert board.code in await opened.locator("#join").inner_text()


async def test_it_is_a_table_for_those_who_hear_it(opened):
    table = opened.get_by_role("table", name="learners, part 1 of 2")
    assert await table.get_by_role("columnheader").all_inner_texts() == [finding.id for finding in audit().everything]
    assert await table.get_by_role("rowheader").count() == 15
    words = {"fixed", "still there", "broken", "not judged", "untouched", "not judged yet"}
    assert set(await opened.locator("#learners td .said").all_inner_texts()) == words
    assert await opened.locator("[aria-live], [role=status], [role=alert]").count() == 2


async def test_thirty_are_read_from_the_last_row(opened):
    for width, height in SIZES:
        await opened.set_viewport_size({"width": width, "height": height})
        for _ in ("who stands where", "numbers only"):
            await _is_legible(opened, height)
            await opened.keyboard.press("c")
        signs = opened.locator("#learners svg.sign")
        boxes = await signs.evaluate_all("signs => signs.map(sign => sign.getBoundingClientRect().height)")
        assert (len(boxes) > 100, min(boxes) >= CAPITALS * height) == (True, True)


async def _is_legible(page, height):
    scrolls = await page.evaluate(
        "[document.documentElement, document.querySelector('#room')].map(one =>"
        " [one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight])"
    )
    assert scrolls == [[0, 0], [0, 0]]
    texts = page.locator("main th, main td:has(svg), #findings td, #where-stuck, #join")
    assert await texts.evaluate_all(CUT_OFF) == []
    letters = await page.locator("main th, #findings td, #where-stuck, #how-many").evaluate_all(LETTERS)
    assert min(letters) >= CAPITALS * height


async def test_numbers_only_names_nobody_and_dark_and_light_are_a_key_away(opened):
    await opened.keyboard.press("c")
    await opened.locator("#findings tr[data-finding='1.1']").wait_for()
    text = await opened.evaluate("document.body.textContent")
    assert not [name for name in names() if len(name) > 2 and name in text]
    assert audit().finding("2.1").title in text
    await opened.get_by_role("button", name="numbers only").click()
    await opened.locator("#learners tbody tr").first.wait_for()
    await opened.emulate_media(color_scheme="light")
    colours = []
    for _ in range(3):
        colours.append(await opened.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
        await opened.keyboard.press("d")
    assert colours[0] == colours[2] == "rgb(255, 255, 255)" != colours[1]


async def test_the_token_leaves_the_address_at_once_and_opens_the_page_once_more(board, opened):
    assert opened.url == f"{board.url}/"
    assert await opened.evaluate("document.cookie") == ""
    await opened.reload()
    await opened.locator("#learners tbody tr").first.wait_for()


async def test_what_somebody_tells_is_seen_at_once_and_an_impolite_name_is_only_text(tmp_path, visit):
    with served(tmp_path / "board.sqlite") as board:
        page = await visit()
        dialogues = []
        page.on("dialog", lambda dialogue: dialogues.append(dialogue.message))
        await page.goto(board.page)
        await page.locator("#how-many", has_text="0 learners").wait_for()
        for number, name in enumerate(("<script>alert(1)", "<img src=x onerror=", "\"'&amp;")):
            learner = Learner(tmp_path / str(number), name)
            await asyncio.to_thread(learner.joins, board)
            row = page.locator("#learners tr", has=page.get_by_text(name, exact=True))
            await row.wait_for()
            for status in ("present", "fixed"):
                await asyncio.to_thread(learner.tells, _1_4=status)
                await row.locator(f"td[data-status={status}]").wait_for()
        assert await page.locator("main script, main img").count() == 0
        assert dialogues == []
        await asyncio.to_thread(board.kata, "--forget", name)
        await page.locator("#how-many", has_text="2 learners").wait_for()


async def test_a_finding_beyond_the_report_has_a_column_once_somebody_has_found_it(tmp_path, visit):
    with served(tmp_path / "board.sqlite") as board:
        page, ada = await visit(), Learner(tmp_path / "ada", "Ada")
        await page.goto(board.page)
        await asyncio.to_thread(ada.joins, board)
        await asyncio.to_thread(ada.tells, _1_4="present")
        await page.locator("#learners td[data-status=present]").wait_for()
        assert await page.get_by_role("columnheader", name="6.1").count() == 0
        await asyncio.to_thread(ada.tells, _6_1="fixed")
        await page.locator("#learners td[data-status=fixed]").wait_for()
        assert await page.get_by_role("columnheader", name="6.1").count() == 2
        assert audit().finding("6.1").title not in await page.content()


async def test_the_page_outlives_the_board(tmp_path, visit):
    file, ada = tmp_path / "board.sqlite", Learner(tmp_path / "ada", "Ada")
    page = await visit()
    with served(file) as board:
        await page.goto(board.page)
        await asyncio.to_thread(ada.joins, board)
        await page.locator("#learners tbody tr").wait_for()
    await page.locator("#connection", has_text="no board since").wait_for()
    assert await page.locator("#learners tbody th").inner_text() == "Ada"
    with served(file, f"--port={board.port}") as board:
        await page.locator("#connection:empty").wait_for(state="attached")
        await asyncio.to_thread(ada.tells, _1_4="fixed")
        await page.locator("#learners td[data-status=fixed]").wait_for()
        await asyncio.to_thread(board.kata, "--delete")
        await page.locator("#connection", has_text="no board since").wait_for()
    with served(file, f"--port={board.port}") as another:
        await page.locator("#door").wait_for()
        assert "Ada" not in await page.evaluate("document.body.textContent")
        await page.locator("#token").fill("wrong")
        await page.get_by_role("button", name="Open").click()
        await page.get_by_role("alert").get_by_text("That is not this board's token.").wait_for()
        await page.locator("#token").fill(another.page)
        await page.get_by_role("button", name="Open").click()
        await page.locator("#how-many", has_text="0 learners").wait_for()


async def test_a_page_that_slept_looks_for_the_board_when_it_wakes(tmp_path, visit):
    with served(tmp_path / "board.sqlite") as board:
        page, ada = await visit(), Learner(tmp_path / "ada", "Ada")
        await page.clock.install()
        await page.goto(board.page)
        await page.locator("#how-many", has_text="0 learners").wait_for()
        await page.evaluate("source.close()")  # as far as the page can tell, the board is only silent
        await asyncio.to_thread(ada.joins, board)
        await page.clock.fast_forward(60_000)
        await page.locator("#learners tbody th", has_text="Ada").wait_for()


async def test_without_the_token_there_is_a_door(board, visit):
    page = await visit()
    await page.goto(f"{board.url}/")
    await page.locator("#door").wait_for()
    assert await page.locator("main").is_hidden()
    await page.goto(f"{board.url}/#{board.code}")
    await page.reload()
    await page.get_by_role("alert").get_by_text("That token is not this board's").wait_for()
