"""Predictions are put down before, measured after, kept on the machine, never written over, and counted fairly."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner

from kata.audit import project_root
from kata.cli import main
from kata.prediction import cells, record
from kata.prediction.account import NOTHING, account
from kata.prediction.cells import measured, predict, predictions
from kata.prediction.questions import UnknownQuestion, When, WrongWord, question, questions
from kata.prediction.record import Kind, keep, outlook
from kata.target import WORKSPACE_VARIABLE
from kata.verdict.model import Behaviour, Status, Verdict


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """A workspace of the test's own, which is not there yet."""
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(tmp_path / "workspace"))
    return tmp_path / "workspace"


@pytest.fixture
def judged(monkeypatch) -> list[str]:
    """Verdicts are `fixed`, out of hand; the turns that were judged."""
    turns = []

    async def judge(finding, turn):
        turns.append(turn.name)
        return Verdict(finding.id, Status.FIXED, Behaviour.KEPT, None, "…", 1.0), "fixed\n  behaviour: kept"

    monkeypatch.setattr(cells, "judge_turn", judge)
    return turns


def shelf(home: Path) -> list[str]:
    return sorted(file.name for file in (home / ".kata" / "predictions").glob("*"))


def kata(*arguments: str):
    return CliRunner().invoke(main, arguments)


async def test_a_question_that_is_not_answered_yet_leaves_no_trace_and_judges_nothing(home, judged):
    assert 'write 0, 1 or 2 into before=""' in await predict("1.4", before="")
    assert 'write present, broken or fixed into after=""' in await predict("1.4", after="")
    assert judged == []
    assert not home.exists()


async def test_what_was_expected_stands_beside_what_is_measured():
    assert "you expected: 2" in await predict("1.4", before="2")
    said = measured("1.4", 0)
    assert said.splitlines()[1:] == ["  you expected: 2", "  measured: 0, not as you expected ✗"]
    await predict("1.1", before=" Stands  STILL ")
    assert "measured: stands still, as you expected ✓" in measured("1.1", "stands still")


async def test_the_first_prediction_stays_and_the_second_is_kept_beside_it(home):
    await predict("1.4", before=0)
    said = await predict("1.4", before=2)
    assert "you expected: 0 (you put this down first, so it stays; then 2)" in said
    assert (outlook(question("1.4", When.BEFORE)).expected, len(shelf(home))) == ("0", 2)


async def test_the_same_prediction_again_is_no_other_one(home):
    for _ in range(3):
        await predict("1.4", before="0")
        measured("1.4", 0)
    assert len(shelf(home)) == 2


async def test_who_has_seen_it_is_told_so_and_not_counted():
    measured("1.4", 0)
    assert "run this lesson before" in await predict("1.4", before="")
    assert "measured: 0" not in await predict("1.4", before="")
    assert "you expected: 0, put down when it had been measured already" in await predict("1.4", before="0")
    assert account().counted(When.BEFORE) == ()
    assert "Not counted: 1" in str(account())


async def test_what_is_measured_next_is_what_counts_whatever_one_tries_later():
    await predict("1.4", before="0")
    measured("1.4", 0)
    measured("1.4", 2)
    assert outlook(question("1.4", When.BEFORE)).is_right


async def test_code_is_judged_once_it_is_predicted(judged):
    said = await predict("1.4", after="fixed")
    assert judged == ["an event with a timeout"]
    assert "verdict: fixed" in said
    assert "measured: fixed, as you expected ✓" in said
    assert "is a pause as well" in said  # and why


async def test_a_prediction_after_the_verdict_changes_nothing(judged):
    await predict("1.4", after="present")
    await predict("1.4", after="fixed")
    known = outlook(question("1.4", When.AFTER))
    assert (known.expected, known.later, known.measured, known.is_right) == ("present", ("fixed",), "fixed", False)


async def test_of_other_code_that_a_later_course_asks_about_nothing_is_known_yet(judged):
    await predict("1.4", after="fixed")
    other = replace(question("1.4", When.AFTER), turn_name="no pause at all")
    assert outlook(other).entries == ()
    assert len(outlook(question("1.4", When.AFTER)).entries) == 2


async def test_what_was_expected_is_on_the_disk_before_it_is_judged(home, monkeypatch):
    async def interrupted(finding, turn):
        assert len(shelf(home)) == 1
        raise asyncio.CancelledError

    monkeypatch.setattr(cells, "judge_turn", interrupted)
    with pytest.raises(asyncio.CancelledError):
        await predict("1.4", after="fixed")
    assert outlook(question("1.4", When.AFTER)).expected == "fixed"


