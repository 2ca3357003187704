"""A plan for people and programs to read: lines for a terminal, a table for a document, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from kata.room.plan.plans import BadPlan, Plan, Step

WIDTH = 100


@dataclass(frozen=True)
class Given:
    """A plan, and the time that it is given.

    Attributes:
        minutes: How many there are.
        start: The time of the day at which it begins, in minutes since midnight; None to count from 0:00.
    """

    plan: Plan
    minutes: int
    start: int | None = None

    @property
    def left(self) -> int:
        """Minutes that the plan does not need."""
        return self.minutes - self.plan.needed

    def clock(self, minute: int) -> str:
        """A minute of the plan, as a clock shows it."""
        if self.start is None:
            return f"{minute // 60}:{minute % 60:02}"
        at = (self.start + minute) % (24 * 60)
        return f"{at // 60:02}:{at % 60:02}"

    @property
    def timed(self) -> Sequence[tuple[str, Step]]:
        """The steps, each with its time on the clock."""
        return [(self.clock(begin), step) for begin, step in zip(self.plan.begins, self.plan.steps, strict=True)]


def listed(plans: Sequence[Plan]) -> str:
    """All plans, a line for each, and whether they fit."""
    indent = " " * 13
    lines = []
    for plan in plans:
        lines.append(f"{plan.name:12} {_stands(plan)}")
        lines += wrap(f"for {plan.audience}", WIDTH, initial_indent=indent, subsequent_indent=indent)
    return "\n".join(lines)


def _stands(plan: Plan) -> str:
    try:
        plan.must_fit()
    except BadPlan:
        return f"does not fit: needs {plan.needed} of {plan.minutes} minutes, {plan.needed - plan.minutes} too many"
    return f"fits: {plan.needed} of {plan.minutes} minutes, {plan.minutes - plan.needed} to spare"


def text(given: Given) -> str:
    """For a terminal."""
    return "\n".join(_lines(given))


def _lines(given: Given) -> Iterator[str]:
    yield from wrap(_head(given), WIDTH)
    yield ""
    for at, step in given.timed:
        where = f" · {step.where}" if step.where else ""
        yield f"{at:>5} {step.minutes:4} min  {step.title}"
        if step.sections:
            yield from _wrapped(f"of it: {', '.join(step.sections)}")
        yield from _wrapped(f"{step.who}{where}")
        yield from _wrapped(step.what)
        if step.fast:
            yield from _wrapped(f"fast ones: {step.fast}")
    yield f"{given.clock(given.plan.needed):>5}           the end"
    if given.plan.when_late:
        yield ""
        yield "when late, in this order:"
        for begin, step, late in given.plan.when_late:
            yield from wrap(
                f"{late.order}. {given.clock(begin)} {step.name} · {late.instead} (saves {late.saves})",
                WIDTH,
                subsequent_indent="   ",
            )
    if beside := given.plan.beside(given.minutes):
        yield ""
        yield f"into the {given.left} minutes that are left there fits:"
        for step in beside:
            yield from wrap(f"- {step.title} ({step.minutes}): {step.what}", WIDTH, subsequent_indent="  ")


def _wrapped(words: str) -> list[str]:
    return wrap(words, WIDTH, initial_indent=" " * 16, subsequent_indent=" " * 16)


def _head(given: Given) -> str:
    return (
        f"{given.plan.name}: {given.plan.needed} of {given.minutes} minutes, {given.left} left over. "
        f"For {given.plan.audience}."
    )


def markdown(given: Given) -> str:
    """For a document: a table of the steps, and lists of what may go and of what fits."""
    lines = [
        _head(given),
        "",
        "| from | min | what | who and where |",
        "| --- | --- | --- | --- |",
        *(_row(at, step) for at, step in given.timed),
    ]
    if given.plan.when_late:
        lines += ["", "When late, in this order:", ""]
        lines += [
            f"{late.order}. {given.clock(begin)} {step.name} · {late.instead} (saves {late.saves})"
            for begin, step, late in given.plan.when_late
        ]
    if fast := [(at, step) for at, step in given.timed if step.fast]:
        lines += ["", "For the fast ones:", "", *(f"- {at} {step.name} · {step.fast}" for at, step in fast)]
    if beside := given.plan.beside(given.minutes):
        lines += ["", f"Into the {given.left} minutes that are left there fits:", ""]
        lines += [f"- {step.title} ({step.minutes}): {step.what}" for step in beside]
    return "\n".join(lines)


def _row(at: str, step: Step) -> str:
    where = f": {step.where}" if step.where else ""
    some = f" (of it: {', '.join(step.sections)})" if step.sections else ""
    cells = (at, str(step.minutes), f"**{step.title}**{some} · {step.what}", f"{step.who}{where}")
    return f"| {' | '.join(cells)} |"


def as_dict(given: Given) -> dict[str, Any]:
    """For a program."""
    plan = given.plan
    return {
        "name": plan.name,
        "audience": plan.audience,
        "minutes": given.minutes,
        "needed": plan.needed,
        "left": given.left,
        "steps": [
            {"at": at, "minute": begin, **_step(step)}
            for (at, step), begin in zip(given.timed, plan.begins, strict=True)
        ],
        "when_late": [
            {"at": given.clock(begin), "step": step.name, "instead": late.instead, "saves": late.saves}
            for begin, step, late in plan.when_late
        ],
        "fits_beside": [_step(step) for step in plan.beside(given.minutes)],
    }


def _step(step: Step) -> dict[str, Any]:
    names = ("kind", "title", "minutes", "what", "who", "where", "lesson", "part", "fast")
    return {**{name: getattr(step, name) for name in names}, "sections": list(step.sections)}


def _json(given: Given) -> str:
    return json.dumps(as_dict(given), indent=2, ensure_ascii=False)


FORMATS: Mapping[str, Callable[[Given], str]] = {"text": text, "markdown": markdown, "json": _json}
"""What turns a plan into text, by the format's name."""
