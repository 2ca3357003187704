"""A plan is the sum of its lessons' minutes, and fails as soon as that does not fit its time."""

from __future__ import annotations

import copy
import dataclasses
import json

import pytest
from click.testing import CliRunner

from kata.audit import audit
from kata.cli import main
from kata.room.plan import lessons as reading
from kata.room.plan import plans as planning
from kata.room.plan.lessons import lessons
from kata.room.plan.plans import BadPlan, DoesNotFit, Kind, NoneFits, longest, plans, stored

COURSE = lessons()
PLANS = plans()


def kata(*arguments: str):
    return CliRunner().invoke(main, ["plan", *arguments])


def one(*steps, minutes=90, more=()):
    return {"plan": [{"name": "mine", "minutes": minutes, "audience": "us", "step": [*steps], "more": [*more]}]}


SHOWN = {"show": "1.4", "what": "It is shown."}
TALK = {"talk": "Questions", "minutes": 5, "what": "They ask."}


def test_there_are_ninety_minutes_half_a_day_and_a_day():
    assert [plan.minutes for plan in PLANS] == [90, 180, 420]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_a_plan_of_the_course_fits_its_time(plan):
    plan.must_fit()
    assert plan.needed <= plan.minutes


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_a_finding_that_is_done_has_been_shown_before(plan):
    of_lessons = [step for step in plan.steps if step.lesson]
    firsts = {step.lesson: step.kind for step in reversed(of_lessons)}
    assert Kind.DO not in firsts.values()


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_a_plan_says_what_to_let_go_and_what_the_fast_ones_get(plan):
    assert len(plan.when_late) >= 3
    assert all(step.fast for step in plan.steps if step.kind is Kind.DO)


def test_whole_lessons_have_the_minutes_of_the_manifest():
    (plan,) = plans(one(SHOWN, {"do": "1.4", "what": "."}, {"both": "2.1", "what": "."}, {"show": "7", "what": "."}))
    sleep, breaker = audit().finding("1.4"), audit().finding("2.1")
    callers = next(section for section in audit().sections if section.number == "7")
    expected = [sleep.teach, sleep.do, breaker.teach + breaker.do, callers.teach]
    assert [step.minutes for step in plan.steps] == expected


def test_lessons_without_a_finding_have_the_minutes_of_their_first_cell():
    (start, pulse) = (each for each in reading.syllabus.lessons() if each.file.startswith("0"))
    assert str(COURSE["00"].teach) == start.minutes
    assert pulse.minutes == f"{COURSE['01'].teach} to read and run, {COURSE['01'].do} to try"


def test_a_part_is_rounded_up():
    (plan,) = plans(one({**SHOWN, "part": 0.51}))
    assert plan.steps[0].minutes == -(-COURSE["1.4"].teach * 51 // 100)


def test_steps_begin_where_the_one_before_ends():
    (plan,) = plans(one(TALK, SHOWN, TALK))
    assert plan.begins == [0, 5, 5 + COURSE["1.4"].teach]
    assert plan.needed == 10 + COURSE["1.4"].teach


def test_a_plan_that_does_not_fit_says_by_how_much_and_what_may_go():
    late = {"order": 1, "instead": "none"}
    (plan,) = plans(one(SHOWN, {**TALK, "late": late}, minutes=COURSE["1.4"].teach))
    with pytest.raises(DoesNotFit, match=r"5 more than the .*what may go first is Questions \(saves 5\)"):
        plan.must_fit()


def test_the_command_fails_on_a_plan_that_does_not_fit(monkeypatch):
    table = copy.deepcopy(stored())
    table["plan"][0]["step"].append({"talk": "One more thing", "minutes": 40, "what": "It takes too long."})
    monkeypatch.setattr(planning, "stored", lambda: table)
    listed, chosen = kata(), kata("--minutes", "150")
    assert (listed.exit_code, chosen.exit_code) == (1, 1)
    assert "90 minutes   does not fit: needs" in listed.output
    assert "more than the 90 it has" in chosen.stderr


def test_a_manifest_whose_minutes_grow_makes_plans_fail(monkeypatch):
    def grown():
        longer = (dataclasses.replace(each, teach=each.teach + 60) for each in audit().findings)
        return dataclasses.replace(audit(), findings=tuple(longer))

    assert kata().exit_code == 0
    monkeypatch.setattr(reading, "audit", grown)
    result = kata()
    assert result.exit_code == 1
    assert result.output.count("does not fit") == 3
    assert kata("--minutes", "90").exit_code == 1


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"show": "9.9", "what": "."}, r"there is no lesson 9\.9; there are 00, 01, 1\.1"),
        ({"show": "1.4"}, "does not say what is done"),
        ({"what": "."}, "it has no kind"),
        ({**SHOWN, "do": "1.4"}, "it has show and do"),
        ({**SHOWN, "minutes": 5}, "the minutes of lesson 1.4 are the manifest's"),
        ({**SHOWN, "sections": ["Predict"]}, "say which part of its minutes"),
        ({**SHOWN, "sections": ["Foreword"], "part": 0.5}, "has no section 'Foreword'; it has The symptom, Predict"),
        ({**SHOWN, "part": 0}, "part is 0"),
        ({**SHOWN, "part": 1.5}, "part is 1.5"),
        ({**SHOWN, "parts": 0.5}, "nobody knows parts"),
        ({"do": "00", "what": "."}, "there is nothing to do in lesson 00"),
        ({"talk": "Questions", "what": "."}, "talk needs its minutes"),
        ({**TALK, "part": 0.5}, "part is of a lesson"),
        ({**SHOWN, "late": {"order": 2, "instead": "."}}, r"numbered \[2\]: number it 1, 2, 3"),
        ({**SHOWN, "late": {"order": 1}}, "late says order and instead"),
        ({**SHOWN, "late": {"order": 1, "instead": ".", "part": 2}}, "a part of 2"),
    ],
)
def test_a_step_that_cannot_be_is_told_by_its_place(step, said):
    with pytest.raises(BadPlan, match=f"^mine(, step 1)?: .*{said}"):
        plans(one(step))