async def test_code_that_could_not_be_judged_is_not_measured(monkeypatch):
    async def failing(finding, turn):
        return Verdict(finding.id, Status.ERROR, None, None, "did not end", 1.0), "error\n  did not end"

    monkeypatch.setattr(cells, "judge_turn", failing)
    assert "did not end" in await predict("1.4", after="fixed")
    assert outlook(question("1.4", When.AFTER)).measured is None
    assert "Not measured yet: 1" in str(account())


@pytest.mark.slow
async def test_the_verdict_is_the_judge_s_own_and_other_code_gets_another_one(home, monkeypatch):
    assert "measured: fixed" in await predict("1.4", after="fixed")
    other = replace(question("1.4", When.AFTER), turn_name="no pause at all")
    monkeypatch.setattr(cells, "question", lambda id, when: other)
    assert "measured: broken, not as you expected" in await predict("1.4", after="fixed")


@pytest.mark.slow
@pytest.mark.parametrize(("package", "answer"), [("starter", "0"), ("solution", "2")])
async def test_what_a_lesson_measures_comes_from_the_package_that_it_runs(package, answer):
    """Lesson 1.4 up to the cell that measures, with another package in the starter's place."""
    file = project_root() / "notebooks" / "1_4_sleep_between_retries.ipynb"
    notebook, space = json.loads(file.read_text(encoding="utf-8")), {}
    for cell in (each for each in notebook["cells"] if each["cell_type"] == "code"):
        source = "".join(cell["source"]).replace('"starter"', f'"{package}"')
        if "ecg(" in source or "print(chart" in source:
            continue
        compiled = compile(source, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        waited = eval(compiled, space)
        if inspect.isawaitable(waited):
            await waited
        if "measured(" in source:
            break
    assert outlook(question("1.4", When.BEFORE)).measured == answer


@pytest.mark.parametrize(
    ("side", "said"),
    [
        ("before", "not understood: 'two'; write 0, 1 or 2"),
        ("after", "not understood: 'two'; write present, broken or fixed"),
    ],
)
async def test_a_wrong_word_is_answered_with_the_right_ones_above_the_question(home, judged, side, said):
    asked, told = await predict("1.4", **{side: ""}), await predict("1.4", **{side: "two"})
    assert told == f"{said}\n\n{asked}"
    html = told._repr_html_()
    assert unescape(html).index(said) < html.index(asked._repr_html_())
    assert judged == []
    assert not home.exists()


async def test_a_wrong_word_after_a_right_one_changes_nothing(home, judged):
    await predict("1.4", after="present")
    before = shelf(home)
    told = await predict("1.4", after="two")
    assert told.startswith("not understood: 'two'; write present, broken or fixed\n")
    assert "you expected: present\n" in told
    assert (len(judged), shelf(home)) == (1, before)


def test_a_wrong_word_has_no_place_among_the_answers():
    with pytest.raises(WrongWord, match="not understood: 'none'; write 0, 1 or 2"):
        question("1.4", When.BEFORE).answer("none")


async def test_a_lesson_that_asks_nothing_and_a_call_that_answers_nothing_are_errors(home):
    with pytest.raises(UnknownQuestion, match=r"nothing is asked before '9.9': something is in 01, 1.1"):
        await predict("9.9", before="")
    with pytest.raises(TypeError, match=r'predict\("1.4", before=""\) or predict\("1.4", after=""\)'):
        await predict("1.4")
    with pytest.raises(TypeError, match="pass one of the two"):
        await predict("1.4", before="0", after="fixed")
    assert not home.exists()


async def test_a_workspace_is_made_whole_for_the_first_prediction(home):
    await predict("1.4", before="0")
    assert (home / "modules" / "speech" / "speech_to_text.py").is_file()


async def test_predictions_outlive_every_reset(home):
    await predict("1.4", before="0")
    stt = home / "modules" / "speech" / "speech_to_text.py"
    stt.write_text(stt.read_text(encoding="utf-8").replace("time.sleep(backoff_time)", "pass"), encoding="utf-8")
    before = shelf(home)
    for arguments in (("reset", "1.4"), ("reset", "--undo"), ("start",), ("start", "--missing")):
        assert kata(*arguments).exit_code == 0
        assert shelf(home) == before
    assert outlook(question("1.4", When.BEFORE)).expected == "0"


async def test_a_file_that_somebody_has_edited_is_left_alone_and_believed_in_nothing(home):
    await predict("1.4", before="0")
    (name,) = shelf(home)
    file = home / ".kata" / "predictions" / name
    file.write_text("{", encoding="utf-8")
    assert outlook(question("1.4", When.BEFORE)).expected is None
    await predict("1.4", before="1")
    assert file.read_text(encoding="utf-8") == "{"
    assert [each.partition("_")[0] for each in shelf(home)] == ["0001", "0002"]


def test_two_kernels_that_count_alike_do_not_write_over_each_other(home, monkeypatch):
    asked = question("1.4", When.BEFORE)
    monkeypatch.setattr(record, "_files", list)  # neither sees the other's file yet
    keep(asked, Kind.EXPECTED, "0")
    keep(asked, Kind.EXPECTED, "2")
    assert len(shelf(home)) == 2


def test_of_many_at_once_none_is_lost(home):
    asked = [question(id, When.BEFORE) for id in ("01", "1.1", "1.2", "1.3", "1.4", "1.5", "2.1", "2.2")]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: keep(each, Kind.EXPECTED, each.answers[0]), asked))
    assert [outlook(each).expected for each in asked] == [each.answers[0] for each in asked]


