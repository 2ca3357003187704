"""What a lesson's cells call: put a prediction down, say what was measured, and show at the end how it came out."""

from __future__ import annotations

import asyncio

from kata.audit import audit
from kata.gallery import Turn
from kata.lesson import Text, judge_turn, lessons_from_here
from kata.prediction import telling
from kata.prediction.account import account
from kata.prediction.questions import Question, When, WrongWord, question
from kata.prediction.record import Kind, Outlook, keep, outlook
from kata.verdict.html import code, folded
from kata.verdict.model import Status


async def predict(id: str, *, before: object = None, after: object = None) -> Text:
    """Put down what you expect, before a lesson shows it or after it, of code that it does not show.

    An empty answer shows the question, and the words to answer with; so does a word that is not among them, which is
    kept nowhere. The first answer is what you expected, for good; another one is kept beside it. What is asked after a
    lesson is judged once you have answered.

    Args:
        id: The lesson's number, such as ``"1.4"``.
        before: Your answer to the question at its beginning.
        after: Your answer to the question at its end.

    Raises:
        UnknownQuestion: If the lesson asks nothing there.
    """
    if (before is None) == (after is None):
        raise TypeError(f'pass one of the two: predict("{id}", before="") or predict("{id}", after="")')
    asked = question(id, When.BEFORE if after is None else When.AFTER)
    try:
        return await _predicted(asked, asked.answer(before if after is None else after))
    except WrongWord as error:
        return _below(str(error), await _predicted(asked, ""))


async def _predicted(asked: Question, answer: str) -> Text:
    known, trouble = await asyncio.to_thread(_kept, asked, Kind.EXPECTED, answer)
    if asked.turn is None:
        return _told(known, trouble)
    said = ""
    if answer:
        verdict, said = await judge_turn(audit().finding(asked.finding), asked.turn)
        seen = "" if verdict.status is Status.ERROR else str(verdict.status)
        known, trouble = await asyncio.to_thread(_kept, asked, Kind.MEASURED, seen, known)
    return await asyncio.to_thread(_told_of_code, known, asked.turn, said, trouble)


def measured(id: str, answer: object) -> Text:
    """Say what a lesson has measured, beside what you expected at its beginning.

    Args:
        id: The lesson's number, such as ``"1.4"``.
        answer: What was measured.

    Raises:
        UnknownQuestion: If the lesson asks nothing before.
    """
    known, trouble = _kept(question(id, When.BEFORE), Kind.MEASURED, str(answer))
    return _card(known, [*telling.answered(known, is_shown=True), *trouble])


def predictions() -> Text:
    """All that you have put down, beside what was measured, and how much of it came as you expected."""
    told = account()
    return Text(str(told), told.html(lessons_from_here()))


def _told(known: Outlook, trouble: list[str]) -> Text:
    return _card(known, [*telling.answered(known, is_shown=False), *telling.invitation(known), *trouble])


def _told_of_code(known: Outlook, turn: Turn, verdict: str, trouble: list[str]) -> Text:
    why = [turn.because] if None not in (known.expected, known.measured) else []
    lines = [*telling.answered(known, is_shown=False), *telling.invitation(known), *why, *trouble]
    card, diff = _card(known, lines), turn.diff()
    said = f"verdict: {verdict}" if verdict else ""
    shown = folded(f"{known.question.finding}, a refactoring", diff, is_open=True)
    html = f"{shown}{code(said) if said else ''}{card._repr_html_()}"
    return Text("\n\n".join(filter(None, (diff, said, card))), html)


def _below(line: str, shown: Text) -> Text:
    """What is shown, under a line that says what is wrong."""
    return Text(f"{line}\n\n{shown}", f"{telling.notice(line)}{shown._repr_html_()}")


def _card(known: Outlook, lines: list[str]) -> Text:
    heading = telling.asked(known)
    return Text(telling.text(heading, lines), telling.card(heading, lines))


def _kept(asked: Question, kind: Kind, answer: str, before: Outlook | None = None) -> tuple[Outlook, list[str]]:
    """Keep an answer, unless it is empty; all that is known then, and what went wrong, in a line or none.

    Args:
        before: What was known, with that which could not be kept.
    """
    try:
        if answer:
            keep(asked, kind, answer)
    except OSError as error:
        known = (before or outlook(asked)).with_one_more(kind, answer)
        return known, [f"this could not be kept, as the workspace cannot be written: {error}"]
    return outlook(asked), []
