"""How long a cell takes: to read, at speeds that somebody has measured, and to run, as it was measured here.

Words are read at 175 a minute. Adults read English non-fiction at 238 on average, most of them at 175 to 300, and read
aloud at 183 (Brysbaert, How many words do we read per minute?, Journal of Memory and Language 109, 2019, from 190
studies). The text is technical, stands on a screen, and is in a second language for many, so it is the slow end; and it
is about as fast as a teacher says it.

Code is read at 1000 lines an hour. Above that, reviewers do not look at it (Cohen, Best Kept Secrets of Peer Code
Review, 2006, from 2500 reviews). Whoever looks for defects takes 300 to 500; here one only has to follow.

A question to predict gets a minute, and a picture a quarter of one. Nobody has measured these: they are ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kata.room.plan.lessons import Cell

WORDS_A_MINUTE = 175
LINES_A_MINUTE = 1000 / 60
QUESTION = 1.0
PICTURE = 0.25

_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_TARGET = re.compile(r"\]\([^)]*\)")
_TAG = re.compile(r"<[^>\n]+>")
_WORD = re.compile(r"[^\W\d_][\w'’.:/-]*")
_CHANGED = re.compile(r"[+-](?![+-]{2} )")
_CONTEXT = re.compile(r"@@|--- |\+\+\+ | ")
_VERDICT = re.compile(r"  \S")


@dataclass(frozen=True)
class Time:
    """What a cell, a part or a lesson takes.

    Attributes:
        words: Words of prose, of what cells say among them.
        lines: Lines of code, and changed lines of a diff.
        questions: Questions to predict.
        pictures: Charts.
        cells: Code cells.
        seconds: How long these run.
        unmeasured: Code cells of which that is not known.
    """

    words: int = 0
    lines: int = 0
    questions: int = 0
    pictures: int = 0
    cells: int = 0
    seconds: float = 0.0
    unmeasured: int = 0

    @property
    def minutes(self) -> float:
        """By the clock: read, looked at, thought about and run."""
        read = self.words / WORDS_A_MINUTE + self.lines / LINES_A_MINUTE
        return read + QUESTION * self.questions + PICTURE * self.pictures + self.seconds / 60

    def __add__(self, other: Time) -> Time:
        names = self.__dataclass_fields__
        return Time(**{name: getattr(self, name) + getattr(other, name) for name in names})


def times(cells: Sequence[Cell], seconds: Mapping[str, float]) -> Iterator[Time]:
    """What each of a notebook's cells takes.

    Args:
        seconds: How long code cells run, by their ids.
    """
    read: set[str] = set()
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield _prose(source)
        else:
            yield _code(cell, source, seconds, read)


def total(cells: Sequence[Cell], seconds: Mapping[str, float]) -> Time:
    """What cells take together."""
    return sum(times(cells, seconds), Time())


def _prose(text: str) -> Time:
    fenced = "\n".join(_FENCED.findall(text))
    plain = _TAG.sub(" ", _TARGET.sub("]", _FENCED.sub("", text)))
    lines = [line for line in fenced.splitlines() if line.strip() and not line.startswith("```")]
    return Time(words=len(_WORD.findall(plain)), lines=len(lines), questions=text.count("<details>"))


def _code(cell: Cell, source: str, seconds: Mapping[str, float], read: set[str]) -> Time:
    lines = sum(bool(line.strip()) for line in source.splitlines())
    words = pictures = 0
    for output in cell["outputs"]:
        data = output.get("data", {})
        if "image/png" in data:
            pictures += 1
            continue
        for line in "".join(output.get("text") or data.get("text/plain", "")).splitlines():
            if line in read:
                continue  # nobody reads it twice
            read.add(line)
            if _CHANGED.match(line):
                lines += 1
            elif not _CONTEXT.match(line) or _VERDICT.match(line):
                words += len(_WORD.findall(line))
    known = cell["id"] in seconds
    return Time(
        words=words,
        lines=lines,
        pictures=pictures,
        cells=1,
        seconds=seconds.get(cell["id"], 0.0),
        unmeasured=0 if known else 1,
    )
