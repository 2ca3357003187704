"""A walk through lessons and plans by the clock: is there enough time for what is planned?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from kata.room.plan.clock import Time, times, total
from kata.room.plan.lessons import Cell, Lesson, cells_of
from kata.room.plan.plans import Kind, Plan
from kata.room.plan.report import Given
from kata.room.plan.running import Record

GENEROUS = 10
"""Minutes that a lesson may have beyond the clock: for questions, and for whoever is slow."""


@dataclass(frozen=True)
class Walked:
    """A lesson, or a step of a plan, by the clock.

    Attributes:
        title: What was walked.
        stated: Minutes that it has.
        time: What it takes.
    """

    title: str
    stated: int
    time: Time

    @property
    def is_enough(self) -> bool:
        """Whether it takes no longer than it has."""
        return self.time.minutes <= self.stated

    @property
    def is_too_much(self) -> bool:
        """Whether it has much more than it takes."""
        return self.stated > self.time.minutes + GENEROUS

    def __str__(self) -> str:
        how = "" if self.is_enough and not self.is_too_much else ", generous" if self.is_enough else ", TOO SHORT"
        return f"{self.time.minutes:.1f} of {self.stated} min{how}"


def lesson(each: Lesson, record: Record) -> Walked:
    """A lesson from its first cell to its last."""
    return Walked(each.title, each.teach, total(each.cells, record.of(each)))


def cells_shown(plan: Plan, at: int, course: Mapping[str, Lesson]) -> Sequence[Cell]:
    """What is shown in a step of a plan: none for editing, which has no clock, and no head twice."""
    each = plan.steps[at]
    if each.lesson is None or each.kind is Kind.DO:
        return ()
    found = course[each.lesson]
    before = (other.lesson for other in plan.steps[:at] if other.kind is not Kind.DO)
    return cells_of(found, each.sections)[len(cells_of(found, ("",))) if each.lesson in before else 0 :]


def steps(plan: Plan, course: Mapping[str, Lesson], record: Record) -> Iterator[Walked | None]:
    """Each step of a plan by the clock, and None where nothing is shown."""
    for at, each in enumerate(plan.steps):
        cells = cells_shown(plan, at, course)
        if not cells or each.lesson is None:
            yield None
            continue
        found = course[each.lesson]
        stated = each.minutes - (found.do if each.kind is Kind.BOTH else 0)
        yield Walked(each.name, stated, total(cells, record.of(found)))


def table(lessons: Sequence[Lesson], record: Record) -> str:
    """Every lesson by the clock, for a terminal."""
    lines = ["lesson  words  lines  questions  pictures  cells  runs, s  clock, min  stated, min"]
    for each in lessons:
        walked = lesson(each, record)
        time = walked.time
        unknown = "" if not time.unmeasured else f"  ({time.unmeasured} cells not run)"
        verdict = "" if walked.is_enough and not walked.is_too_much else f"  {str(walked).rpartition(', ')[2]}"
        lines.append(
            f"{each.number:6} {time.words:6} {time.lines:6} {time.questions:10} {time.pictures:9} {time.cells:6} "
            f"{time.seconds:8.0f} {time.minutes:11.1f} {walked.stated:12}{verdict}{unknown}"
        )
    return "\n".join([*lines, "", f"run on {record.machine}"])


def markdown(lessons: Sequence[Lesson], record: Record) -> str:
    """Every lesson as it was when it was run, by the clock, and the minutes that it has now; for the guide."""
    lines = [
        "| lesson | words | lines of code | questions, charts | runs | by the clock | in the manifest |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for each in lessons:
        if time := record.walked.get(each.number):
            longest = max(record.of(each).values(), default=0.0)
            runs = f"{time.cells} cells, {time.seconds:.0f} s, the longest {longest:.0f} s"
            asked = f"{time.questions}, {time.pictures}"
            minutes = f"{time.minutes:.1f} min | {each.teach} min"
            lines.append(f"| {each.number} | {time.words} | {time.lines} | {asked} | {runs} | {minutes} |")
    return "\n".join([*lines, "", f"Run on {record.machine}."])


def through(given: Given, course: Mapping[str, Lesson], record: Record) -> Iterator[str]:
    """A plan from its first minute to its last, cell by cell."""
    plan, walked = given.plan, steps(given.plan, course, record)
    for at, ((clock, each), begin, time) in enumerate(zip(given.timed, plan.begins, walked, strict=True)):
        yield f"{clock:>5}     {each.name}: {time or f'{each.minutes} min'}"
        passed, cells = float(begin), cells_shown(plan, at, course)
        seconds = record.of(course[each.lesson]) if each.lesson else {}
        for cell, took in zip(cells, times(cells, seconds), strict=True):
            yield f"{given.clock(int(passed)):>7}:{int(passed * 60) % 60:02}   {_says(cell, took)}"
            passed += took.minutes


def _says(cell: Cell, time: Time) -> str:
    first = next((line for line in "".join(cell["source"]).splitlines() if line.strip()), "")
    told = [f"{time.words} words" if time.words else "", f"{time.lines} lines" if time.lines else ""]
    told += ["picture" if time.pictures else "", "question" if time.questions else ""]
    if time.cells:
        told.append("not run yet" if time.unmeasured else f"runs {time.seconds:.1f} s")
    return f"{first[:60]:60}  {', '.join(filter(None, told))}"


def too_short(plans: Sequence[Plan], course: Mapping[str, Lesson], record: Record) -> Sequence[str]:
    """What has less time than the clock says: lessons, and steps of plans."""
    found = [lesson(each, record) for each in course.values()]
    for plan in plans:
        shown = (walked for walked in steps(plan, course, record) if walked)
        found += [replace(walked, title=f"{plan.name}, {walked.title}") for walked in shown]
    return [f"{walked.title}: {walked}" for walked in found if not walked.is_enough]