def test_an_hour_is_too_short_and_the_message_says_what_is_needed():
    result = kata("--minutes", "60")
    assert result.exit_code == 1
    assert f"the shortest, 90 minutes, needs {PLANS[0].needed}" in result.stderr


@pytest.mark.parametrize("number", range(len(PLANS)))
def test_the_longest_plan_that_fits_is_taken(number):
    plan = PLANS[number]
    assert longest(PLANS, plan.needed) is plan
    if number:
        assert longest(PLANS, plan.needed - 1) is PLANS[number - 1]
    else:
        with pytest.raises(NoneFits):
            longest(PLANS, plan.needed - 1)


def test_what_is_left_over_is_told_and_what_fits_into_it():
    more = [{"show": "2.1", "what": "."}, {"show": "1.1", "what": "."}, {"do": "1.1", "what": "."}]
    (plan,) = plans(one(SHOWN, more=more))
    smallest = COURSE["1.1"]
    assert [step.title for step in plan.beside(plan.needed + smallest.teach)] == [smallest.title]
    assert plan.beside(plan.needed) == []
    left = 210 - longest(PLANS, 210).needed
    assert f"half a day: {210 - left} of 210 minutes, {left} left over" in kata("--minutes", "210").output


def test_a_plan_counts_from_nought_or_from_the_time_of_the_day():
    first = PLANS[0].steps[0].minutes
    assert f"\n 0:00 {first:4} min  {PLANS[0].steps[0].title}\n" in kata("--minutes", "90").output
    assert f"\n23:58 {first:4} min" in (late := kata("--minutes", "90", "--start", "23:58").output)
    assert f"\n00:{first - 2:02} " in late


def test_without_a_clone_it_says_where_to_run_it(monkeypatch):
    monkeypatch.setattr(reading.syllabus, "lessons", list)
    result = kata()
    assert (result.exit_code, "run it in a clone of the course" in result.stderr) == (3, True)


def test_a_lesson_that_does_not_say_how_long_it_takes_is_told(monkeypatch):
    silent = reading.syllabus.Lesson("02_more.ipynb", "02 · More", "?")
    monkeypatch.setattr(reading.syllabus, "lessons", lambda: [silent])
    result = kata()
    assert (result.exit_code, "02_more.ipynb does not say how long it takes" in result.stderr) == (3, True)


def test_every_form_has_every_step():
    told = json.loads(kata("--minutes", "180", "--format", "json").output)
    plan = longest(PLANS, 180)
    assert [step["title"] for step in told["steps"]] == [step.title for step in plan.steps]
    assert [step["minute"] for step in told["steps"]] == plan.begins
    assert sum(step["minutes"] for step in told["steps"]) == told["needed"] == told["minutes"] - told["left"]
    markdown, text = (kata("--minutes", "180", "--format", form).output for form in ("markdown", "text"))
    rows = [line for line in markdown.splitlines() if line.startswith("| ")][2:]
    assert [row.split(" | ")[0].strip("| ") for row in rows] == [step["at"] for step in told["steps"]]
    assert all(step.title in text and f"**{step.title}**" in markdown and step.what in markdown for step in plan.steps)
    assert [each["saves"] for each in told["when_late"]] == [late.saves for *_, late in plan.when_late]
    assert all(f"{late.instead} (saves {late.saves})" in markdown for *_, late in plan.when_late)


def test_editing_names_the_files_that_are_edited():
    (plan,) = plans(one({"do": "2.1", "what": "."}))
    assert plan.steps[0].where == "workspace/modules/speech/speech_to_text.py, workspace/core/resilience.py"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--start", "09:00"], "pass --minutes too"),
        (["--format", "json"], "pass --minutes too"),
        (["--minutes", "90", "--start", "9 o'clock"], "no time of the day"),
        (["--minutes", "90", "--start", "24:00"], "no time of the day"),
        (["--minutes", "0"], "--minutes"),
        (["--walk", "--minutes", "90", "--format", "json"], "leave --format out"),
        (["--run", "run.json", "--walk"], "--run goes alone"),
        (["--record", __file__], "pass --walk too"),
        (["--walk", "--record", __file__], "no record of lessons"),
        (["--run", __file__], "is no record of lessons: pass another file"),
        (["--run", "gone/run.json"], "there is no folder gone"),
    ],
)
def test_a_wrong_call_is_told(arguments, said):
    result = kata(*arguments)
    assert (result.exit_code, said in result.output) == (2, True), result.output
