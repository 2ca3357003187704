"""A verdict in the notebook: words for everybody, a card where there is HTML, and a loop that turns meanwhile."""

from __future__ import annotations

import re
from html import unescape

import pytest
from jupyter_client.manager import start_new_kernel

from kata.audit import audit
from kata.instruments.culprit import Culprit
from kata.instruments.pulse import Pulse
from kata.lesson import board, check, diff, hint
from kata.target import WORKSPACE_VARIABLE
from kata.verdict.html import card
from kata.verdict.model import Behaviour, Status, Verdict
from kata.verdict.text import render

SLEEP = audit().finding("1.4")
CULPRIT = Culprit("workspace/a.py", 7, "A.b", "time.sleep(a < b & c)")
VERDICTS = [
    Verdict("1.4", Status.FIXED, Behaviour.KEPT, None, "the event loop turns, and the behaviour is kept", 1.0),
    Verdict("1.4", Status.UNTOUCHED, Behaviour.KEPT, CULPRIT, "the event loop stood still: time.sleep", 1.0),
    Verdict("1.4", Status.PRESENT, Behaviour.KEPT, CULPRIT, "the event loop stood still: time.sleep", 1.0),
    Verdict("1.4", Status.BROKEN, Behaviour.CHANGED, None, "await f(<b>)\n  expected: 1 & 2\n  got:      3\n4", 1.0),
    Verdict("1.4", Status.ERROR, None, CULPRIT, "it does not import\n  a.py:1\nSyntaxError: '<' was never closed", 1.0),
]


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(tmp_path / "workspace"))


def words(html: str) -> list[str]:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html))).split()


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: str(verdict.status))
def test_a_card_says_every_word_that_the_text_says(verdict):
    said = words(card(verdict, SLEEP, "workspace", "board: 1 of 6 fixed"))
    told = re.sub(r"(expected|got):", r"\1", render(verdict, SLEEP, "workspace")).split()
    plain = " ".join(said).replace("( ", "(").replace(" )", ")").replace(" :", ":").split()
    assert [word for word in told if word not in plain] == []
    assert "1 of 6 fixed" in " ".join(plain)


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: str(verdict.status))
def test_a_card_takes_its_colours_from_the_theme(verdict):
    html = card(verdict, SLEEP, "workspace")
    colours = re.findall(r"(?:color|background|border[\w-]*): ([^;\"]*)", html)
    assert colours
    assert all("var(--jp-" in colour for colour in colours)
    assert "<style" not in html
    assert "<script" not in html


def test_what_a_learner_wrote_is_shown_and_not_interpreted():
    html = card(VERDICTS[3], SLEEP, "<workspace>")
    assert "<b>" not in html
    assert "<workspace>" not in html
    assert "await f(&lt;b&gt;)" in html


def test_call_expected_and_got_are_told_apart():
    html = card(VERDICTS[3], SLEEP, "workspace")
    assert re.findall(r"<th[^>]*>(\w+)</th><td[^>]*><code>(.*?)</code>", html, re.DOTALL) == [
        ("call", "await f(&lt;b&gt;)"),
        ("expected", "1 &amp; 2"),
        ("got", "3\n4"),
    ]


async def test_the_loop_turns_while_it_waits_for_the_verdict():
    async with Pulse() as pulse:
        said = await check("1.4")
    pulse.check()
    assert pulse.share_alive(pulse.started, pulse.ended) > 0.25
    assert said.startswith("· 1.4 time.sleep between retries (workspace): untouched")
    assert "board: 0 of" in said._repr_html_()


async def test_a_wrong_call_is_told_in_its_own_words():
    with pytest.raises(LookupError, match=r"no finding '9\.9': there are 1\.1"):
        await check("9.9")
    with pytest.raises(ValueError, match="pass workspace, starter, solution or a path"):
        await check("1.4", "nowhere")


def test_further_hints_are_folded():
    html = hint("1.4")._repr_html_()
    assert html.count("<details>") == len(SLEEP.hints) - 1
    assert words(html)[:4] == ["hint", "1", "of", "4:"]


def test_the_solution_is_folded_and_so_is_one_s_own_work(tmp_path):
    from kata.workspace import start

    fix = diff("1.4")
    assert "+                await asyncio.sleep(backoff_time)" in fix.splitlines()
    assert fix._repr_html_().count("<details>") == 1
    start()
    file = tmp_path / "workspace" / "modules" / "speech" / "speech_to_text.py"
    file.write_text(file.read_text().replace("time.sleep(", "time.sleep(0 * "))
    assert diff("1.4") == fix
    assert "what you have changed there: 1 lines in, 1 out" in diff("1.4")._repr_html_()


def test_the_board_links_to_the_lessons():
    html = board()._repr_html_()
    for finding in audit().findings:
        assert f'/{finding.notebook}">{finding.title}</a>' in html
    for section in audit().sections:
        for pattern in audit().patterns_of(section):
            assert f'/{section.notebook}">{pattern.title}</a>' in html


@pytest.mark.slow
def test_a_bar_is_shown_to_those_who_wait_and_leaves_no_word_behind():
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        seen = []
        for code in ("import kata.waiting\nkata.waiting.AFTER = 0.01", "from kata import check\nawait check('1.4')"):
            seen.clear()
            client.execute_interactive(code, output_hook=seen.append, timeout=60)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    shown = [message["content"]["data"] for message in seen if "display_data" in message["msg_type"]]
    (result,) = [message["content"]["data"] for message in seen if message["msg_type"] == "execute_result"]
    assert "judging 1.4: 0 s, at most 25" in shown[0]["text/html"]
    assert {mime for data in shown for mime in data} == {"text/html"}
    assert shown[-1] == {"text/html": ""}
    assert set(result) == {"text/plain", "text/html"}
    assert result["text/plain"].startswith("· 1.4 time.sleep between retries (workspace): untouched")
