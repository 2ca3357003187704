"""The questions: what is asked before and after, and the words to answer with. The answers are measured, not stored."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from kata.gallery import Turn, gallery
from kata.verdict.model import Status

VERDICTS = {
    Status.PRESENT: "the finding is still there",
    Status.BROKEN: "the code does something else than before, whatever the loop does",
    Status.FIXED: "neither",
}
"""What one can predict of code that is judged, and what it means."""

_OF_A_TURN = "This refactoring is new to you. What will the verdict be?"


class When(StrEnum):
    """On which side of the lesson a prediction is made."""

    BEFORE = "before"
    AFTER = "after"


class UnknownQuestion(LookupError):
    """Nothing is asked there; the message says where something is."""


class WrongWord(ValueError):
    """An answer that nobody can give; the message names those that one can."""


@dataclass(frozen=True)
class Question:
    """Something to predict, that is measured afterwards.

    Attributes:
        id: The lesson's number, such as ``1.4``, which is that of its finding if it has one.
        when: Before the lesson has shown it, or after all that it shows.
        asks: The question.
        answers: The words to answer with.
        finding: The finding that is judged; empty where the lesson measures by itself.
        turn_name: The turn of that finding's gallery that is judged.
    """

    id: str
    when: When
    asks: str
    answers: tuple[str, ...]
    finding: str = ""
    turn_name: str = ""

    @property
    def turn(self) -> Turn | None:
        """The code that is judged, or None where the lesson measures by itself."""
        return gallery(self.finding).turn(self.turn_name) if self.finding else None

    @property
    def choice(self) -> str:
        """The words to answer with, in a line; those of more than one word in quotation marks."""
        *others, last = (f'"{answer}"' if " " in answer else answer for answer in self.answers)
        return f"{', '.join(others)} or {last}"

    def answer(self, said: object) -> str:
        """The answer that somebody has given, as it is spelt here; empty if none was given.

        Raises:
            WrongWord: If it is not one of the answers.
        """
        word = " ".join(str(said).split())
        for answer in ("", *self.answers):
            if word.casefold() == answer.casefold():
                return answer
        raise WrongWord(f"not understood: {word!r}; write {self.choice}")


def questions() -> tuple[Question, ...]:
    """All questions, in the order of the lessons."""
    return tuple(_questions().values())


def question(id: str, when: When) -> Question:
    """What is asked in a lesson.

    Raises:
        UnknownQuestion: If nothing is.
    """
    try:
        return _questions()[id, when]
    except KeyError:
        asked = ", ".join(each.id for each in questions() if each.when is when)
        raise UnknownQuestion(f"nothing is asked {when} {id!r}: something is in {asked}") from None


@cache
def _questions() -> Mapping[tuple[str, When], Question]:
    table = tomllib.loads(resources.files("kata.prediction").joinpath("questions.toml").read_text(encoding="utf-8"))
    asked = [_question(entry["id"], when, entry[when]) for entry in table["lesson"] for when in When if when in entry]
    return {(each.id, each.when): each for each in asked}


def _question(id: str, when: When, entry: Mapping[str, Any]) -> Question:
    if "turn" in entry:
        return Question(id, when, _OF_A_TURN, tuple(VERDICTS), entry["finding"], entry["turn"])
    return Question(id, when, entry["asks"], tuple(entry["answers"]))
