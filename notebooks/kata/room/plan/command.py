"""`kata plan`: from what was asked for to what is said, and whether all is well."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kata.room.plan import report, walk
from kata.room.plan.lessons import NoLessons, lessons
from kata.room.plan.plans import BadPlan, DoesNotFit, NoneFits, Plan, longest, plans
from kata.room.plan.running import BadRecord, DidNotRun, Record, recorded, run, run_all

__all__ = ["BadPlan", "BadRecord", "DidNotRun", "NoLessons", "NoneFits", "Said", "WrongCall", "answer", "measure"]

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class WrongCall(ValueError):
    """What was asked for cannot be; the message says what to do."""


@dataclass(frozen=True)
class Said:
    """What the command says.

    Attributes:
        is_well: Whether everything fits.
    """

    text: str
    is_well: bool


def answer(*, minutes: int | None, start: str | None, form: str, walked: bool, record: Path | None) -> Said:
    """A plan, all plans, or a walk by the clock.

    Raises:
        WrongCall: If options do not go together.
        BadPlan: If a plan cannot be built, or does not fit its time.
        NoneFits: If none fits into the minutes.
        BadRecord: If the record is none.
        NoLessons: If there are no lessons.
    """
    begin = _begin(start)
    if minutes is None and (begin is not None or form == "json" or (form == "markdown" and not walked)):
        raise WrongCall("--start and --format are for one plan: pass --minutes too, such as --minutes 180")
    if record is not None and not walked:
        raise WrongCall("--record is for a walk: pass --walk too")
    known = plans()
    if walked:
        return _walk(known, minutes, begin, form, _record(record))
    if minutes is None:
        return Said(report.listed(known), is_well=all(_fits(plan) for plan in known))
    given = report.Given(longest(known, minutes), minutes, begin)
    return Said(report.FORMATS[form](given), is_well=True)


def measure(file: Path, tell: Callable[[str], None]) -> None:
    """Run every lesson, and each part that a plan takes by itself, and keep in a file how long the lessons took.

    Raises:
        WrongCall: If the file cannot be written, or is something else than such a record.
        DidNotRun: If a cell of one failed; the other lessons are kept.
        BadPlan: If a plan cannot be built.
    """
    if not file.absolute().parent.is_dir():
        raise WrongCall(f"there is no folder {file.parent}: make it, or pass another file")
    if file.exists():
        try:
            _record(file)
        except BadRecord:
            raise WrongCall(f"{file} is there, and is no record of lessons: pass another file") from None
    course = lessons()
    alone = taken_alone(plans(course=course))
    wrong = list(run_all(list(course.values()), file, tell))
    for number, sections in alone:
        try:
            run(course[number], sections)
            tell(f"{number}, of it only {', '.join(sections)}: runs")
        except DidNotRun as error:
            wrong.append(f"of it only {', '.join(sections)}: {error}")
    if wrong:
        raise DidNotRun("\n".join(wrong))


def taken_alone(plans: Sequence[Plan]) -> list[tuple[str, tuple[str, ...]]]:
    """The parts of lessons that plans take, each with what they have taken of the same lesson before."""
    found: dict[tuple[str, tuple[str, ...]], None] = {}
    for plan in plans:
        so_far: dict[str, tuple[str, ...]] = {}
        for step in plan.steps:
            if step.lesson and step.sections:
                so_far[step.lesson] = (*so_far.get(step.lesson, ()), *step.sections)
        found |= dict.fromkeys(so_far.items())
    return list(found)


def _walk(known: Sequence[Plan], minutes: int | None, begin: int | None, form: str, record: Record) -> Said:
    course = lessons()
    if minutes is None:
        made = walk.markdown if form == "markdown" else walk.table
        short = walk.too_short(known, course, record)
        told = made(list(course.values()), record)
        if form == "text" and not short:
            told += "\nenough: every lesson, and each part that a plan takes, has the minutes that it takes"
    else:
        if form != "text":
            raise WrongCall("a walk through a plan is for a terminal: leave --format out")
        given = report.Given(longest(known, minutes), minutes, begin)
        walked = [each for each in walk.steps(given.plan, course, record) if each]
        short = [f"{each.title}: {each}" for each in walked if not each.is_enough]
        told = "\n".join(walk.through(given, course, record))
    return Said("\n".join([told, *(f"too short: {each}" for each in short)]), is_well=not short)


def _record(file: Path | None) -> Record:
    if file is None:
        return recorded()
    try:
        return Record.read(file.read_text(encoding="utf-8"))
    except (BadRecord, UnicodeDecodeError):
        raise BadRecord(f"{file} is no record of lessons: make one with `kata plan --run FILE`") from None


def _begin(start: str | None) -> int | None:
    if start is None:
        return None
    found = _TIME.fullmatch(start)
    if not found:
        raise WrongCall(f"{start} is no time of the day: pass hours and minutes, such as 09:00")
    return int(found[1]) * 60 + int(found[2])


def _fits(plan: Plan) -> bool:
    try:
        plan.must_fit()
    except DoesNotFit:
        return False
    return True
