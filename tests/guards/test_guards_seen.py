"""The table of guards says what the guards say when they are run."""

from __future__ import annotations

from dataclasses import fields

import guards_seen
import pytest
from run_time_guards import CLOCKS, GUARDS

from kata.audit import audit
from kata.guards.table import Seen, Table, stored

AGAIN = "run `uv run python tests/guards/guards_seen.py`, and look at what it changes"

IDS = {entry.id for entry in (*audit().findings, *audit().beyond)}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    pytest.importorskip("flake8_async", reason="flake8-async is not installed")
    return guards_seen.measured(tmp_path_factory.mktemp("guards"), stored())


@pytest.mark.slow
@pytest.mark.parametrize("part", [field.name for field in fields(Table)])
def test_what_the_guards_say_is_what_is_written_down(seen, part):
    assert comparable(seen, part) == comparable(stored(), part), AGAIN


LOCKED = ("2.3", "async def and nothing else")
"""It waits for a lock, which is taken only if the stand-in's answer is not there yet: blockbuster sees it, or not."""


def comparable(table, part):
    """A part of the table, without what is the machine's affair: what the clocks complain about on sound code, and
    whether a lock is taken."""
    found = getattr(table, part)
    if part == "false_alarms":
        return {guard: ids for guard, ids in found.items() if guard not in CLOCKS}
    return [each for each in found if (each.finding, each.name) != LOCKED] if part == "turns" else found


def test_the_table_has_every_finding_and_every_guard():
    assert set(stored().findings) == IDS
    assert all(set(row) == set(stored().guards) for row in stored().findings.values())
    assert stored().run_time == tuple(GUARDS)


def test_only_what_goes_by_a_clock_may_depend_on_the_machine():
    depending = {guard for row in stored().findings.values() for guard, seen in row.items() if seen is Seen.DEPENDS}
    assert depending <= {*CLOCKS}


def test_no_guard_sees_everything_and_together_they_do():
    table = stored()
    assert all(len(table.seen_by(guard, Seen.LINE)) < len(IDS) for guard in table.guards)
    assert table.unseen_by(*table.guards) == []


def test_a_guard_that_sees_nothing_does_not_pass(tmp_path):
    case = guards_seen.Case("a case", "1.4", guards_seen.project_root() / "starter")
    path = "modules/speech/speech_to_text.py"
    source = (case.package / path).read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(source, 1) if "time.sleep(" in text)
    assert case.judged([(path, line)]) is Seen.LINE
    assert case.judged([(path, line + 1)]) is Seen.ELSEWHERE
    assert case.judged([("", 0)]) is Seen.ELSEWHERE
    assert case.judged([]) is Seen.UNSEEN
