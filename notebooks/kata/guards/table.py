"""Which guard sees what: the table that `tests/guards/guards_seen.py` makes by running them, and a test compares."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from kata.audit import project_root
from kata.instruments.charts import Chart, Mark, matrix

FILE = project_root() / "tests" / "guards" / "guards_seen.toml"


class Seen(StrEnum):
    """What a guard says of a finding."""

    LINE = "at its line"
    ELSEWHERE = "elsewhere"
    UNSEEN = "unseen"
    DEPENDS = "depends"


_MARKS = {Seen.LINE: Mark.FULL, Seen.ELSEWHERE: Mark.HOLLOW, Seen.UNSEEN: Mark.NONE, Seen.DEPENDS: Mark.OPEN}


@dataclass(frozen=True)
class Turn:
    """A refactoring of the gallery, and the guards that complain about it.

    Attributes:
        verdict: What it deserves: ``fixed``, or what is wrong with it.
        guards: Who complains.
    """

    finding: str
    name: str
    verdict: str
    guards: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """What each guard was seen to say.

    Attributes:
        static: The guards that read the code, in order.
        run_time: Those that watch it run.
        findings: By finding and guard: each finding alone, put back into the solution; those beyond the report in the
            starter.
        false_alarms: By guard, the operations on the solution about which it complains, each named by its finding.
        first_time: The same where the operation is the first that its process does; of the guards without a clock.
        turns: A sample of the gallery, as the guards without a clock see it.
    """

    static: tuple[str, ...]
    run_time: tuple[str, ...]
    findings: Mapping[str, Mapping[str, Seen]]
    false_alarms: Mapping[str, tuple[str, ...]]
    first_time: Mapping[str, tuple[str, ...]]
    turns: tuple[Turn, ...]

    @property
    def guards(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.static, *self.run_time)

    def seen_by(self, guard: str, *how: Seen) -> Sequence[str]:
        """The findings that a guard sees in one of these ways."""
        return [id for id, seen in self.findings.items() if seen[guard] in how]

    def unseen_by(self, *guards: str) -> Sequence[str]:
        """The findings that none of the guards sees."""
        return [id for id, seen in self.findings.items() if all(seen[guard] is Seen.UNSEEN for guard in guards)]


@cache
def stored() -> Table:
    """The table as it was written down."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return Table(
        static=tuple(table["static"]),
        run_time=tuple(table["run-time"]),
        findings={id: {guard: Seen(said) for guard, said in row.items()} for id, row in table["finding"].items()},
        false_alarms={guard: tuple(ids) for guard, ids in table["false-alarms"].items()},
        first_time={guard: tuple(ids) for guard, ids in table["first-time"].items()},
        turns=tuple(Turn(**{**turn, "guards": tuple(turn["guards"])}) for turn in table["turn"]),
    )


def drawn(table: Table, *, title: str) -> Chart:
    """The table as a picture: a row a finding, a column a guard, those that read before those that watch.

    Args:
        title: What it shows, in a sentence.
    """
    columns = {guard: {id: _MARKS[row[guard]] for id, row in table.findings.items()} for guard in table.guards}
    words = {_MARKS[seen]: str(seen) for seen in Seen}
    return matrix(columns, words, split=len(table.static), title=title)
