"""Plans: steps whose minutes come from the lessons, and a sum that has to fit."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from itertools import accumulate
from typing import Any

from kata.room.plan.lessons import Lesson, lessons


class Kind(StrEnum):
    """What is done in a step."""

    SHOW = "show"
    DO = "do"
    BOTH = "both"
    SET_UP = "set_up"
    TALK = "talk"
    BREAK = "break"
    CLOSING = "closing"


OF_A_LESSON = (Kind.SHOW, Kind.DO, Kind.BOTH)
"""Kinds that name a lesson and have its minutes; the others state their own."""

_KEYS = {*Kind, "minutes", "what", "where", "who", "sections", "part", "fast", "late"}
_WHO = {
    Kind.SHOW: "teacher",
    Kind.DO: "pairs",
    Kind.BOTH: "pairs",
    Kind.SET_UP: "everybody",
    Kind.TALK: "room",
    Kind.BREAK: "everybody",
    Kind.CLOSING: "room",
}


class BadPlan(ValueError):
    """A plan cannot be built; the message says which step, and what to do."""


class DoesNotFit(BadPlan):
    """A plan needs more minutes than it has."""


class NoneFits(LookupError):
    """No plan is short enough; the message says what the shortest one needs."""


@dataclass(frozen=True)
class Late:
    """What to do with a step when the room is late.

    Attributes:
        order: What is let go first has 1.
        instead: What takes the step's place, in a few words.
        saves: Minutes that this wins.
    """

    order: int
    instead: str
    saves: int


@dataclass(frozen=True)
class Step:
    """A stretch of time.

    Attributes:
        title: What it is, in a few words.
        what: What is done, in a sentence.
        who: Who does it: teacher, pairs, room, everybody.
        where: The notebook, the files or the place.
        lesson: The number of its lesson, if it has one.
        sections: The parts of the lesson that are taken, if not all of it is.
        part: The share of the lesson's minutes that they are given.
        fast: What those get who are done.
        late: How it is let go, if it may be.
    """

    kind: Kind
    title: str
    minutes: int
    what: str
    who: str
    where: str
    lesson: str | None = None
    sections: tuple[str, ...] = ()
    part: float = 1.0
    fast: str = ""
    late: Late | None = None

    @property
    def name(self) -> str:
        """What it is called where another step of the same lesson may stand beside it."""
        if not self.sections:
            return self.title
        first, last = self.sections[0], self.sections[-1]
        return f"{self.lesson}, {first if first == last else f'{first} to {last}'}"


@dataclass(frozen=True)
class Plan:
    """A workshop.

    Attributes:
        name: What it is called.
        minutes: The time it has.
        audience: Whom it is for.
        more: What fits where there is time left, the best first.
    """

    name: str
    minutes: int
    audience: str
    steps: tuple[Step, ...]
    more: tuple[Step, ...] = ()

    @property
    def needed(self) -> int:
        """The sum of its steps' minutes."""
        return sum(step.minutes for step in self.steps)

    @property
    def begins(self) -> Sequence[int]:
        """The minute at which each step begins."""
        return list(accumulate((step.minutes for step in self.steps[:-1]), initial=0))

    @property
    def when_late(self) -> Sequence[tuple[int, Step, Late]]:
        """The steps that may be let go, in that order, each with the minute at which it begins."""
        begun = zip(self.begins, self.steps, strict=True)
        found = [(begin, step, step.late) for begin, step in begun if step.late is not None]
        return sorted(found, key=lambda each: each[2].order)

    def must_fit(self) -> None:
        """See to it that the steps fit into the time.

        Raises:
            DoesNotFit: If they do not.
        """
        if self.needed <= self.minutes:
            return
        over = self.needed - self.minutes
        hints = ", ".join(f"{step.name} (saves {late.saves})" for _, step, late in self.when_late)
        raise DoesNotFit(
            f"{self.name}: its steps need {self.needed} minutes, {over} more than the {self.minutes} it has. "
            f"Take something out of plans.toml; what may go first is {hints or 'not said'}."
        )

    def beside(self, minutes: int) -> Sequence[Step]:
        """What else fits into so many minutes beside its own steps."""
        left, found = minutes - self.needed, []
        for step in self.more:
            if step.minutes <= left:
                found.append(step)
                left -= step.minutes
        return found


def stored() -> Mapping[str, Any]:
    """The plans as `plans.toml` has them."""
    return tomllib.loads(resources.files(__package__).joinpath("plans.toml").read_text(encoding="utf-8"))


def plans(table: Mapping[str, Any] | None = None, course: Mapping[str, Lesson] | None = None) -> Sequence[Plan]:
    """The plans, the shortest first. Whether each of them fits its time is for `Plan.must_fit` to say.

    Args:
        table: Plans in the form of `plans.toml`; the course's own if there is none.
        course: The lessons by number; the course's own if there are none.

    Raises:
        BadPlan: If one cannot be built.
        NoLessons: If there are no lessons to build them of.
    """
    course = lessons() if course is None else course
    entries = (stored() if table is None else table)["plan"]
    return sorted((_plan(entry, course) for entry in entries), key=lambda plan: plan.needed)


