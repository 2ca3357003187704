"""What a lesson's cells call: put a prediction down, say what was measured, and show at the end how it came out."""

from __future__ import annotations

import asyncio

from kata.audit import audit
from kata.gallery import Turn
from kata.lesson import Text, judge_turn
from kata.prediction import telling
from kata.prediction.account import account
from kata.prediction.questions import Question, When, question
from kata.prediction.record import Kind, keep, outlook
from kata.verdict.html import code, folded
from kata.verdict.model import Status


async def predict(id: str, *, before: object = None, after: object = None) -> Text:
    """Put down what you expect, before a lesson shows it or after it, of code that it does not show.

    An empty answer shows the question, and the words to answer with. The first answer is what you expected, for good;
    another one is kept beside it. What is asked after a lesson is judged once you have answered.

    Args:
        id: The lesson's number, such as ``"1.4"``.
        before: Your answer to the question at its beginning.
        after: Your answer to the question at its end.

    Raises:
        UnknownQuestion: If the lesson asks nothing there.
        WrongWord: If the answer is not one of those that are offered.
    """
    if (before is None) == (after is None):
        raise TypeError(f'pass one of the two: predict("{id}", before="") or predict("{id}", after="")')
    asked = question(id, When.BEFORE if after is None else When.AFTER)
    answer = asked.answer(before if after is None else after)
    trouble = await asyncio.to_thread(_kept, asked, Kind.EXPECTED, answer) if answer else []
    if asked.turn is None:
        return await asyncio.to_thread(_told, asked, trouble)
    verdict = await _judged(asked, asked.turn) if answer else ""
    return await asyncio.to_thread(_told_of_code, asked, asked.turn, verdict, trouble)


def measured(id: str, answer: object) -> Text:
    """Say what a lesson has measured, beside what you expected at its beginning.

    Args:
        id: The lesson's number, such as ``"1.4"``.
        answer: What was measured.

    Raises:
        UnknownQuestion: If the lesson asks nothing before.
    """
    asked = question(id, When.BEFORE)
    trouble = _kept(asked, Kind.MEASURED, str(answer))
    now = outlook(asked)
    heading, lines = telling.asked(now), [*telling.answered(now, is_shown=True), *trouble]
    return Text(telling.text(heading, lines), telling.card(heading, lines))


def predictions() -> Text:
    """All that you have put down, beside what was measured, and how much of it came as you expected."""
    told = account()
    return Text(str(told), told.html())


def _told(asked: Question, trouble: list[str]) -> Text:
    now = outlook(asked)
    heading = telling.asked(now)
    lines = [*telling.answered(now, is_shown=False), *telling.invitation(now), *trouble]
    return Text(telling.text(heading, lines), telling.card(heading, lines))


def _told_of_code(asked: Question, turn: Turn, verdict: str, trouble: list[str]) -> Text:
    now = outlook(asked)
    heading, diff = telling.asked(now), turn.diff()
    lines = [*telling.answered(now, is_shown=False), *telling.invitation(now), *trouble]
    if now.expected is not None and now.measured is not None:
        lines.append(turn.because)
    said = f"\n\nverdict: {verdict}" if verdict else ""
    shown = folded(f"{asked.finding}, a refactoring", diff, is_open=True)
    html = f"{shown}{code(said.strip()) if said else ''}{telling.card(heading, lines)}"
    return Text(f"{diff}{said}\n\n{telling.text(heading, lines)}", html)


async def _judged(asked: Question, turn: Turn) -> str:
    """What the judge says of the code, which is kept as measured, unless it could not be judged."""
    verdict, said = await judge_turn(audit().finding(asked.finding), turn)
    if verdict.status is not Status.ERROR:
        await asyncio.to_thread(_kept, asked, Kind.MEASURED, str(verdict.status))
    return said


def _kept(asked: Question, kind: Kind, answer: str) -> list[str]:
    """Keep an answer; what went wrong with that, in a line or none."""
    try:
        keep(asked, kind, answer)
    except OSError as error:
        return [f"this could not be kept, as the workspace cannot be written: {error}"]
    return []
