"""A traceback is told in the learner's own frames, and in the same words each time."""

from __future__ import annotations

from pathlib import Path

from kata.verdict.trace import trimmed


def test_what_others_note_on_an_exception_is_left_out():
    error = ValueError("no memory")
    error.add_note("During task with name 'node' and id '81a4'")
    assert trimmed(error, Path(__file__).parent) == "ValueError: no memory"
