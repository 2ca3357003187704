"""The clock counts what is read and run, and says where there is less time than that."""

from __future__ import annotations

import dataclasses

import pytest
from click.testing import CliRunner

from kata.cli import main
from kata.room.plan import command, running, walk
from kata.room.plan.clock import LINES_A_MINUTE, WORDS_A_MINUTE, Time, times, total
from kata.room.plan.lessons import cells_of, lessons, parts
from kata.room.plan.plans import Kind, plans
from kata.room.plan.running import BadRecord, DidNotRun, Record, recorded, run

COURSE, RECORD = lessons(), recorded()
PLANS = plans()


def prose(text):
    return {"cell_type": "markdown", "source": text, "id": "prose"}


def code(text, *said, id="code"):
    outputs = [{"output_type": "stream", "name": "stdout", "text": each} for each in said]
    return {"cell_type": "code", "source": text, "id": id, "outputs": outputs}


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        (prose("Three plain words"), Time(words=3)),
        (prose("A [link](https://nowhere.test/a/b) and `time.sleep(1)`"), Time(words=4)),
        (prose("Guess\n<details>\n<summary>Then open</summary>\n\nRight.\n\n</details>"), Time(words=4, questions=1)),
        (prose("Try\n```python\nx = 1\n\ny = 2\n```"), Time(words=1, lines=2)),
        (code("x = 1\n\nx"), Time(lines=2, cells=1, unmeasured=1)),
        (code("x", "the loop beats on 42"), Time(lines=1, words=4, cells=1, unmeasured=1)),
        (code("x", "--- a.py\n+++ a.py\n@@ -1 +1 @@\n same\n-old\n+new\n"), Time(lines=3, cells=1, unmeasured=1)),
    ],
)
def test_a_cell_is_counted(cell, time):
    assert total([cell], {}) == time


def test_what_is_said_twice_is_read_once():
    cells = [code("x", "beats on\n"), code("y", "beats on\nstands still\n")]
    assert [time.words for time in times(cells, {})] == [2, 2]


def test_a_chart_is_looked_at_and_not_read():
    chart = code("chart")
    chart["outputs"] = [{"output_type": "execute_result", "data": {"image/png": "x", "text/plain": "a b c"}}]
    assert (total([chart], {}).pictures, total([chart], {}).words) == (1, 0)


def test_minutes_are_reading_thinking_looking_and_running():
    time = Time(words=WORDS_A_MINUTE, lines=round(LINES_A_MINUTE * 3), questions=1, pictures=4, seconds=60)
    assert time.minutes == pytest.approx(7)


def test_a_lesson_falls_into_its_parts():
    found = list(parts([prose("# Title"), prose("## One\nx"), code("x"), prose("## Two")]))
    assert [(title, len(cells)) for title, cells in found] == [("", 1), ("One", 2), ("Two", 1)]
    whole = COURSE["1.4"]
    assert len(cells_of(whole, whole.sections)) == len(cells_of(whole)) == len(whole.cells)
    (head, *predict) = cells_of(whole, ("Predict",))
    assert head["source"][0].startswith("# 1.4")
    assert predict[0]["source"][0].startswith("## Predict")


@pytest.mark.parametrize("lesson", COURSE.values(), ids=lambda lesson: lesson.number)
def test_a_lesson_has_the_minutes_that_it_takes(lesson):
    walked = walk.lesson(lesson, RECORD)
    assert walked.is_enough, f"{lesson.title}: {walked}; give it more in audit.toml, its first cell and the README"
    assert not walked.is_too_much, f"{lesson.title}: {walked}; give it less"


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_a_plan_gives_each_part_of_a_lesson_the_minutes_that_it_takes(plan):
    walked = list(walk.steps(plan, COURSE, RECORD))
    assert [each.title for each in walked if each and not each.is_enough] == []
    assert [step.kind for step, each in zip(plan.steps, walked, strict=True) if each] == [
        step.kind for step in plan.steps if step.kind in (Kind.SHOW, Kind.BOTH)
    ]