async def test_a_workspace_that_cannot_be_written_does_not_end_the_lesson(monkeypatch, judged):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(record, "write", full)
    for said in (await predict("1.4", before="0"), await predict("1.4", after="present")):
        assert "you expected: " in said
        assert "could not be kept, as the workspace cannot be written: No space left on device" in said
    assert "measured: fixed, not as you expected" in await predict("1.4", after="present")
    assert "measured: 0" in measured("1.4", 0)


async def some(judged) -> None:
    """Two before, of which one comes as expected; two after, both; and one that comes too late."""
    await predict("1.1", before="beats on")
    measured("1.1", "stands still")
    await predict("1.4", before="0")
    measured("1.4", 0)
    await predict("1.1", after="fixed")
    await predict("1.4", after="fixed")
    measured("1.2", 0)
    await predict("1.2", before="0")


async def test_at_the_end_it_says_in_words_how_many_came_as_expected(judged):
    await some(judged)
    lines = predictions().splitlines()
    assert [line.split("  ")[0] for line in lines[1:10] if line[:1].strip()] == ["1.1", "1.2", "1.4"]
    assert lines[-5:-2] == [
        "Before the lessons had shown it, 1 of 2 came as you expected.",
        "After them, of code that they had not shown, 2 of 2 came as you expected.",
        "Not counted: 1 that you put down when it had been measured already (*).",
    ]
    assert lines[-2].endswith("on this machine, and is sent nowhere.")
    assert lines[-1] == "Nothing put down: 01, 1.3, 1.5, 2.1, 2.2, 2.3, 3.1, 4, 5, 6, 7."


async def test_each_row_says_what_was_asked_and_fits_into_a_terminal(judged):
    await some(judged)
    told = predictions()
    for id in ("1.1", "1.2", "1.4"):
        assert question(id, When.BEFORE).asks in " ".join(told.split())
    *lines, _ = told.partition("\n\n")[0].splitlines()
    assert max(map(len, lines)) <= 80


async def test_in_a_notebook_each_lesson_is_a_link_whether_it_was_answered_or_not(judged):
    await some(judged)
    links = re.findall(r'<a href="([^"]*)">([^<]*)</a>', predictions()._repr_html_())
    assert sorted(id for _, id in links) == sorted({each.id for each in questions()})
    for way, id in links:
        assert Path(way).name.startswith(f"{id.replace('.', '_')}_")
        assert Path(way).is_file()  # from the folder that the tests, or the notebook, run in


def test_who_has_put_something_down_everywhere_is_told_of_no_gap():
    for each in questions():
        keep(each, Kind.EXPECTED, each.answers[0])
    assert "Nothing put down" not in predictions()


async def test_the_terminal_shows_the_same(judged):
    await some(judged)
    assert kata("predictions").output.rstrip("\n") == predictions()
    told = json.loads(kata("predictions", "--json").output)
    assert told["before"] == {"right": 1, "of": 2}
    assert told["after"] == {"right": 2, "of": 2}
    late = [each for each in told["predictions"] if each["late"]]
    assert [(each["id"], each["when"], each["expected"], each["measured"]) for each in late] == [
        ("1.2", "before", "0", "0")
    ]


def test_who_has_put_nothing_down_is_told_where_to():
    measured("1.4", 0)
    assert predictions() == NOTHING
    assert kata("predictions").output.rstrip("\n") == NOTHING
    assert json.loads(kata("predictions", "--json").output)["predictions"] == []


def words(html: str) -> list[str]:
    return unescape(re.sub(r"<[^>]*>", " ", re.sub(r"</?a\b[^>]*>", "", html))).split()


async def test_a_card_says_every_word_that_the_text_says_in_the_theme_s_colours(judged):
    await some(judged)
    cards = [await predict("1.4", before=""), await predict("1.4", after="fixed"), measured("1.4", 0), predictions()]
    for told in cards:
        html = told._repr_html_()
        missing = [word for word in told.replace(":", " ").split() if word not in " ".join(words(html))]
        assert missing == []
        colours = re.findall(r"(?<!-)(?:color|background|border[\w-]*): ([^;\"]*)", html)
        assert all("var(--jp-" in colour for colour in colours)
        assert "<script" not in html
