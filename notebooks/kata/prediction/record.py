"""What was put down and what was measured, one file each in the workspace's own folder; none is ever written over.

They are counted, so that the order in which things came is known whatever the clock says.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from uuid import uuid4

from kata.prediction.questions import Question, When
from kata.target import workspace
from kata.workspace import start
from kata.workspace.files import HIDDEN, write

SHELF = f"{HIDDEN}/predictions"
"""Where they are, relative to the workspace's folder."""

_NAME = re.compile(r"\d+_")


class Kind(StrEnum):
    """What a file tells of."""

    EXPECTED = "expected"
    MEASURED = "measured"


@dataclass(frozen=True)
class Entry:
    """Something that was put down, or measured.

    Attributes:
        number: Counted from 1 in each workspace.
        id: The lesson's number.
        when: Which of its questions.
        kind: Put down or measured.
        answer: The answer.
        at: The moment.
        turn: The turn of a gallery that it is about; empty where a lesson measures by itself.
    """

    number: int
    id: str
    when: When
    kind: Kind
    answer: str
    at: datetime
    turn: str = ""

    def is_about(self, question: Question) -> bool:
        """Whether this was asked: where a later course asks about other code, nothing is known of that yet."""
        return (self.id, self.when, self.turn) == (question.id, question.when, question.turn_name)


@dataclass(frozen=True)
class Outlook:
    """What is known of one question on this machine.

    Attributes:
        question: The question.
        entries: What was put down and what was measured, in this order of events.
    """

    question: Question
    entries: tuple[Entry, ...]

    def of(self, kind: Kind) -> tuple[Entry, ...]:
        """Those of one kind."""
        return tuple(entry for entry in self.entries if entry.kind is kind)

    @cached_property
    def expected(self) -> str | None:
        """What was put down first."""
        put_down = self.of(Kind.EXPECTED)
        return put_down[0].answer if put_down else None

    @property
    def later(self) -> tuple[str, ...]:
        """What was put down after that."""
        return tuple(entry.answer for entry in self.of(Kind.EXPECTED)[1:])

    @cached_property
    def measured(self) -> str | None:
        """What was measured next after the first answer was put down; before there is one, what was measured last."""
        seen, put_down = self.of(Kind.MEASURED), self.of(Kind.EXPECTED)
        if not seen:
            return None
        after = [entry for entry in seen if put_down and entry.number > put_down[0].number]
        return (after[0] if after else seen[-1]).answer

    @property
    def is_late(self) -> bool:
        """Whether the first answer was put down when it had been measured already."""
        seen, put_down = self.of(Kind.MEASURED), self.of(Kind.EXPECTED)
        return bool(seen and put_down) and seen[0].number < put_down[0].number

    @property
    def is_right(self) -> bool | None:
        """Whether it was measured as it was expected; None as long as one of the two is missing."""
        return None if None in (self.expected, self.measured) else self.expected == self.measured

    def with_one_more(self, kind: Kind, answer: str) -> Outlook:
        """The same, and an answer that is kept nowhere else."""
        number = self.entries[-1].number + 1 if self.entries else 1
        asked = self.question
        more = Entry(number, asked.id, asked.when, kind, answer, datetime.now(UTC), asked.turn_name)
        return Outlook(self.question, (*self.entries, more))


def outlook(question: Question) -> Outlook:
    """What is known of a question, whether there is a workspace yet or not."""
    return Outlook(question, tuple(entry for entry in _entries() if entry.is_about(question)))


def keep(question: Question, kind: Kind, answer: str) -> None:
    """Keep an answer, unless it is the one of this kind that came last. Makes the workspace if there is none.

    Raises:
        OSError: If the workspace cannot be written.
    """
    before = outlook(question).of(kind)
    if before and before[-1].answer == answer:
        return
    folder = start().folder
    number = max(map(_number, _files()), default=0) + 1
    told = {
        "id": question.id,
        "when": question.when,
        "kind": kind,
        "answer": answer,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "asked": question.asks,
        "turn": question.turn_name,
    }
    # no two files have one name, not even if two kernels write at the same moment
    name = f"{number:04}_{question.id}_{question.when}_{kind}_{uuid4().hex[:8]}.json"
    write(folder, f"{SHELF}/{name}", json.dumps(told, indent=1, ensure_ascii=False).encode())


def _entries() -> list[Entry]:
    return sorted(filter(None, map(_read, _files())), key=lambda entry: entry.number)


def _files() -> list[Path]:
    return sorted(file for file in (workspace() / SHELF).glob("*.json") if _NAME.match(file.name))


def _number(file: Path) -> int:
    return int(file.name.partition("_")[0])


def _read(file: Path) -> Entry | None:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        when, kind, at = When(told["when"]), Kind(told["kind"]), datetime.fromisoformat(told["at"])
        return Entry(_number(file), told["id"], when, kind, told["answer"], at, told["turn"])
    except (OSError, ValueError, LookupError, TypeError):
        return None  # one that somebody has edited