@pytest.mark.parametrize("lesson", COURSE.values(), ids=lambda lesson: lesson.number)
def test_nearly_all_cells_of_a_lesson_have_been_run_with_a_clock(lesson):
    time = walk.lesson(lesson, RECORD).time
    told = "run them anew: `uv run kata plan --run notebooks/kata/room/plan/recorded.json`"
    assert time.unmeasured <= time.cells / 5, told


def test_a_lesson_that_has_too_few_minutes_is_told():
    hurried = {**COURSE, "1.4": dataclasses.replace(COURSE["1.4"], teach=3)}
    assert any(said.startswith("1.4 · time.sleep between retries: ") for said in walk.too_short([], hurried, RECORD))
    assert walk.too_short(PLANS, COURSE, RECORD) == []
    assert "enough: every lesson" in CliRunner().invoke(main, ["plan", "--walk"]).output


def test_a_slow_machine_makes_the_walk_fail(tmp_path):
    slow = {number: dict.fromkeys(cells, 120.0) for number, cells in RECORD.seconds.items()}
    Record("a slow one", {}, slow).write(tmp_path / "slow.json")
    walked = CliRunner().invoke(main, ["plan", "--walk", "--record", str(tmp_path / "slow.json")])
    assert walked.exit_code == 1
    assert "too short: 1.4" in walked.output
    through = CliRunner().invoke(main, ["plan", "--walk", "--minutes", "90", "--record", str(tmp_path / "slow.json")])
    assert (through.exit_code, "TOO SHORT" in through.output) == (1, True)


def test_a_walk_through_a_plan_passes_every_cell_in_its_order():
    result = CliRunner().invoke(main, ["plan", "--walk", "--minutes", "90"])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    plan = PLANS[0]
    expected = sum(len(walk.cells_shown(plan, at, COURSE)) for at in range(len(plan.steps)))
    moments = [line.split()[0] for line in lines if line.split()[0].count(":") == 2]
    seconds = [sum(int(part) * 60**at for at, part in enumerate(reversed(moment.split(":")))) for moment in moments]
    assert len(moments) == expected
    assert seconds == sorted(seconds)


def test_a_record_is_kept_and_read_again(tmp_path):
    RECORD.write(tmp_path / "record.json")
    assert Record.read((tmp_path / "record.json").read_text(encoding="utf-8")) == RECORD


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"machine": "m", "walked": {}, "seconds": {"00": {"a": "b"}}}'])
def test_what_is_no_record_is_told(text):
    with pytest.raises(BadRecord, match="make one with `kata plan --run FILE`"):
        Record.read(text)


@pytest.mark.slow
def test_a_part_of_a_lesson_runs_by_itself_with_a_clock():
    part = COURSE["6"], ("Your own code base",)
    took = run(*part)
    assert list(took) == [cell["id"] for cell in cells_of(*part) if cell["cell_type"] == "code"]
    assert all(each > 0 for each in took.values())


def test_a_lesson_that_does_not_run_is_told_and_the_others_are_kept(tmp_path, monkeypatch):
    def fails_in_2_1(lesson, sections=()):
        if lesson.number == "2.1":
            raise DidNotRun("2_1: no luck")
        return {cell["id"]: 1.0 for cell in cells_of(lesson, sections) if cell["cell_type"] == "code"}

    cells = sum(cell["cell_type"] == "code" for cell in COURSE["1.4"].cells)
    for module in (running, command):
        monkeypatch.setattr(module, "run", fails_in_2_1)
    result = CliRunner().invoke(main, ["plan", "--run", str(tmp_path / "run.json")])
    assert (result.exit_code, "could not run: 2_1: no luck" in result.stderr) == (3, True)
    assert f"1.4 · time.sleep between retries: {cells} cells in {cells} s" in result.output
    kept = Record.read((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert list(kept.walked) == [number for number in COURSE if number != "2.1"]


@pytest.mark.slow
def test_a_cell_that_fails_is_named(monkeypatch):
    failing = {**code("1 + 1\n1 / 0"), "metadata": {}, "execution_count": None}
    monkeypatch.setattr(running, "cells_of", lambda *_: [failing])
    with pytest.raises(DidNotRun, match=r"1_4_.*the cell that begins '1 \+ 1': ZeroDivisionError"):
        run(COURSE["1.4"])