def longest(plans: Sequence[Plan], minutes: int) -> Plan:
    """The longest plan that fits into so many minutes.

    Raises:
        NoneFits: If none does.
        DoesNotFit: If that plan has outgrown its own time.
    """
    found = [plan for plan in plans if plan.needed <= minutes]
    if not found:
        shortest = min(plans, key=lambda plan: plan.needed)
        raise NoneFits(
            f"no plan fits into {minutes} minutes: the shortest, {shortest.name}, needs {shortest.needed}. "
            "In less, take a single lesson: `kata plan --walk` says how long each of them is."
        )
    plan = max(found, key=lambda plan: plan.needed)
    plan.must_fit()
    return plan


def _plan(entry: Mapping[str, Any], course: Mapping[str, Lesson]) -> Plan:
    name = entry["name"]
    steps = tuple(_step(step, course, f"{name}, step {at}") for at, step in enumerate(entry["step"], 1))
    more = tuple(_step(step, course, f"{name}, more {at}") for at, step in enumerate(entry.get("more", ()), 1))
    orders = sorted(step.late.order for step in steps if step.late)
    if orders != list(range(1, len(orders) + 1)):
        raise BadPlan(f"{name}: what is let go when late is numbered {orders}: number it 1, 2, 3 …")
    return Plan(name, entry["minutes"], entry["audience"], steps, more)


def _step(entry: Mapping[str, Any], course: Mapping[str, Lesson], place: str) -> Step:
    if unknown := sorted(set(entry) - _KEYS):
        raise BadPlan(f"{place}: nobody knows {', '.join(unknown)}; a step has {', '.join(sorted(_KEYS))}")
    kinds = [kind for kind in Kind if kind in entry]
    if len(kinds) != 1:
        raise BadPlan(f"{place}: it has {' and '.join(kinds) or 'no kind'}; pass one of {', '.join(Kind)}")
    (kind,) = kinds
    if not entry.get("what"):
        raise BadPlan(f"{place}: it does not say what is done: add what")
    part = entry.get("part", 1.0)
    if not 0 < part <= 1:
        raise BadPlan(f"{place}: part is {part}, and not above 0 and up to 1")
    lesson = _lesson(entry, kind, course, place)
    minutes = math.ceil(round(_minutes(entry, kind, lesson, place) * part, 6))
    return Step(
        kind=kind,
        title=_title(kind, entry, lesson),
        minutes=minutes,
        what=entry["what"],
        who=entry.get("who", _WHO[kind]),
        where=entry.get("where") or _where(kind, lesson),
        lesson=lesson.number if lesson else None,
        sections=tuple(entry.get("sections", ())),
        part=part,
        fast=entry.get("fast", ""),
        late=_late(entry.get("late"), minutes, place),
    )


def _lesson(entry: Mapping[str, Any], kind: Kind, course: Mapping[str, Lesson], place: str) -> Lesson | None:
    if kind not in OF_A_LESSON:
        if taken := sorted({"part", "sections"} & set(entry)):
            raise BadPlan(f"{place}: {taken[0]} is of a lesson, and {kind} has none")
        return None
    lesson = course.get(entry[kind])
    if lesson is None:
        raise BadPlan(f"{place}: there is no lesson {entry[kind]}; there are {', '.join(course)}")
    if "minutes" in entry:
        raise BadPlan(f"{place}: the minutes of lesson {lesson.number} are the manifest's; take them out, or say part")
    if "sections" in entry and "part" not in entry:
        raise BadPlan(f"{place}: it takes sections of lesson {lesson.number}: say which part of its minutes they are")
    known = lesson.sections
    for name in entry.get("sections", ()):
        if name not in known:
            raise BadPlan(f"{place}: lesson {lesson.number} has no section {name!r}; it has {', '.join(known)}")
    return lesson


def _minutes(entry: Mapping[str, Any], kind: Kind, lesson: Lesson | None, place: str) -> int:
    if lesson is None:
        if not isinstance(entry.get("minutes"), int) or entry["minutes"] <= 0:
            raise BadPlan(f"{place}: {kind} needs its minutes, a whole number above 0")
        return entry["minutes"]
    minutes = {Kind.SHOW: lesson.teach, Kind.DO: lesson.do, Kind.BOTH: lesson.teach + lesson.do}[kind]
    if not minutes:
        raise BadPlan(f"{place}: there is nothing to {kind} in lesson {lesson.number}")
    return minutes


def _late(entry: Mapping[str, Any] | None, minutes: int, place: str) -> Late | None:
    if entry is None:
        return None
    if not {"order", "instead"} <= set(entry) <= {"order", "instead", "part"}:
        raise BadPlan(f"{place}: late says order and instead, and may say which part of the step is let go")
    part = entry.get("part", 1.0)
    if not 0 < part <= 1:
        raise BadPlan(f"{place}: late lets go a part of {part}, and not one above 0 and up to 1")
    return Late(entry["order"], entry["instead"], math.floor(round(minutes * part, 6)))


def _title(kind: Kind, entry: Mapping[str, Any], lesson: Lesson | None) -> str:
    if lesson is None:
        return entry[kind]
    done = "done" if lesson.finding else "tried"
    return {
        Kind.SHOW: lesson.title,
        Kind.DO: f"{lesson.number}, {done}",
        Kind.BOTH: f"{lesson.title}, read and {done}",
    }[kind]


def _where(kind: Kind, lesson: Lesson | None) -> str:
    if lesson is None:
        return ""
    if kind is Kind.DO and lesson.edited:
        return ", ".join(lesson.edited)
    return lesson.file
